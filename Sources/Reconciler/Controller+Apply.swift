package import ModelCore
import Synchronization

/// Changes of what is desired as a whole.
extension Controller {
    /// Follows `directory` from now on as what `serve` names, in place of what it named before.
    /// - Returns: what was accepted of it, or of the root that it is part of.
    package func serve(_ directory: String) async throws(ControlError) -> ApplyReport {
        let root: String
        do throws(StoreError) {
            root = try await parts.store.serve(directory: directory, at: parts.time.now())
        } catch {
            throw ControlError(error)
        }
        let accepted = try await accept(root: root, removalGuard: RemovalGuard(), follows: true, by: "")
        // Whoever asks as soon as modelet listens is not told that there is no such model.
        await show(accepted)
        return accepted.report
    }

    /// - Parameter follows: whether this is no operator's word, but a look at what is followed anyway: a new root is then
    ///   registered even while nothing in it can be read, and one that is pinned stays as it is.
    package func apply(
        root: String, removalGuard: RemovalGuard, follows: Bool = false, by: String = "an operator"
    ) async throws(ControlError) -> ApplyReport {
        let accepted = try await accept(root: root, removalGuard: removalGuard, follows: follows, by: by)
        // What is followed anyway is told to nobody, and waits for nobody.
        if follows { return accepted.report }
        await show(accepted)
        // An operator's own; what is read again every half minute asks no registry.
        submit.yield(.lookAtImages)
        return accepted.report
    }

    private func accept(
        root: String, removalGuard: RemovalGuard, follows: Bool, by: String
    ) async throws(ControlError) -> Accepted {
        // One after the other: manifests that were read earlier are never accepted later.
        let turn = await applying.take()
        defer { turn.giveBack() }
        do throws(ApplyError) {
            let report = try await applier.apply(
                directory: root, removalGuard: removalGuard, cause: follows ? .edited : .applied(by: by),
                follows: follows, at: parts.time.now())
            return try await enact(report)
        } catch {
            throw ControlError(error)
        }
    }

    /// What ``apply(root:removalGuard:follows:by:)`` would do at an operator's word. Changes nothing.
    package func preview(root: String, removalGuard: RemovalGuard) async throws(ControlError) -> ApplyReport {
        let turn = await applying.take()
        defer { turn.giveBack() }
        do throws(ApplyError) {
            return try await applier.preview(directory: root, removalGuard: removalGuard, now: parts.time.now())
        } catch {
            throw ControlError(error)
        }
    }

    package func rollback(_ order: RollbackOrder) async throws(ControlError) -> ApplyReport {
        let accepted = try await accept(order)
        if accepted.report.isAccepted { await show(accepted) }
        return accepted.report
    }

    private func accept(_ order: RollbackOrder) async throws(ControlError) -> Accepted {
        let turn = await applying.take()
        defer { turn.giveBack() }
        do throws(ApplyError) {
            let report = try await applier.rollback(order, at: parts.time.now())
            return report.isAccepted ? try await enact(report) : Accepted(report: report)
        } catch {
            throw ControlError(error)
        }
    }

    private var applier: ManifestApplier { ManifestApplier(store: parts.store, manifests: parts.manifests) }

    /// What was accepted, and the looks at what was changed by it.
    private struct Accepted {
        var report: ApplyReport
        var looks: [Latch] = []
    }

    /// Acts on what has been accepted. Waits for no look: the next manifests are read meanwhile, however long one takes.
    private func enact(_ report: ApplyReport) async throws(ApplyError) -> Accepted {
        do throws(StoreError) {
            try await followRoots()
            let changes = report.isAccepted ? report.changes : []
            let looks = beginLooks(
                at: changes.filter { $0.action == .create || $0.action == .update }.map(\.key))
            enqueue(changes.map(\.key))
            // One that others wait for may be smaller now, or free to go.
            if !changes.isEmpty { wakeParked() }
            try await retryWhatTheDiskAllows()
            // What was followed a moment ago is part of what an operator applies now.
            let unseen = state.withLock { state in
                state.unseenChanges.removeAll(where: \.isOpen)
                state.unseenChanges += looks
                return state.unseenChanges
            }
            return Accepted(report: report, looks: unseen)
        } catch {
            throw .store(error)
        }
    }

    /// Whoever is told that a change was accepted can ask the model, and meets what it has changed; unless that takes
    /// too long, as where a model is asked to make room and still answers what it has begun.
    private func show(_ accepted: Accepted) async {
        await wait(for: accepted.looks, patience: Self.changePatience)
        state.withLock { $0.isComplete = true }
        tellReadiness()
    }

    /// How long an apply waits for looks while none of them comes to its end.
    static let changePatience: Seconds = 2
}

extension ControlError {
    init(_ error: ApplyError) {
        switch error {
        case .store(let error): self = ControlError(error)
        case .refused(let reason): self = .refused(reason)
        }
    }
}
