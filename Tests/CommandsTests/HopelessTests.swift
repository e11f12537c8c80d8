@testable import Commands
import ModelCore
import StateStore
import Testing

/// When whoever applies a change waits no longer, although what failed is tried again.
@Suite struct HopelessTests {
    private static let begin = Timestamp(milliseconds: 1_000_000)

    private static func why(
        failures: Int, _ kind: LoadFailure.Class = .retryable, _ message: String = "exited with code 3",
        after seconds: Int64 = 1
    ) -> String? {
        var model = ModelRecord(
            key: ModelKey(domain: "d", source: "a", model: "default"), spec: ModelSpec(), root: "/r", file: "a.yaml")
        let failure = LoadFailure(kind, message, at: begin + Seconds(seconds))
        model.backoff = Backoff(failures: failures, lastFailure: failure, nextAttempt: begin + 60)
        return Rollout.whyHopeless(model, [], since: begin)
    }

    @Test func threeFailuresInARowAreEnough() {
        #expect(Self.why(failures: 2) == nil)
        #expect(Self.why(failures: 3) == "has failed 3 times in a row: exited with code 3")
    }

    @Test func oneLoadThatTookTooLongIsEnough() {
        #expect(Self.why(failures: 1, .retryable, "\(LoadFailure.tooSlow) (2s)") == "was \(LoadFailure.tooSlow) (2s)")
    }

    /// The daemon says so to everyone who waits: here it would be said in other words, by whoever looks first.
    @Test func whatHasFailedForGoodIsLeftToTheDaemon() {
        #expect(Self.why(failures: 3, .terminal) == nil)
    }

    @Test func whatFailedBeforeItWasAskedForDoesNotCount() {
        #expect(Self.why(failures: 3, after: -1) == nil)
    }
}
