import Launcher
import ModelCore
import Reconciler
import TestSupport
import Testing

@Suite("Processes as a runtime")
struct RuntimeConformanceTests {
    @Test(arguments: RuntimeConformance.rules)
    func processes(_ rule: RuntimeRule) async throws {
        let scope = try LauncherScope()
        let host = RuntimeUnderTest(
            make: { scope.secondRuntime() },
            arrange: { habit, _ in scope.source(LauncherScope.stub + habit.flags) },
            isUp: { runtime, instance in
                await runtime.logTail(of: instance).contains { $0.hasPrefix("listening") }
            },
            isLeft: { instance in instance.shim.map { isAlive($0.pid) } ?? false })
        try await rule.check(host)
    }
}

extension RuntimeUnderTest.Habit {
    fileprivate var flags: String {
        switch self {
        case .runs: ""
        case .ignoresTERM: " --ignore-term"
        case .exits(let code, let words): " --say '\(words)' --exit-immediately \(code)"
        }
    }
}
