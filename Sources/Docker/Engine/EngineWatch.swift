package import Logging
internal import Synchronization

/// Knows whether the engine is there, and hands on what happens at it.
///
/// One stream of events is kept open, and beside it the engine is pinged: the end of the stream tells at once that the
/// engine is gone, and the ping tells within ``Times/interval`` and its limit that it hangs. What happened while it was
/// away is not told: everyone looks again when it is `reachable`.
package final class EngineWatch: Sendable {
    package enum Signal: Hashable, Sendable {
        case event(EngineEvent)
        /// Comes first where the engine is there already, whenever it returns, and when a listener was too slow for all
        /// events: look at everything again.
        case reachable
        /// Comes once, with the reason, until the next `reachable`.
        case unreachable(EngineError)
    }

    package enum State: Hashable, Sendable {
        /// Has not been asked yet.
        case unknown
        case reachable
        case unreachable(EngineError)
    }

    package struct Times: Hashable, Sendable {
        /// From one ping to the next while the engine is there. With ``EngineLimits/ping`` a hung engine is found within
        /// 10 s.
        package var interval: Duration = .seconds(4)
        /// From one try to the next while it is not: doubled each time, from the first to the last.
        package var firstRetry: Duration = .milliseconds(100)
        package var lastRetry: Duration = .seconds(2)

        package init() {}
    }

    private struct Shared {
        var state = State.unknown
        var listeners: [Int: AsyncStream<Signal>.Continuation] = [:]
        var nextListener = 0

        /// Tells all who still listen, in one order for each.
        mutating func tell(_ signal: Signal) {
            for (number, listener) in listeners {
                switch listener.yield(signal) {
                case .enqueued: break
                // What was lost is made good by looking at everything, after all that is still in line.
                case .dropped: listener.yield(.reachable)
                case .terminated: listeners[number] = nil
                @unknown default: break
                }
            }
        }
    }

    let engine: Engine
    let labels: [String: String]
    let times: Times
    let logger: Logger
    private let shared = Mutex(Shared())

    /// How many signals wait for a listener; beyond that the oldest are lost, and `reachable` says so.
    static let signalBacklog = 1024

    /// - Parameter labels: only events of containers that bear all of them are told; those of images always are.
    package init(engine: Engine, labels: [String: String], times: Times = Times(), logger: Logger) {
        self.engine = engine
        self.labels = labels
        self.times = times
        self.logger = logger
    }

    /// As far as is known now.
    package var state: State { shared.withLock { $0.state } }

    /// What is told from now on, beginning with the present state where that is known. For any number of listeners, each
    /// with a stream of its own that ends when it is dropped, or its task is cancelled.
    package func signals() -> AsyncStream<Signal> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: Signal.self, bufferingPolicy: .bufferingNewest(Self.signalBacklog))
        shared.withLock { shared in
            // Within the lock: nothing is told in between.
            switch shared.state {
            case .unknown: break
            case .reachable: continuation.yield(.reachable)
            case .unreachable(let error): continuation.yield(.unreachable(error))
            }
            shared.nextListener += 1
            shared.listeners[shared.nextListener] = continuation
        }
        // Who has gone is found out when it is told the next thing, and not by its termination: that comes from within
        // the cancellation of its task, whose lock a `yield` to it needs, and would wait for ours here.
        return stream
    }
}

extension EngineWatch {
    /// Hands an event on.
    func tell(_ event: EngineEvent) {
        shared.withLock { $0.tell(.event(event)) }
    }

    /// The engine is there, and every event from now on will be told.
    func found() {
        let isNews = shared.withLock { shared in
            defer { shared.state = .reachable }
            shared.tell(.reachable)
            return shared.state != .reachable
        }
        if isNews { logger.info("the engine answers", metadata: ["engine.address": "\(engine.address)"]) }
    }

    /// The engine is not there, or hangs.
    func lost(_ reason: EngineError) {
        let isNews = shared.withLock { shared in
            let wasLost = if case .unreachable = shared.state { true } else { false }
            shared.state = .unreachable(reason)
            guard !wasLost else { return false }
            shared.tell(.unreachable(reason))
            return true
        }
        guard isNews else { return }
        logger.warning(
            "the engine does not answer",
            metadata: ["engine.address": "\(engine.address)", "engine.reason": "\(reason)"])
    }
}
