/// A model whose new generation cannot be loaded, so that the one before it serves on.
package struct BlockedModel: Codable, Hashable, Sendable {
    package var key: ModelKey
    /// What serves, and what was to take its place.
    package var servingGeneration: Int
    package var wantedGeneration: Int
    /// Why the load failed.
    package var reason: String
    /// The run fields in which the two differ, under their names in a model's spec; empty where a restart was asked for.
    package var fields: [FieldChange]
    /// When it is tried again without anybody's doing; `nil` where it is not, or just now.
    package var nextAttempt: Timestamp?

    package init(
        key: ModelKey, servingGeneration: Int, wantedGeneration: Int, reason: String, fields: [FieldChange],
        nextAttempt: Timestamp?
    ) {
        self.key = key
        self.servingGeneration = servingGeneration
        self.wantedGeneration = wantedGeneration
        self.reason = reason
        self.fields = fields
        self.nextAttempt = nextAttempt
    }

    /// - Parameter instances: its live instances, oldest first.
    package init?(_ model: ModelRecord, instances: [InstanceRecord]) {
        guard let transition = Transition(of: model, instances: instances), transition.state == .blocked,
            let source = model.spec.source, let serving = instances.first(where: { $0.generation == transition.from })
        else { return nil }
        self.init(
            key: model.key, servingGeneration: transition.from, wantedGeneration: transition.to,
            reason: transition.reason ?? "", fields: sourceChanges(from: serving.source, to: source.runFields),
            nextAttempt: transition.nextAttempt)
    }
}

/// What differs between two sources, named as a change of the whole spec names it.
private func sourceChanges(from old: SourceSpec, to new: SourceSpec) -> [FieldChange] {
    fieldChanges(from: old, to: new).map { FieldChange(field: "source.\($0.field)", old: $0.old, new: $0.new) }
}
