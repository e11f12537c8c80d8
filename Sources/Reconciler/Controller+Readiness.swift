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

    /// Called after every look at a model.
    func tellReadiness() {
        state.withLock { state in
            let readiness = state.fleetReadiness
            guard let listener = state.readinessListener, state.lastReadiness != readiness else { return }
            state.lastReadiness = readiness
            listener.yield(readiness)
        }
    }
}

extension Controller.State {
    fileprivate var fleetReadiness: FleetReadiness {
        guard isComplete else { return FleetReadiness(isReady: false, reason: "the manifests are being read") }
        for (key, model) in models where model.spec.effective.load == .eager && model.spec.baseURL == nil {
            switch published[key]?.target {
            case .instance, .remote: continue
            case .unavailable, .cold, nil:
                if model.hold == nil { return FleetReadiness(isReady: false, reason: "\(key) is not ready") }
            }
        }
        return FleetReadiness(isReady: true, models: models.count)
    }
}
