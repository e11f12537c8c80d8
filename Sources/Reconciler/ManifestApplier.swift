package import ModelCore

/// Reads the manifests of a root and accepts what is good: the only way by which desired state changes.
package struct ManifestApplier: Sendable {
    private let store: any InstanceStore
    private let manifests: any ManifestSource

    package init(store: any InstanceStore, manifests: any ManifestSource) {
        self.store = store
        self.manifests = manifests
    }

    /// Applies `directory`: a root, a new one or one of old, or a directory inside a registered root, of which then
    /// only what lies in that directory is applied.
    package func apply(
        directory: String, removalGuard: RemovalGuard, at time: Timestamp
    ) async throws(StoreError) -> ApplyReport {
        let (root, scope) = Self.split(directory, roots: try await store.roots())
        let set = manifests.load(root: root)
        let accepted = try await store.models()
        var acceptance = judge(set, root: root, accepted: accepted, guard: removalGuard)
        if let scope { acceptance.narrow(to: scope, accepted: accepted) }
        let revision = try await store.accept(acceptance, root: root, at: time)
        return ApplyReport(
            revision: revision, changes: plannedChanges(acceptance), heldRemovals: acceptance.heldRemovals,
            brokenFiles: set.brokenFiles, diagnostics: set.diagnostics + acceptance.refused.map(Self.ownedElsewhere))
    }

    /// The registered root that `directory` is or lies in, and the part of it that is meant.
    package static func split(_ directory: String, roots: [String]) -> (root: String, scope: String?) {
        if roots.contains(directory) { return (directory, nil) }
        guard let root = roots.filter({ directory.hasPrefix($0 + "/") }).max(by: { $0.count < $1.count }) else {
            return (directory, nil)
        }
        return (root, String(directory.dropFirst(root.count + 1)))
    }

    private static func ownedElsewhere(_ key: ModelKey) -> Diagnostic {
        Diagnostic(
            .error, file: key.domain, message: "\(key) is already defined by another root; that definition stays",
            hint: "remove it there first, or give this one another name")
    }
}

extension Acceptance {
    /// Keeps only what concerns files in the folder `scope`, relative to the root.
    package mutating func narrow(to scope: String, accepted: [ModelRecord]) {
        let prefix = scope + "/"
        let files = Dictionary(accepted.map { ($0.key, $0.file) }, uniquingKeysWith: { first, _ in first })
        changes.removeAll { !$0.model.file.hasPrefix(prefix) }
        removals.removeAll { files[$0]?.hasPrefix(prefix) != true }
        heldRemovals.removeAll { files[$0]?.hasPrefix(prefix) != true }
    }
}

/// An acceptance in the words of `plan`, in the order of the keys. Pure.
package func plannedChanges(_ acceptance: Acceptance) -> [PlannedChange] {
    let changes = acceptance.changes.map { change in
        PlannedChange(
            key: change.model.key, action: change.action,
            cause: change.isNew ? "defined in \(change.model.file)" : change.cause)
    }
    let removals = acceptance.removals.map {
        PlannedChange(key: $0, action: .remove, cause: "no longer defined by any manifest")
    }
    return (changes + removals).sorted { $0.key < $1.key }
}

extension Acceptance.Change {
    fileprivate var action: PlannedChange.Action {
        if isNew { return .create }
        return replacesInstance ? .replace : .update
    }

    fileprivate var cause: String {
        fields.isEmpty ? "moved to \(model.file)" : fields.map(\.description).joined(separator: ", ")
    }
}
