internal import Synchronization

/// One question at a time for each image, and its answer for all who ask meanwhile and shortly after.
///
/// No task of its own: who asks first asks for all. If he is cancelled, or it takes him too long, nobody knows.
final class RegistryQuestions: Sendable {
    private enum Question {
        case open([UInt64: CheckedContinuation<String?, Never>])
        case answered(String?, at: ContinuousClock.Instant)
    }

    private struct State {
        var questions: [WantedImage: Question] = [:]
        var nextTicket: UInt64 = 0
    }

    private enum Turn {
        case ask
        case wait
        case known(String?)
    }

    private let state = Mutex(State())
    private let memory: Duration
    private let patience: Duration

    /// - Parameters:
    ///   - memory: for how long an answer counts. Enough for all models of a pass, and little beside the pace at which
    ///     people move tags.
    ///   - patience: how long a question may take, credentials included: `plan` and `status` wait for it.
    init(memory: Duration = .seconds(10), patience: Duration = .seconds(20)) {
        self.memory = memory
        self.patience = patience
    }

    func answer(for image: WantedImage, asking: @escaping @Sendable () async -> String?) async -> String? {
        let ticket = state.withLock { state in
            state.nextTicket += 1
            return state.nextTicket
        }
        switch turn(for: image) {
        case .known(let answer):
            return answer
        case .wait:
            return await wait(for: image, ticket)
        case .ask:
            let answer = await Self.within(patience, asking)
            // That he was interrupted says nothing of the image.
            close(image, answer, isRemembered: !Task.isCancelled)
            return answer
        }
    }

    private func turn(for image: WantedImage) -> Turn {
        let now = ContinuousClock.now
        return state.withLock { state in
            state.questions = state.questions.filter { _, question in
                if case .answered(_, let time) = question { time + memory > now } else { true }
            }
            switch state.questions[image] {
            case .answered(let answer, _): return .known(answer)
            case .open: return .wait
            case nil:
                state.questions[image] = .open([:])
                return .ask
            }
        }
    }

    private func wait(for image: WantedImage, _ ticket: UInt64) async -> String? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer = state.withLock { state -> String?? in
                    if Task.isCancelled { return .some(nil) }
                    switch state.questions[image] {
                    case .answered(let answer, _): return answer
                    case nil: return .some(nil)
                    case .open(var waiting):
                        waiting[ticket] = continuation
                        state.questions[image] = .open(waiting)
                        return nil
                    }
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            let continuation = state.withLock { state -> CheckedContinuation<String?, Never>? in
                guard case .open(var waiting) = state.questions[image] else { return nil }
                let continuation = waiting.removeValue(forKey: ticket)
                state.questions[image] = .open(waiting)
                return continuation
            }
            continuation?.resume(returning: nil)
        }
    }

    private func close(_ image: WantedImage, _ answer: String?, isRemembered: Bool) {
        let waiting = state.withLock { state -> [CheckedContinuation<String?, Never>] in
            guard case .open(let waiting) = state.questions[image] else { return [] }
            state.questions[image] = isRemembered ? .answered(answer, at: .now) : nil
            return Array(waiting.values)
        }
        waiting.forEach { $0.resume(returning: answer) }
    }

    private static func within(
        _ limit: Duration, _ work: @escaping @Sendable () async -> String?
    ) async -> String? {
        await withTaskGroup(of: String?.self) { group in
            group.addTask { await work() }
            group.addTask {
                try? await Task.sleep(for: limit)
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
    }
}
