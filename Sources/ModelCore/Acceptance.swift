/// What accepting a manifest set changes in the database.
package struct Acceptance: Hashable, Sendable {
    /// A new or changed model.
    package struct Change: Hashable, Sendable {
        package var model: ManifestModel
        package var generation: Int
        /// What changed from the accepted spec; empty for a new model.
        package var fields: [FieldChange]
        package var isNew: Bool
        /// Whether the change needs a new instance.
        package var replacesInstance: Bool
    }

    package var changes: [Change] = []
    package var removals: [ModelKey] = []
    /// Removals that the guard holds back: these models stay as they are.
    package var heldRemovals: [ModelKey] = []
    /// The line to run that lets ``heldRemovals`` pass; `nil` where there are none.
    package var removalRemedy: String?
    /// Models whose removal is no longer held back, because they are defined again.
    package var releasedRemovals: [ModelKey] = []
    /// Models that are now defined in another file of the root, and in nothing else changed: no change of what is desired.
    package var moves: [ManifestModel] = []
    /// Keys that the set defines but another root already owns: theirs stays.
    package var refused: [ModelKey] = []

    package init() {}

    package var isEmpty: Bool { changes.isEmpty && removals.isEmpty }
}

extension Acceptance.Change {
    /// What the model's record becomes by it.
    /// - Parameters:
    ///   - known: as it is recorded; `nil` for a new model.
    ///   - root: the directory whose manifests define it from now on.
    package func applied(to known: ModelRecord?, root: String) -> ModelRecord {
        guard var record = known else {
            return ModelRecord(key: model.key, spec: model.spec, generation: generation, root: root, file: model.file)
        }
        // A restart may have used the number up since the manifests were judged.
        record.generation = max(generation, replacesInstance ? record.generation + 1 : record.generation)
        // A new spec has not failed yet. A hold is about what would run: it lasts while that stays the same.
        if replacesInstance || record.spec != model.spec || record.isRemoved { record.backoff = nil }
        if replacesInstance || record.isRemoved { record.hold = nil }
        // What runs will be another thing, and its size another one.
        if replacesInstance { record.memory = nil }
        record.spec = model.spec
        record.root = root
        record.file = model.file
        record.isRemoved = false
        return record
    }
}
