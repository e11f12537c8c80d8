import Synchronization

/// Lets only so many tasks through at a time, in the order of their coming; waiting blocks no thread.
final class Turns: Sendable {
    private struct State {
        var free: Int
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state: Mutex<State>

    init(atOnce: Int = 1) {
        state = Mutex(State(free: atOnce))
    }

    /// The right to go on; to be given back once.
    struct Turn: Sendable {
        fileprivate let turns: Turns

        func giveBack() { turns.giveBack() }
    }

    /// Waits for one's turn. A cancelled task waits as well: turns are short.
    func take() async -> Turn {
        await withCheckedContinuation { continuation in
            let isFree = state.withLock { state in
                if state.free > 0 {
                    state.free -= 1
                    return true
                }
                state.waiting.append(continuation)
                return false
            }
            if isFree { continuation.resume() }
        }
        return Turn(turns: self)
    }

    private func giveBack() {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard !state.waiting.isEmpty else {
                state.free += 1
                return nil
            }
            return state.waiting.removeFirst()
        }
        next?.resume()
    }
}
