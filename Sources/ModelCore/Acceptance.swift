/// One model as a manifest defines it, before it is accepted.
package struct ManifestModel: Hashable, Sendable {
    package var key: ModelKey
    package var spec: ModelSpec
    /// Relative to the root.
    package var file: String
    package var line: Int

    package init(key: ModelKey, spec: ModelSpec, file: String, line: Int) {
        self.key = key
        self.spec = spec
        self.file = file
        self.line = line
    }
}

/// Everything that one reading of a root found.
package struct ManifestSet: Hashable, Sendable {
    /// The models of the files that are good as a whole.
    package var models: [ManifestModel]
    /// Files that are not good, relative to the root. While there is one, nothing of the root is removed.
    package var brokenFiles: [String]
    /// Everything found wrong, in the order of files and lines.
    package var diagnostics: [Diagnostic]

    package init(models: [ManifestModel] = [], brokenFiles: [String] = [], diagnostics: [Diagnostic] = []) {
        self.models = models
        self.brokenFiles = brokenFiles
        self.diagnostics = diagnostics
    }
}

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
    /// Keys that the set defines but another root already owns: theirs stays.
    package var refused: [ModelKey] = []

    package init() {}

    package var isEmpty: Bool { changes.isEmpty && removals.isEmpty }
}

/// How much of a removal may pass.
package struct RemovalGuard: Hashable, Sendable {
    /// The operator has seen the removals and wants them.
    package var prune: Bool
    /// … even if nothing is left.
    package var allowEmpty: Bool

    package init(prune: Bool = false, allowEmpty: Bool = false) {
        self.prune = prune
        self.allowEmpty = allowEmpty
    }

    /// Removing this many models or more, and more than half of a root's, is held back.
    package static let smallestHeldRemoval = 3

    /// - Parameter leavesNothing: whether the root is left without any model.
    fileprivate func holds(removing removed: Int, of accepted: Int, leavesNothing: Bool) -> Bool {
        if removed == 0 { return false }
        if leavesNothing { return !allowEmpty }
        if prune { return false }
        return removed == accepted || (removed >= Self.smallestHeldRemoval && removed * 2 > accepted)
    }
}

/// Compares what a root's manifests say with what has been accepted. Pure.
/// - Parameter accepted: the models of every root.
package func judge(
    _ set: ManifestSet, root: String, accepted: [ModelRecord], guard removalGuard: RemovalGuard = RemovalGuard()
) -> Acceptance {
    var acceptance = Acceptance()
    let byKey = Dictionary(uniqueKeysWithValues: accepted.map { ($0.key, $0) })
    for model in set.models.sorted(by: { $0.key < $1.key }) {
        guard let known = byKey[model.key] else {
            acceptance.changes.append(
                Acceptance.Change(model: model, generation: 1, fields: [], isNew: true, replacesInstance: false))
            continue
        }
        guard known.root == root || known.isRemoved else {
            acceptance.refused.append(model.key)
            continue
        }
        if let change = change(from: known, to: model) { acceptance.changes.append(change) }
    }
    guard set.brokenFiles.isEmpty else { return acceptance }

    let defined = Set(set.models.map(\.key))
    let ofRoot = accepted.filter { $0.root == root && !$0.isRemoved }
    let missing = ofRoot.filter { !defined.contains($0.key) }.sorted { $0.key < $1.key }
    let comers = acceptance.changes.filter { byKey[$0.model.key]?.isRemoved ?? true }
    let lost = lost(of: missing, to: comers)
    let isHeld = removalGuard.holds(
        removing: lost.count, of: ofRoot.count, leavesNothing: set.models.count == acceptance.refused.count)
    acceptance.heldRemovals = isHeld ? lost : []
    let held = Set(acceptance.heldRemovals)
    acceptance.removals = missing.map(\.key).filter { !held.contains($0) }
    return acceptance
}

/// The models that are really taken away: one that only changed its key is not. Each model that comes is the new name
/// of at most one.
private func lost(of missing: [ModelRecord], to comers: [Acceptance.Change]) -> [ModelKey] {
    var renamed = Dictionary(comers.map { ($0.model.spec, 1) }, uniquingKeysWith: +)
    return missing.compactMap { model in
        guard let left = renamed[model.spec], left > 0 else { return model.key }
        renamed[model.spec] = left - 1
        return nil
    }
}

private func change(from known: ModelRecord, to model: ManifestModel) -> Acceptance.Change? {
    let replaces = known.spec.source?.runFields != model.spec.source?.runFields
    guard known.spec != model.spec || known.file != model.file || known.isRemoved else { return nil }
    return Acceptance.Change(
        model: model, generation: replaces ? known.generation + 1 : known.generation,
        fields: fieldChanges(from: known.spec, to: model.spec), isNew: false, replacesInstance: replaces)
}
