package import ModelCore

extension ManifestApplier {
    /// What an operator's ``apply(directory:removalGuard:cause:follows:at:)`` would do now. Changes nothing.
    package func preview(
        directory: String, removalGuard: RemovalGuard, now: Timestamp
    ) async throws(ApplyError) -> ApplyReport {
        let look = try await look(at: directory, removalGuard, isThorough: true, now: now)
        return try look.plan.preview(
            pin: look.pin, isUnreadable: look.isUnreadable, revision: try await latestRevision(of: look.plan.root))
    }

    /// The same for who only reads the state, whether or not a daemon runs: the one answer of `plan` and of dry runs.
    /// Pure.
    /// - Parameters:
    ///   - set: what the manifests of `root` say.
    ///   - accepted: the models of every root.
    ///   - instances: every live instance, oldest first.
    ///   - pin: where `root` is pinned.
    ///   - revision: the latest of `root`; 0 where there is none.
    package static func preview(
        _ set: ManifestSet, root: String, scope: String?, accepted: [ModelRecord], predecessors: [String],
        instances: [InstanceRecord], pin: RootPin?, revision: Int, guard removalGuard: RemovalGuard, now: Timestamp
    ) throws(ApplyError) -> ApplyReport {
        let assessment = assess(
            set, root: root, scope: scope, accepted: accepted, predecessors: predecessors, guard: removalGuard)
        return try ChangePlan(
            assessment, root: root, scope: scope, accepted: accepted, instances: instances, now: now
        ).preview(pin: pin, isUnreadable: set.isUnreadable, revision: revision)
    }
}

extension ChangePlan {
    /// What an operator would be told who applied this, or why he would be refused.
    fileprivate func preview(
        pin: RootPin?, isUnreadable: Bool, revision: Int
    ) throws(ApplyError) -> ApplyReport {
        try checkMayUnpin(pin)
        return ApplyReport(
            revision: revision, isAccepted: false, pin: pin, unpins: isUnreadable ? nil : pin, plan: self)
    }

    /// What an operator applies unpins a root, and so is all of it.
    func checkMayUnpin(_ pin: RootPin?) throws(ApplyError) {
        guard let pin, let scope else { return }
        throw .refused(
            "\(root) is pinned at revision \(pin.revision): `modelet apply \(shellWord(root))` unpins it and applies all of it; "
                + "before that, \(scope) alone cannot be applied")
    }
}

extension ManifestSet {
    /// Whether nothing in the root is good, and something is not.
    var isUnreadable: Bool { models.isEmpty && !brokenFiles.isEmpty }
}
