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

    /// Which of the models that a root would lose it keeps.
    ///
    /// What was held before is held until an operator lets it go: models that come meanwhile do not make it less.
    /// Where an operator prunes, what was recorded as held passes, which is what they were shown; what has gone missing
    /// since is judged by itself. Where nothing was recorded yet, they mean what is missing now.
    fileprivate func held(of lost: [ModelRecord], accepted: Int, leavesNothing: Bool) -> [ModelRecord] {
        if leavesNothing { return allowEmpty ? [] : lost }
        let shown = lost.filter { $0.heldRemoval != nil }
        guard prune else { return Self.isTooMuch(lost.count, of: accepted) ? lost : shown }
        if shown.isEmpty { return [] }
        let since = lost.filter { $0.heldRemoval == nil }
        return Self.isTooMuch(since.count, of: accepted - shown.count) ? since : []
    }

    private static func isTooMuch(_ removed: Int, of accepted: Int) -> Bool {
        removed > 0 && (removed == accepted || (removed >= smallestHeldRemoval && removed * 2 > accepted))
    }
}

/// Decides the conflicts of a set, and judges it.
package func judge(
    _ set: ManifestSet, root: String, accepted: [ModelRecord], predecessors: [String] = [],
    guard removalGuard: RemovalGuard = RemovalGuard()
) -> Acceptance {
    judge(set.decided(root: root, accepted: accepted, predecessors: predecessors), guard: removalGuard)
}

/// Compares what a root's manifests say with what has been accepted: what they define of the roots in whose place theirs is
/// named moves there, and the rest counts as missing there. Pure.
package func judge(_ decided: DecidedSet, guard removalGuard: RemovalGuard) -> Acceptance {
    let (set, root, accepted, own) = (decided.set, decided.root, decided.accepted, decided.ownRoots)
    var acceptance = Acceptance()
    let byKey = Dictionary(uniqueKeysWithValues: accepted.map { ($0.key, $0) })
    for model in set.models.sorted(by: { $0.key < $1.key }) {
        guard let known = byKey[model.key] else {
            acceptance.changes.append(
                Acceptance.Change(model: model, generation: 1, fields: [], isNew: true, replacesInstance: false))
            continue
        }
        guard own.contains(known.root) || known.isRemoved else {
            acceptance.refused.append(model.key)
            continue
        }
        if let change = change(from: known, to: model, root: root) {
            acceptance.changes.append(change)
        } else if known.file != model.file {
            acceptance.moves.append(model)
        }
    }
    let ofRoot = accepted.filter { own.contains($0.root) && !$0.isRemoved }
    let defined = Set(set.models.map(\.key))
    acceptance.releasedRemovals = ofRoot.filter { $0.heldRemoval != nil && defined.contains($0.key) }.map(\.key)
    guard set.brokenFiles.isEmpty else { return acceptance }

    let missing = ofRoot.filter { !defined.contains($0.key) }.sorted { $0.key < $1.key }
    let comers = acceptance.changes.filter { byKey[$0.model.key]?.isRemoved ?? true }
    let leavesNothing = set.models.count == acceptance.refused.count
    let held = removalGuard.held(
        of: lost(of: missing, to: comers, root: root), accepted: ofRoot.count, leavesNothing: leavesNothing)
    acceptance.remove(missing, keeping: held, remedy: remedy(root: root, leavesNothing: leavesNothing))
    return acceptance
}

extension Acceptance {
    fileprivate mutating func remove(_ missing: [ModelRecord], keeping held: [ModelRecord], remedy: String) {
        heldRemovals = held.map(\.key)
        removalRemedy = held.isEmpty ? nil : remedy
        let kept = Set(heldRemovals)
        removals = missing.map(\.key).filter { !kept.contains($0) }
    }
}

/// The line to run.
private func remedy(root: String, leavesNothing: Bool) -> String {
    "modelet apply \(shellWord(root)) \(leavesNothing ? "--allow-empty" : "--prune")"
}

/// The models that are really taken away: one that only changed its key is not. Each model that comes is the new name
/// of at most one, and of none whose removal is held: that one went without a new name.
private func lost(of missing: [ModelRecord], to comers: [Acceptance.Change], root: String) -> [ModelRecord] {
    if missing.isEmpty { return [] }
    var renamed = Dictionary(
        comers.map { ($0.model.spec.comparable(in: root, file: $0.model.file), 1) }, uniquingKeysWith: +)
    return missing.filter { model in
        guard model.heldRemoval == nil else { return true }
        let spec = model.spec.comparable(in: model.root, file: model.file)
        guard let left = renamed[spec], left > 0 else { return true }
        renamed[spec] = left - 1
        return false
    }
}

extension ModelSpec {
    /// What its manifest says wherever that lies: paths within the manifest's folder are taken from there, so that a
    /// folder that is renamed, and the domain with it, is a rename and no more.
    fileprivate func comparable(in root: String, file: String) -> ModelSpec {
        let folder = file.lastIndex(of: "/").map { "\(root)/\(file[..<$0])" } ?? root
        var spec = withoutDefaults
        spec.source = spec.source?.relative(to: folder)
        return spec
    }
}

extension SourceSpec {
    fileprivate func relative(to folder: String) -> SourceSpec {
        func shortened(_ path: String) -> String {
            path == folder ? "." : relativePath(of: path, below: folder).map { "./\($0)" } ?? path
        }
        func shortened(_ container: inout ContainerSpec) {
            guard let volumes = container.volumes else { return }
            container.volumes = Dictionary(volumes.map { (shortened($0.key), $0.value) }) { first, _ in first }
        }
        switch self {
        case .localArtifact(var spec):
            spec.path = shortened(spec.path)
            return .localArtifact(spec)
        case .docker(var spec):
            shortened(&spec.container)
            return .docker(spec)
        case .ecr(var spec):
            shortened(&spec.container)
            return .ecr(spec)
        }
    }
}

/// Where a model is defined is no change of it, unless it is by another root: then the new one has to know.
private func change(from known: ModelRecord, to model: ManifestModel, root: String) -> Acceptance.Change? {
    let isElsewhere = known.isRemoved || known.root != root
    // What is spelled the same is the same, and most of it is.
    if known.spec == model.spec, !isElsewhere { return nil }
    let (old, new) = (known.spec.withoutDefaults, model.spec.withoutDefaults)
    guard old != new || isElsewhere else { return nil }
    let replaces = old.source?.runFields != new.source?.runFields
    return Acceptance.Change(
        model: model, generation: replaces ? known.generation + 1 : known.generation,
        fields: fieldChanges(from: known.spec, to: model.spec, comparing: (old, new)), isNew: false,
        replacesInstance: replaces)
}

/// The fields that differ in what they say, in the words of the manifests: a default that was only written out is none.
private func fieldChanges(
    from old: ModelSpec, to new: ModelSpec, comparing meant: (old: ModelSpec, new: ModelSpec)
) -> [FieldChange] {
    let differing = Set(fieldChanges(from: meant.old, to: meant.new).map { $0.listField })
    return fieldChanges(from: old, to: new).filter { differing.contains($0.listField) }
}

extension FieldChange {
    /// The field, or the list that it is an item of: items may change places.
    fileprivate var listField: String {
        guard let dot = field.lastIndex(of: "."), Int(field[field.index(after: dot)...]) != nil else { return field }
        return String(field[..<dot])
    }
}
