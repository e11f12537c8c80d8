internal import ModelCore
internal import Synchronization

/// Opens once, for any number who wait.
final class Bell: Sendable {
    private enum State {
        case silent([AsyncStream<Never>.Continuation])
        case rung
    }

    private let state = Mutex(State.silent([]))

    func ring() {
        let waiting = state.withLock { state in
            guard case .silent(let waiting) = state else { return [AsyncStream<Never>.Continuation]() }
            state = .rung
            return waiting
        }
        waiting.forEach { $0.finish() }
    }

    var hasRung: Bool {
        state.withLock { if case .rung = $0 { true } else { false } }
    }

    /// Returns when it has rung, or the task is cancelled.
    func wait() async {
        let (stream, continuation) = AsyncStream<Never>.makeStream()
        state.withLock { state in
            switch state {
            case .silent(let waiting): state = .silent(waiting + [continuation])
            case .rung: continuation.finish()
            }
        }
        for await _ in stream {}
    }

    /// Whether it has rung when `limit` is over, or the task is cancelled. Returns as soon as it rings.
    func rings(within limit: Duration) async -> Bool {
        await withTaskGroup { group in
            group.addTask { await self.wait() }
            group.addTask { try? await Task.sleep(for: limit) }
            await group.next()
            group.cancelAll()
        }
        return hasRung
    }
}

/// Tells those who follow an instance that there is something to see. Says no more than that it is time to look: who
/// was late for three rings looks once.
final class Bells: Sendable {
    enum Ring: Hashable, Sendable {
        case look
        /// Its first process has ended: the engine may say so a moment before it shows.
        case ended
        /// The engine does not answer any more.
        case away(EngineError)
    }

    private struct Listeners {
        var all: [InstanceID: [UInt64: AsyncStream<Ring>.Continuation]] = [:]
        var next: UInt64 = 0
    }

    private let listeners = Mutex(Listeners())

    /// The rings for an instance from now on, for one listener.
    func rings(for id: InstanceID) -> AsyncStream<Ring> {
        let (stream, continuation) = AsyncStream.makeStream(of: Ring.self, bufferingPolicy: .bufferingNewest(1))
        let token = listeners.withLock { listeners in
            listeners.next += 1
            listeners.all[id, default: [:]][listeners.next] = continuation
            return listeners.next
        }
        continuation.onTermination = { [weak self] _ in
            self?.listeners.withLock { listeners in
                listeners.all[id]?[token] = nil
                if listeners.all[id]?.isEmpty == true { listeners.all[id] = nil }
            }
        }
        return stream
    }

    func ring(_ id: InstanceID, _ ring: Ring) {
        listeners.withLock { Array(($0.all[id] ?? [:]).values) }.forEach { $0.yield(ring) }
    }

    func ringAll(_ ring: Ring) {
        listeners.withLock { $0.all.values.flatMap(\.values) }.forEach { $0.yield(ring) }
    }
}
