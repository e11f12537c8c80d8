internal import ModelCore

extension InMemoryState {
    mutating func accept(_ acceptance: Acceptance, root: String) -> Int {
        if !roots.contains(root) { roots.append(root) }
        guard !acceptance.isEmpty else { return revisions[root] ?? 0 }
        lastRevision += 1
        revisions[root] = lastRevision
        for change in acceptance.changes { accept(change, root: root) }
        for key in acceptance.removals where models[key]?.root == root { models[key]?.isRemoved = true }
        return lastRevision
    }

    private mutating func accept(_ change: Acceptance.Change, root: String) {
        let manifest = change.model
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
