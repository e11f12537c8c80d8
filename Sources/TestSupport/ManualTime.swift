package import ModelCore
import Reconciler
import Synchronization

/// Time that stands still until a test moves it.
package final class ManualTime: Timekeeper {
    private struct Sleeper {
        var deadline: Timestamp
        var continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var now: Timestamp
        var sleepers: [UInt64: Sleeper] = [:]
        var nextID: UInt64 = 0
        /// Tests that wait for a sleeper to appear.
        var watchers: [CheckedContinuation<Void, Never>] = []
    }

    private let state: Mutex<State>

    package init(now: Timestamp = Timestamp(milliseconds: 1_700_000_000_000)) {
        state = Mutex(State(now: now))
    }

    package func now() -> Timestamp { state.withLock(\.now) }

    /// How many wait for a time to come.
    package var sleepers: Int { state.withLock(\.sleepers.count) }

    /// Moves time on by `span` and wakes everybody whose deadline has come.
    package func advance(by span: Seconds) {
        let due = state.withLock { state in
            state.now = state.now + span
            let now = state.now
            let due = state.sleepers.filter { $0.value.deadline <= now }
            for id in due.keys { state.sleepers[id] = nil }
            return due.values.map(\.continuation)
        }
        due.forEach { $0.resume() }
    }

    /// Moves time on to the earliest deadline that someone waits for, once there is one.
    package func advanceToNextDeadline() async {
        while true {
            let earliest = state.withLock { $0.sleepers.values.map(\.deadline).min() }
            if let earliest {
                advance(by: max(earliest - now(), .zero))
                return
            }
            await withCheckedContinuation { continuation in
                let isThere = state.withLock { state in
                    if !state.sleepers.isEmpty { return true }
                    state.watchers.append(continuation)
                    return false
                }
                if isThere { continuation.resume() }
            }
        }
    }

    package func sleep(until deadline: Timestamp) async throws {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                enum Outcome { case over, cancelled, sleeping([CheckedContinuation<Void, Never>]) }
                let outcome = state.withLock { state -> Outcome in
                    if Task.isCancelled { return .cancelled }
                    if deadline <= state.now { return .over }
                    state.sleepers[id] = Sleeper(deadline: deadline, continuation: continuation)
                    defer { state.watchers = [] }
                    return .sleeping(state.watchers)
                }
                switch outcome {
                case .over: continuation.resume()
                case .cancelled: continuation.resume(throwing: CancellationError())
                case .sleeping(let watchers): watchers.forEach { $0.resume() }
                }
            }
        } onCancel: {
            let sleeper = state.withLock { $0.sleepers.removeValue(forKey: id) }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
    }
}
