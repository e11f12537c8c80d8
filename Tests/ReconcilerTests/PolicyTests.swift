import ModelCore
import Reconciler
import Testing

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

    @Test(arguments: [
        ProbeVerdict.unreachable(reason: "why"), .stranger(reason: "why"), .unprovable(reason: "why"),
    ])
    func whatWaitingDoesNotMendIsShown(verdict: ProbeVerdict) {
        let progress = loadProgress(verdict, spec: spec(nil, delay: 5), waited: 1)
        #expect(progress == .notYet(reason: "why", isNotable: true))
        var tally = ReadinessTally(isReady: true)
        #expect(tally.note(verdict, limit: 1, isBusy: true) == .becameUnready(reason: "why"))
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
        let failed = ProbeVerdict.failed(reason: "x")
        let ready = ProbeVerdict.ready(address: address)
        var tally = ReadinessTally(isReady: true)
        let changes = [failed, failed, ready, failed, failed, failed, failed, ready].map {
            tally.note($0, limit: 3, isBusy: false)
        }
        let unready = ReadinessTally.Change.becameUnready(reason: "x")
        #expect(changes == [nil, nil, nil, nil, nil, unready, nil, .becameReady(address: address)])
    }

    @Test func busyServerThatDoesNotAnswerInTimeIsNoFailure() {
        var tally = ReadinessTally(isReady: true)
        let silent = ProbeVerdict.timedOut(address: address)
        let changes = [true, true, true, false].map { tally.note(silent, limit: 1, isBusy: $0) }
        #expect(changes == [nil, nil, nil, .becameUnready(reason: "readiness probe timed out")])
    }

    @Test func probesComeLessAndLessOften() {
        let pauses = (0..<10).map { ProbePace.interval(after: Seconds($0)) }
        #expect(pauses.first == ProbePace.shortest)
        #expect(pauses.last == ProbePace.longest)
        #expect(pauses == pauses.sorted())
    }
}
