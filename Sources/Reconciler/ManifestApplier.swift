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
    /// - Parameter follows: whether a new root is registered even while nothing in it can be read. Without it, a
    ///   mistyped directory leaves no trace.
    package func apply(
        directory: String, removalGuard: RemovalGuard, follows: Bool = false, at time: Timestamp
    ) async throws(StoreError) -> ApplyReport {
        let roots = try await store.roots()
        let (root, scope) = Self.split(directory, roots: roots)
        let set = manifests.load(root: root)
        let assessment = Self.assess(
            set, root: root, scope: scope, accepted: try await store.models(), guard: removalGuard)
        let isNothing = set.models.isEmpty && !set.brokenFiles.isEmpty && !roots.contains(root)
        let revision =
            isNothing && !follows ? 0 : try await store.accept(assessment.acceptance, root: root, at: time)
        return ApplyReport(
            revision: revision, changes: plannedChanges(assessment.acceptance),
            heldRemovals: assessment.acceptance.heldRemovals, brokenFiles: assessment.brokenFiles,
            diagnostics: assessment.diagnostics)
    }

    /// What applying a set would do: the one answer of `plan` and of `apply`. Pure.
    package static func assess(
        _ set: ManifestSet, root: String, scope: String?, accepted: [ModelRecord], guard removalGuard: RemovalGuard
    ) -> Assessment {
        var acceptance = judge(set, root: root, accepted: accepted, guard: removalGuard)
        var assessment = Assessment(
            acceptance: acceptance, brokenFiles: set.brokenFiles, diagnostics: set.diagnostics)
        let refused = set.models.filter { acceptance.refused.contains($0.key) }
        assessment.diagnostics += refused.map(ownedElsewhere)
        guard let scope else { return assessment }
        acceptance.narrow(to: scope, accepted: accepted)
        assessment.acceptance = acceptance
        assessment.brokenFiles.removeAll { !$0.hasPrefix(scope + "/") }
        assessment.diagnostics.removeAll { !$0.file.hasPrefix(scope + "/") }
        return assessment
    }

    package struct Assessment: Sendable {
        package var acceptance: Acceptance
        package var brokenFiles: [String]
        package var diagnostics: [Diagnostic]
    }

    /// The registered root that `directory` is or lies in, and the part of it that is meant.
    package static func split(_ directory: String, roots: [String]) -> (root: String, scope: String?) {
        if roots.contains(directory) { return (directory, nil) }
        guard let root = roots.filter({ directory.hasPrefix($0 + "/") }).max(by: { $0.count < $1.count }) else {
            return (directory, nil)
        }
        return (root, String(directory.dropFirst(root.count + 1)))
    }

    private static func ownedElsewhere(_ model: ManifestModel) -> Diagnostic {
        Diagnostic(
            .error, file: model.file, line: model.line,
            message: "\(model.key) is already defined by another root; that definition stays",
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
