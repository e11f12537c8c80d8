import ModelCore

extension ManifestApplier {
    /// What the manifests of a directory say, and what that would change.
    struct Look {
        var plan: ChangePlan
        var acceptance: Acceptance
        /// What is to be remembered beside it.
        var notes: ManifestNotes
        var pin: RootPin?
        /// Whether the root is followed.
        var isKnown: Bool
        /// Whether nothing in the root is good, and something is not.
        var isUnreadable: Bool

        var report: ApplyReport { ApplyReport(revision: 0, isAccepted: false, plan: plan) }
    }

    /// - Parameter isThorough: whether what runs is looked at even where nothing changes.
    func look(
        at directory: String, _ removalGuard: RemovalGuard, isThorough: Bool, now: Timestamp
    ) async throws(ApplyError) -> Look {
        do throws(StoreError) {
            let roots = try await store.roots()
            let (root, scope) = Self.split(directory, roots: roots)
            let set = await manifests.load(root: root)
            let accepted = try await store.models()
            let assessment = Self.assess(
                set, root: root, scope: scope, accepted: accepted,
                predecessors: try await store.predecessors(of: root), guard: removalGuard)
            let needsInstances = isThorough || !assessment.acceptance.isEmpty
            let plan = ChangePlan(
                assessment, root: root, scope: scope, accepted: accepted,
                instances: needsInstances ? try await store.liveInstances() : [], now: now)
            return Look(
                plan: plan, acceptance: assessment.acceptance, notes: assessment.notes,
                pin: try await store.pins()[root], isKnown: roots.contains(root),
                isUnreadable: set.isUnreadable)
        } catch {
            throw .store(error)
        }
    }

    /// Remembers what the manifests of a pinned root have come to say.
    func notePending(_ look: Look, at time: Timestamp) async throws(ApplyError) -> ApplyReport {
        let root = look.plan.root
        var report = look.report
        report.pin = look.pin
        report.pin?.pending = look.plan.summary
        do throws(StoreError) {
            // With every look at a pinned root, and seldom there is news.
            if look.pin != report.pin {
                try await store.notePending(look.plan.summary, root: root, at: time)
            }
            try await store.note(ManifestNotes(faults: look.notes.faults), root: root, at: time)
        } catch {
            throw .store(error)
        }
        report.revision = try await latestRevision(of: root)
        return report
    }

    func latestRevision(of root: String) async throws(ApplyError) -> Int {
        do throws(StoreError) {
            return try await store.latestRevision(of: root)
        } catch {
            throw .store(error)
        }
    }
}
