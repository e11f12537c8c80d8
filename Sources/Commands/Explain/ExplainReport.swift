import ModelCore
import Reconciler
import StateStore

/// An explanation as programs read it; docs/explain.md tells every field. What does not apply is left out.
struct ExplainReport: Encodable {
    struct Daemon: Encodable {
        /// `answered`, `silent` or `absent`.
        var state: String
        var pid: Int32?
        var reason: String?
    }

    struct Desired: Encodable {
        struct Word: Encodable {
            var since: String
            var by: String
        }

        var root: String
        var file: String
        var line: Int
        var revision: Int
        var generation: Int
        var isRemoved: Bool
        var type: String
        /// The command, the image, or the URL.
        var runs: String
        var baseUrl: String?
        var load: LoadPolicy
        var update: UpdatePolicy
        var startTimeoutSeconds: Seconds
        var loadTimeoutSeconds: Seconds
        var idleTimeoutSeconds: Seconds?
        var drainTimeoutSeconds: Seconds
        var isPinned: Bool
        var demand: Word?
        var hold: Word?
        var removalHeld: HeldRemoval?
        var manifestFault: ManifestFault?
    }

    struct HeldRemoval: Encodable {
        var since: String
        var remedy: String
    }

    struct Instance: Encodable {
        var id: InstanceID
        var phase: Phase
        var since: String
        var generation: Int
        /// The generation in whose place it was launched, since that had failed.
        var insteadOf: Int?
        var isRouted: Bool
        var isAdopted: Bool
        var pid: Int32?
        var shimPid: Int32?
        var containerId: String?
        var image: String?
        var host: String
        var address: String?
        var port: Int
        var startedAt: String?
        var readyAt: String?
        var memoryBytes: Int64?
        var inFlight: Int?
        var lastAnswerAt: String?
        var lastProbe: String?
        var stopCause: String?
        var unknownReason: String?
        /// Only where no modelet runs.
        var isRunning: Bool?
    }

    struct Transition: Encodable {
        var state: ModelCore.Transition.State
        var from: Int
        var to: Int
        var reason: String?
        var nextAttemptAt: String?
        var isFinal: Bool
    }

    struct Decision: Encodable {
        var kind: DecisionReport.Kind
        var step: String?
        var instance: InstanceID?
        var reason: String?
        var until: String?
    }

    struct Inputs: Encodable {
        var isDemanded: Bool
        var isHeld: Bool
        var isRemoved: Bool
        var failures: Int
        var nextAttemptAt: String?
        var isShuttingDown: Bool?
        var idleSince: String?
        var eviction: String?
        var isSupplied: Bool?
        var inLineSince: String?
        var calledSince: String?
        var nextLookAt: String?
    }

    struct Wait: Encodable {
        var reason: String
        var since: String?
        var until: String?
    }

    struct Operation: Encodable {
        var id: Int64
        var kind: OperationKind
        var cause: String
        var instance: InstanceID?
        var openedAt: String
        var closedAt: String?
        var tookSeconds: Seconds?
        var outcome: String
        var message: String?
    }

    struct Loads: Encodable {
        var count: Int
        var lastSeconds: Seconds
        var usualSeconds: Seconds
    }

    struct Failure: Encodable {
        var at: String
        var message: String
        var isFinal: Bool
        var failures: Int
        var nextAttemptAt: String?
        var exitCode: Int32?
        var exitSignal: Int32?
        var isOutOfMemory: Bool
        var log: [String]
    }

    var model: ModelKey
    var at: String
    var state: ModelState
    var reason: String?
    var daemon: Daemon
    var desired: Desired
    var instances: [Instance]
    var transition: Transition?
    var decision: Decision
    var inputs: Inputs
    var waits: [Wait]
    var operations: [Operation]
    var loads: Loads?
    var lastFailure: Failure?
    var drift: DriftReport?
    var next: String
}
