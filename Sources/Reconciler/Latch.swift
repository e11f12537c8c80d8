import Synchronization

/// Something that happens once, and can be waited for.
final class Latch: Sendable {
    private enum State {
        case closed([UInt64: CheckedContinuation<Void, Never>])
        case open
    }

    private let state = Mutex<(state: State, next: UInt64)>((.closed([:]), 0))

    var isOpen: Bool {
        state.withLock {
            if case .open = $0.state { true } else { false }
        }
    }

    /// Lets everyone go who waits, now and later. Idempotent.
    func open() {
        let waiting = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            guard case .closed(let waiting) = state.state else { return [] }
            state.state = .open
            return Array(waiting.values)
        }
        waiting.forEach { $0.resume() }
    }

    /// Returns when it is open, or when the task is cancelled.
    func wait() async {
        let ticket = state.withLock { state in
            state.next += 1
            return state.next
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    guard case .closed(var waiting) = state.state, !Task.isCancelled else { return true }
                    waiting[ticket] = continuation
                    state.state = .closed(waiting)
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            let continuation = state.withLock { state -> CheckedContinuation<Void, Never>? in
                guard case .closed(var waiting) = state.state else { return nil }
                let continuation = waiting.removeValue(forKey: ticket)
                state.state = .closed(waiting)
                return continuation
            }
            continuation?.resume()
        }
    }
}
