import ModelCore
import Reconciler
import Testing

@Suite struct WorkQueueTests {
    private let key = ModelKey(domain: "d", source: "s", model: "m")

    @Test func keyIsQueuedOnce() {
        var queue = WorkQueue()
        #expect(queue.add(key))
        #expect(!queue.add(key))
    }

    @Test func keyInWorkIsLookedAtAgainAndNeverInTwoHands() {
        var queue = WorkQueue()
        _ = queue.add(key)
        queue.begin(key)
        #expect(!queue.add(key))
        #expect(!queue.add(key))
        #expect(queue.finish(key))
        #expect(!queue.finish(key))
        #expect(queue.isEmpty)
    }
}

@Suite struct ReadinessPolicyTests {
    private let address = "127.0.0.1"

    private func spec(_ readiness: ReadinessSpec?, delay: Seconds?) -> EffectiveSpec {
        var artifact = LocalArtifactSpec(path: "/a", startupCommand: "c")
        artifact.startupDelay = delay
        var spec = ModelSpec(source: .localArtifact(artifact))
        spec.readiness = readiness
        return spec.effective
    }

    @Test func successEndsTheDelayEarly() {
        for readiness in [nil, ReadinessSpec.http(ProbeSpec()), .tcp(ProbeSpec())] {
            let progress = loadProgress(
                .ready(address: address), spec: spec(readiness, delay: 60), waited: 1)
            #expect(progress == .ready(address: address))
        }
    }

    @Test func otherAnswerToTheDefaultProbeCountsOnceTheDelayIsOver() {
        let verdict = ProbeVerdict.answered(status: 404, address: address)
        #expect(loadProgress(verdict, spec: spec(nil, delay: 5), waited: 5) == .ready(address: address))
        guard case .notYet = loadProgress(verdict, spec: spec(nil, delay: 5), waited: 4) else {
            Issue.record("counted before the delay was over")
            return
        }
        guard case .notYet(_, true) = loadProgress(verdict, spec: spec(.http(ProbeSpec()), delay: 0), waited: 99) else {
            Issue.record("an explicit probe takes no other status")
            return
        }
    }

    @Test func withoutAProbeTheDelayIsTheWholeWait() {
        let verdict = ProbeVerdict.ready(address: address)
        #expect(loadProgress(verdict, spec: spec(ReadinessSpec.none, delay: 5), waited: 5) == .ready(address: address))
        guard case .notYet = loadProgress(verdict, spec: spec(ReadinessSpec.none, delay: 5), waited: 4) else {
            Issue.record("ready before the delay was over")
            return
        }
    }

    @Test func failuresInARowMakeItUnreadyAndOneSuccessReadyAgain() {
        var tally = ReadinessTally(isReady: true)
        #expect(tally.note(.failed(reason: "x"), limit: 3, isBusy: false) == nil)
        #expect(tally.note(.failed(reason: "x"), limit: 3, isBusy: false) == nil)
        #expect(tally.note(.ready(address: address), limit: 3, isBusy: false) == nil)
        for _ in 0..<2 { #expect(tally.note(.failed(reason: "x"), limit: 3, isBusy: false) == nil) }
        #expect(tally.note(.failed(reason: "x"), limit: 3, isBusy: false) == .becameUnready(reason: "x"))
        #expect(tally.note(.ready(address: address), limit: 3, isBusy: false) == .becameReady(address: address))
    }

    @Test func busyServerThatDoesNotAnswerInTimeIsNoFailure() {
        var tally = ReadinessTally(isReady: true)
        for _ in 0..<10 { #expect(tally.note(.timedOut(address: address), limit: 1, isBusy: true) == nil) }
        #expect(tally.note(.timedOut(address: address), limit: 1, isBusy: false) != nil)
    }

    @Test func probesComeLessAndLessOften() {
        var pace = ProbePace()
        let pauses = (0..<40).map { _ in pace.pause() }
        #expect(pauses.first == ProbePace.shortest)
        #expect(pauses.last == ProbePace.longest)
        #expect(pauses == pauses.sorted())
    }
}
