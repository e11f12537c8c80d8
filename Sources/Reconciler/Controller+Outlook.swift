import Logging
import ModelCore
import Synchronization

/// Whether what serves may be ended for its successor yet. All that can be known before is asked before: what serves is not
/// ended for something that must not, cannot or could not yet be launched.
extension Controller {
    /// `nil` where the model has to be looked at again: the next generation has failed, and the old one serves on.
    func outlook(for observed: Observation) async throws(StoreError) -> SuccessorOutlook? {
        let outlook = try await foresee(observed)
        state.withLock { $0.outlooks[observed.model.key] = outlook == .ready ? nil : outlook }
        return outlook
    }

    private func foresee(_ observed: Observation) async throws(StoreError) -> SuccessorOutlook? {
        let model = observed.model
        guard observed.replaced != nil, let source = model.spec.source, let runtime = parts.runtime(source) else {
            return .ready
        }
        let now = parts.time.now()
        if let backoff = model.backoff, backoff.isPending(at: now) { return .ready }
        // Before anything is fetched.
        if let obstacle = parts.obstacle(source, model.root) {
            state.withLock { $0.obstructed[model.key] = obstacle }
            return try await keepServing(model, after: LoadFailure(.terminal, obstacle, at: now))
        }
        if let refusal = limits.refusal(ofMemory: model.expectedMemory) {
            return try await keepServing(model, after: LoadFailure(.terminal, refusal, at: now))
        }
        guard source.container != nil else { return try await outlook(onPortOf: model, source) }
        switch try await supply(source, of: model, with: runtime, cause: observed.causeToReplace) {
        case .ready:
            // What was recorded of a pull is not any more.
            return model.pull == nil ? try await outlook(onPortOf: model, source) : nil
        case .underway:
            return .awaitsImage
        case .failed where Task.isCancelled:
            return .awaitsImage
        case .failed(let failure):
            return try await keepServing(model, after: failure)
        }
    }

    private func outlook(onPortOf model: ModelRecord, _ source: SourceSpec) async throws(StoreError) -> SuccessorOutlook
    {
        guard let port = source.fixedPort else { return .ready }
        // Parked before it looks: what is given back meanwhile wakes it.
        _ = state.withLock { $0.parked.insert(model.key) }
        let ledger = try await parts.store.ledger(limits: limits, uses: [:], at: parts.time.now())
        guard let holder = ledger.ports[port], holder != model.key else { return .ready }
        if try await yieldsPort(of: model, waitingFor: port) { return .ready }
        try await setWaiting(portIsLeased(port, to: holder), for: model)
        return .awaitsPort(port, holder: holder)
    }

    private func keepServing(
        _ model: ModelRecord, after failure: LoadFailure
    ) async throws(StoreError) -> SuccessorOutlook? {
        let backoff = backoff(after: failure, previous: model.backoff)
        try await commit(.loadFailed(model.key, generation: model.generation, backoff, ending: .none))
        _ = state.withLock { $0.pulls.removeValue(forKey: model.key) }
        parts.logger.warning(
            "new generation cannot be launched; the old one serves on",
            metadata: ["model.key": "\(model.key)", "reason": "\(failure.message)"])
        return nil
    }
}
