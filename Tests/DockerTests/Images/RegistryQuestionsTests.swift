@testable import Docker
import ModelCore
import Synchronization
import TestSupport
import Testing

@Suite struct RegistryQuestionsTests {
    private static let image = image("team/model")

    private static func image(_ repository: String) -> WantedImage {
        WantedImage(
            place: .named(ImageReference(registry: "r.test", repository: repository, tag: "1")), label: repository,
            login: .docker(registry: "r.test", given: nil))
    }

    /// A registry that counts the questions, and takes its time until it is let go.
    private final class Registry: Sendable {
        private let state = Mutex<(asked: Int, isHeld: Bool, waiting: [CheckedContinuation<Void, Never>])>(
            (0, true, []))

        init(isHeld: Bool = true) { state.withLock { $0.isHeld = isHeld } }

        var timesAsked: Int { state.withLock(\.asked) }

        func answer() async -> String? {
            await withCheckedContinuation { continuation in
                let isFree = state.withLock { state in
                    state.asked += 1
                    if state.isHeld { state.waiting.append(continuation) }
                    return !state.isHeld
                }
                if isFree { continuation.resume() }
            }
            return "answer \(timesAsked)"
        }

        func letGo() {
            let waiting = state.withLock { state in
                state.isHeld = false
                return state.waiting
            }
            waiting.forEach { $0.resume() }
        }
    }

    @Test func allWhoAskAtOnceShareAQuestion() async throws {
        let registry = Registry()
        let questions = RegistryQuestions()
        let answers = try await withThrowingTaskGroup { group in
            for _ in 0..<20 {
                group.addTask { await questions.answer(for: Self.image) { await registry.answer() } }
            }
            try await eventually("it is asked") { registry.timesAsked > 0 }
            registry.letGo()
            return try await group.reduce(into: [String?]()) { $0.append($1) }
        }
        #expect(answers == Array(repeating: "answer 1", count: 20))
        #expect(registry.timesAsked == 1)
    }

    @Test func anotherImageIsAnotherQuestion() async {
        let registry = Registry(isHeld: false)
        let questions = RegistryQuestions()
        for name in ["team/a", "team/b", "team/a"] {
            _ = await questions.answer(for: Self.image(name)) { await registry.answer() }
        }
        #expect(registry.timesAsked == 2)
    }

    @Test func anAnswerIsForgottenInTime() async {
        let registry = Registry(isHeld: false)
        let questions = RegistryQuestions(memory: .zero)
        for _ in 0..<3 { _ = await questions.answer(for: Self.image) { await registry.answer() } }
        #expect(registry.timesAsked == 3)
    }

    @Test func aRegistryThatTakesTooLongIsNotWaitedFor() async {
        let questions = RegistryQuestions(patience: .milliseconds(1))
        let answer = await questions.answer(for: Self.image) {
            try? await Task.sleep(for: .seconds(3600))
            return "late"
        }
        #expect(answer == nil)
    }

    @Test func whoIsInterruptedNeitherHoldsOthersUpNorLeavesAnAnswer() async throws {
        let questions = RegistryQuestions()
        let isAsked = Atomic(false)
        // Awaited below.
        let interrupted = Task {
            await questions.answer(for: Self.image) {
                isAsked.store(true, ordering: .releasing)
                try? await Task.sleep(for: .seconds(3600))
                return Task.isCancelled ? nil : "late"
            }
        }
        try await eventually("it asks") { isAsked.load(ordering: .acquiring) }
        async let waiting = questions.answer(for: Self.image) { "asked anew" }
        interrupted.cancel()
        #expect(await interrupted.value == nil)
        // It waited for the first, or came after it.
        #expect([nil, "asked anew"].contains(await waiting))
        #expect(await questions.answer(for: Self.image) { "asked anew" } == "asked anew")
    }

    @Test func whoWaitsCanBeInterrupted() async throws {
        let registry = Registry()
        let questions = RegistryQuestions()
        // Both are awaited below.
        let asking = Task { await questions.answer(for: Self.image) { await registry.answer() } }
        try await eventually("it is asked") { registry.timesAsked > 0 }
        let waiting = Task { await questions.answer(for: Self.image) { "never asked" } }
        waiting.cancel()
        #expect(await waiting.value == nil)
        registry.letGo()
        #expect(await asking.value == "answer 1")
    }
}
