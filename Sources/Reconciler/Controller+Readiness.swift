import ModelCore
import Synchronization

/// Whether everything that should be served is served.
package struct FleetReadiness: Hashable, Sendable {
    package var isReady: Bool
    /// Why not: a sentence that names the first model that is missing.
    package var reason: String?
    /// How many models there are.
    package var models = 0
}

extension Controller {
    /// Says whether every eager model is ready or has a fallback, and every model has been looked at: now, and whenever
    /// that changes. Ends when the task is cancelled. For one listener.
    package func readiness() -> AsyncStream<FleetReadiness> {
        let (stream, continuation) = AsyncStream<FleetReadiness>.makeStream(bufferingPolicy: .bufferingNewest(1))
        state.withLock { $0.readinessListener = continuation }
        tellReadiness()
        return stream
    }

    /// Called after every look at a model: what it was found to be counts from now on.
    func tellReadiness(of key: ModelKey) {
        state.withLock { $0.noteReadiness(of: key) }
        tellReadiness()
    }

    func tellReadiness() {
        state.withLock { state in
            let readiness = state.fleetReadiness()
            guard let listener = state.readinessListener, state.lastReadiness != readiness else { return }
            state.lastReadiness = readiness
            listener.yield(readiness)
        }
    }
}

extension Controller.State {
    /// Counts a model as served or not.
    mutating func noteReadiness(of key: ModelKey) {
        if isUnserved(key) { unserved.insert(key) } else { unserved.remove(key) }
    }

    private func isUnserved(_ key: ModelKey) -> Bool {
        guard let model = models[key], model.spec.effective.load == .eager, model.spec.baseURL == nil, model.hold == nil
        else { return false }
        switch published[key]?.target {
        case .instance, .remote: return false
        case .unavailable, .cold, nil: return true
        }
    }

    fileprivate mutating func fleetReadiness() -> FleetReadiness {
        guard isComplete else { return FleetReadiness(isReady: false, reason: "the manifests are being read") }
        // The same one for as long as it is missing.
        if namedUnserved.map(unserved.contains) != true { namedUnserved = unserved.first }
        guard let key = namedUnserved else { return FleetReadiness(isReady: true, models: models.count) }
        return FleetReadiness(isReady: false, reason: "\(key) is not ready")
    }
}
