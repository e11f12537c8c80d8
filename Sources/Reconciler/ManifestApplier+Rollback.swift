package import ModelCore

extension ManifestApplier {
    /// Makes an earlier revision of a root what is desired, and pins the root there: in one transaction, and as a new
    /// revision. Where a removal is held back, nothing is changed at all: half a way back is no place to be.
    package func rollback(_ order: RollbackOrder, at time: Timestamp) async throws(ApplyError) -> ApplyReport {
        let history = try await history()
        let target = try RollbackTarget(order, in: history)
        let past = try await past(target, in: history, removalGuard: order.removalGuard, now: time)
        var report = past.report
        guard past.acceptance.heldRemovals.isEmpty, !order.isDryRun else { return report }
        do throws(StoreError) {
            report.revision = try await store.accept(
                past.acceptance, root: target.root, cause: .rollback(to: target.revision, by: order.by), at: time)
        } catch {
            throw .store(error)
        }
        report.isAccepted = true
        // It is done, and has to be acted on, whatever cannot be told of it now.
        report.pin =
            (try? await lookAfterwards(target.root, at: time))
            ?? RootPin(revision: target.revision, since: time, by: order.by)
        return report
    }

    /// The manifests say something else now than what is enforced: people are told so at once, and not after the next
    /// edit. If this is cut short, the next rescan does it.
    private func lookAfterwards(_ root: String, at time: Timestamp) async throws(ApplyError) -> RootPin? {
        let look = try await look(at: root, RemovalGuard(), isThorough: false, now: time)
        return try await notePending(look, at: time).pin
    }

    private func history() async throws(ApplyError) -> RevisionHistory {
        do throws(StoreError) {
            return RevisionHistory(
                roots: try await store.roots(), pins: try await store.pins(), revisions: try await store.revisions())
        } catch {
            throw .store(error)
        }
    }

    private func past(
        _ target: RollbackTarget, in history: RevisionHistory, removalGuard: RemovalGuard, now: Timestamp
    ) async throws(ApplyError) -> (report: ApplyReport, acceptance: Acceptance) {
        let models: [ManifestModel]?
        let accepted: [ModelRecord]
        let predecessors: [String]
        let instances: [InstanceRecord]
        do throws(StoreError) {
            models = try await store.models(ofRevision: target.revision)
            accepted = try await store.models()
            predecessors = try await store.predecessors(of: target.root)
            instances = try await store.liveInstances()
        } catch {
            throw .store(error)
        }
        guard let models else { throw .refused("revision \(target.revision) is no longer kept") }
        return try Self.past(
            target, models: models, history: history, accepted: accepted, predecessors: predecessors,
            instances: instances, removalGuard: removalGuard, now: now)
    }

    /// What becomes of what is desired when that is what `target` says: the one answer of a rollback and of its dry runs,
    /// whether or not a daemon runs. Pure.
    /// - Parameters:
    ///   - models: those of `target`.
    ///   - accepted: the models of every root.
    ///   - predecessors: roots in whose place that of `target` is named.
    ///   - instances: every live instance, oldest first.
    package static func past(
        _ target: RollbackTarget, models: [ManifestModel], history: RevisionHistory, accepted: [ModelRecord],
        predecessors: [String], instances: [InstanceRecord], removalGuard: RemovalGuard, now: Timestamp
    ) throws(ApplyError) -> (report: ApplyReport, acceptance: Acceptance) {
        // What is held of today's manifests has nothing to do with yesterday's.
        let held = accepted.filter { $0.root == target.root && $0.heldRemoval != nil }.map(\.key)
        let today = accepted.map { model in
            var model = model
            model.heldRemoval = nil
            return model
        }
        let decided = ManifestSet(models: models).decided(
            root: target.root, accepted: today, predecessors: predecessors)
        guard decided.set.brokenFiles.isEmpty else {
            let reasons = decided.set.diagnostics.map(\.message).joined(separator: "; ")
            throw .refused("revision \(target.revision) cannot hold beside what else is enforced: \(reasons)")
        }
        var acceptance = judge(decided, guard: removalGuard)
        guard acceptance.refused.isEmpty else {
            let keys = acceptance.refused.map(\.description).joined(separator: ", ")
            throw .refused(
                "revision \(target.revision) has models that another root defines now: \(keys); remove them there first"
            )
        }
        // Where a model is defined now is not for the past to say.
        acceptance.moves = []
        acceptance.releasedRemovals = held
        if acceptance.removalRemedy != nil {
            let flag = models.isEmpty ? "--allow-empty" : "--prune"
            acceptance.removalRemedy = "modelet rollback \(target.revision) \(flag)"
        }
        let plan = ChangePlan(
            Assessment(acceptance: acceptance, notes: ManifestNotes(), brokenFiles: [], diagnostics: []),
            root: target.root, origin: .revision(target.revision), accepted: accepted, instances: instances, now: now)
        let report = ApplyReport(
            revision: history.latest(of: target.root) ?? 0, isAccepted: false, pin: history.pins[target.root],
            restores: target.revision, plan: plan)
        return (report, acceptance)
    }
}
