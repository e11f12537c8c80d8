internal import ModelCore
internal import Reconciler

/// A revision, and each model that it changed as it left it; `nil`: removed.
struct InMemoryRevision: Equatable, Sendable {
    var record: RevisionRecord
    var models: [ModelKey: ManifestModel?]
}

extension InMemoryState {
    mutating func accept(
        _ acceptance: Acceptance, root: String, cause: RevisionCause, at now: Timestamp
    ) throws(StoreError) -> Int {
        register(root)
        if cause != .edited, servedRoot != root { appliedRoots.insert(root) }
        let pin = pins[root]
        if cause == .edited, let pin, !acceptance.isEmpty {
            throw .refused("\(root) is pinned at revision \(pin.revision)")
        }
        let latest = history.last { $0.record.root == root }?.record.number ?? 0
        if cause == .edited, pin != nil { return latest }
        for inner in roots where relativePath(of: inner, below: root) != nil && pins[inner] == nil {
            unfollow(inner)
            if servedRoot == inner { servedRoot = root }
        }
        defer { noteRemovals(acceptance, at: now) }
        if case .rollback(let target, let by) = cause {
            if pin?.revision == target, acceptance.isEmpty { return latest }
            guard history.contains(where: { $0.record.number == target && $0.record.root == root }) else {
                throw .refused("the revision that is gone back to is of another root")
            }
            pins[root] = RootPin(revision: target, since: now, by: by)
        } else {
            if cause != .edited { pins[root] = nil }
            if acceptance.isEmpty { return latest }
        }
        return write(acceptance, root: root, cause: cause, at: now)
    }

    func models(ofRevision number: Int) -> [ManifestModel]? {
        guard let root = history.first(where: { $0.record.number == number })?.record.root else { return nil }
        var latest: [ModelKey: (root: String, model: ManifestModel?)] = [:]
        for revision in history where revision.record.number <= number {
            for (key, model) in revision.models { latest[key] = (revision.record.root, model) }
        }
        return latest.values.filter { $0.root == root }.compactMap(\.model).sorted { $0.key < $1.key }
    }

    private mutating func write(
        _ acceptance: Acceptance, root: String, cause: RevisionCause, at now: Timestamp
    ) -> Int {
        let number = history.count + 1
        var revision = InMemoryRevision(
            record: RevisionRecord(
                number: number, root: root, acceptedAt: now, cause: "\(cause)", restored: cause.restored), models: [:])
        for change in acceptance.changes {
            accept(change, root: root)
            revision.note(
                change.model.key, change.isNew ? "create" : change.replacesInstance ? "replace" : "update",
                fields: change.fields, model: change.model)
        }
        for key in acceptance.removals where models[key]?.isRemoved == false {
            guard let owner = models[key]?.root, owner == root || !roots.contains(owner) else { continue }
            models[key]?.isRemoved = true
            models[key]?.heldRemoval = nil
            revision.note(key, "remove", fields: [], model: nil)
        }
        revision.record.changes.sort { $0.key < $1.key }
        history.append(revision)
        return number
    }

    private mutating func register(_ root: String) {
        formerRoots.removeAll { $0 == root }
        if !roots.contains(root) { roots.append(root) }
    }

    mutating func serve(_ directory: String) -> String {
        let lasting = roots.filter { appliedRoots.contains($0) || $0 != servedRoot }
        let outer = lasting.filter { isWithin(directory, $0) }.max { $0.count < $1.count }
        let root = roots.contains(directory) ? directory : outer ?? directory
        register(root)
        if let former = servedRoot, former != root, !appliedRoots.contains(former) { unfollow(former) }
        servedRoot = root
        return root
    }

    private mutating func unfollow(_ root: String) {
        guard roots.contains(root) else { return }
        roots.removeAll { $0 == root }
        formerRoots.append(root)
        appliedRoots.remove(root)
        pins[root] = nil
    }

    func predecessors(of root: String) -> [String] {
        func isInside(_ other: String) -> Bool { relativePath(of: other, below: root) != nil && pins[other] == nil }
        let isServed = servedRoot.map { roots.contains($0) && ($0 == root || isInside($0)) } ?? false
        return (formerRoots + roots).filter { other in
            guard other != root, isInside(other) || (isServed && !roots.contains(other)) else { return false }
            return models.values.contains { $0.root == other }
        }
    }

    private mutating func noteRemovals(_ acceptance: Acceptance, at now: Timestamp) {
        for key in acceptance.heldRemovals where models[key]?.isRemoved == false {
            let since = models[key]?.heldRemoval?.since ?? now
            models[key]?.heldRemoval = HeldRemoval(since: since, remedy: acceptance.removalRemedy ?? "")
        }
        for key in acceptance.releasedRemovals { models[key]?.heldRemoval = nil }
    }

    mutating func note(_ notes: ManifestNotes, root: String) {
        register(root)
        faults[root] = notes.faults
        for model in notes.moves where models[model.key]?.root == root { models[model.key]?.file = model.file }
    }

    private mutating func accept(_ change: Acceptance.Change, root: String) {
        let manifest = change.model
        defer {
            if let model = models[manifest.key] { specs[manifest.key, default: [:]][model.generation] = manifest.spec }
        }
        guard var model = models[manifest.key] else {
            models[manifest.key] = ModelRecord(
                key: manifest.key, spec: manifest.spec, generation: change.generation, root: root, file: manifest.file)
            return
        }
        let isOtherSpec = model.spec != manifest.spec
        model.generation = max(
            change.generation, change.replacesInstance ? model.generation + 1 : model.generation)
        if change.replacesInstance || model.isRemoved { model.hold = nil }
        if change.replacesInstance || isOtherSpec || model.isRemoved { model.backoff = nil }
        if change.replacesInstance { model.memory = nil }
        model.spec = manifest.spec
        model.root = root
        model.file = manifest.file
        model.isRemoved = false
        models[manifest.key] = model
    }
}

extension InMemoryRevision {
    fileprivate mutating func note(_ key: ModelKey, _ action: String, fields: [FieldChange], model: ManifestModel?) {
        record.changes.append(
            RevisionRecord.Change(
                key: key, action: action, fields: fields.map(\.description).joined(separator: ", ")))
        models[key] = .some(model)
    }
}
