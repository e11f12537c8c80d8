import Logging
import ModelCore
import Reconciler
import Synchronization

/// Whether the gateway, as a whole, is ready: what `/v2/health/ready` answers.
package enum Readiness: Hashable, Sendable {
    case ready
    /// Why not: a sentence.
    case notReady(reason: String)
}

/// What all event loops share. Nothing here is touched by a warm request.
final class GatewayShared: Sendable {
    let demand: any DemandSink
    let log: Logger
    let queues = AdmissionQueues()
    private let readinessBox = Mutex(Readiness.notReady(reason: "modelet is starting"))

    init(demand: any DemandSink, log: Logger) {
        self.demand = demand
        self.log = log
    }

    var readiness: Readiness {
        get { readinessBox.withLock { $0 } }
        set { readinessBox.withLock { $0 = newValue } }
    }
}

/// A route change, worked out once for all event loops.
enum PreparedChange: Sendable {
    case set(PreparedRoute)
    case remove(ModelKey)
}
