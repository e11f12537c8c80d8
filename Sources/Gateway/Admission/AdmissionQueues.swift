import ModelCore
import Reconciler
import Synchronization

/// The queues of all models that have a limit. Touched when routes change, and by no request.
final class AdmissionQueues: Sendable {
    private let queues = Mutex<[ModelKey: AdmissionQueue]>([:])

    /// The queue for a route; `nil` where it has no limit. A model keeps its queue while its limit comes and goes, so
    /// that requests in flight are counted once.
    func queue(for route: Route) -> AdmissionQueue? {
        guard let bounds = AdmissionQueue.Bounds(route) else { return nil }
        return queues.withLock { queues in
            if let known = queues[route.key] { return known }
            let queue = AdmissionQueue(bounds)
            queues[route.key] = queue
            return queue
        }
    }

    /// The model is gone.
    func remove(_ key: ModelKey) { queues.withLock { $0[key] = nil } }

    /// The event loops are about to end: nobody is called on them any more.
    func close() {
        for queue in queues.withLock({ Array($0.values) }) { queue.close() }
    }

    func load(of key: ModelKey) -> AdmissionLoad? { queues.withLock { $0[key] }?.load }
}

extension AdmissionQueue.Bounds {
    init?(_ route: Route) {
        guard case .count(let concurrency) = route.maxConcurrency else { return nil }
        self.init(concurrency: concurrency, places: route.maxQueue)
    }
}
