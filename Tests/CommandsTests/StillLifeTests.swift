import ModelCore
import Reconciler
@testable import StateStore
import Testing

@testable import Commands

/// Waiting where no modelet runs: what is not so already does not come.
@Suite struct StillLifeTests {
    private func verdict(
        _ goal: WaitGoal, _ entry: ModelSnapshot?, isRunning: Bool? = true
    ) -> StillLife.Verdict {
        StillLife(key: ExplainScenes.key, entry: entry, isRunning: { _ in isRunning })
            .verdict(on: goal, in: "/state", at: ExplainScenes.now)
    }

    private let serving = ExplainScenes.entry(ExplainScenes.model(), [ExplainScenes.instance()])
    private let standby = ExplainScenes.entry(ExplainScenes.model { $0.demand = .none })

    @Test func whatIsSoAlreadyIsEnough() {
        #expect(verdict(.ready, serving) == .so("churn/scorer/default is ready, as it was recorded"))
        #expect(verdict(.standby, standby) == .so("churn/scorer/default is standby, as it was recorded"))
        #expect(verdict(.gone, nil) == .so("churn/scorer/default is gone, as it was recorded"))
    }

    /// After a reboot, say: the record is of another time.
    @Test func whatIsRecordedAndHasEndedIsNotReady() {
        let nobody = "no modelet runs on /state, so nothing changes: churn/scorer/default is recorded as ready"
        #expect(verdict(.ready, serving, isRunning: false) == .notSo("\(nobody), but its process has ended"))
        #expect(verdict(.ready, serving, isRunning: nil) == .so("churn/scorer/default is ready, as it was recorded"))
    }

    @Test func whatIsNotSoDoesNotCome() {
        let pending = ExplainScenes.entry(ExplainScenes.model { $0.waiting = "4 starts are under way" })
        #expect(
            verdict(.ready, pending)
                == .notSo(
                    "no modelet runs on /state, so nothing changes: churn/scorer/default is recorded as pending: "
                        + "4 starts are under way"))
        #expect(
            verdict(.gone, serving)
                == .notSo("no modelet runs on /state, so nothing changes: churn/scorer/default is recorded as ready"))
        #expect(
            verdict(.ready, standby)
                == .notSo(
                    "churn/scorer/default is standby: nothing demands it; a request or "
                        + "`modelet load churn/scorer/default` does"))
    }
}
