import ModelCore
import Reconciler
import TestSupport
import Testing

/// The fake that stands for every runtime in these tests keeps the promises that the real ones keep.
@Suite struct RuntimeConformanceTests {
    @Test(arguments: RuntimeConformance.rules)
    func inMemory(_ rule: RuntimeRule) async throws {
        let runtime = InMemoryRuntime(time: ManualTime())
        let host = RuntimeUnderTest(
            make: { runtime },
            arrange: { habit, key in
                runtime.setHabit(InMemoryRuntime.Habit(habit), of: key)
                return .localArtifact(LocalArtifactSpec(path: "/", startupCommand: "serve"))
            },
            isUp: { _, instance in runtime.running(instance.key).contains(instance.id) },
            isLeft: { instance in runtime.running(instance.key).contains(instance.id) })
        try await rule.check(host)
    }
}

extension InMemoryRuntime.Habit {
    fileprivate init(_ habit: RuntimeUnderTest.Habit) {
        switch habit {
        case .runs: self = .runs
        case .ignoresTERM: self = .ignoresTERM
        case .exits(let code, let words): self = .exitsAtOnce(code: code, log: [words])
        }
    }
}
