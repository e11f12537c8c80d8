import Docker
import ModelCore
import Reconciler
import TestSupport
import Testing

@Suite("Containers as a runtime", .serialized, .needs(.engine))
struct RuntimeConformanceTests {
    @Test(arguments: RuntimeConformance.rules)
    func containers(_ rule: RuntimeRule) async throws {
        try await RuntimeScope.run { scope in
            let host = RuntimeUnderTest(
                image: RuntimeScope.image, make: { scope.makeRuntime() },
                arrange: { habit, _ in scope.source(habit.flags) },
                isUp: { runtime, instance in
                    await runtime.logTail(of: instance).contains { $0.hasPrefix("listening") }
                },
                isLeft: { instance in try await scope.details(of: instance) != nil })
            try await rule.check(host)
        }
    }
}

extension RuntimeUnderTest.Habit {
    fileprivate var flags: [String] {
        switch self {
        case .runs: []
        case .ignoresTERM: ["--ignore-term"]
        case .exits(let code, let words): ["--say", words, "--exit-immediately", "\(code)"]
        }
    }
}
