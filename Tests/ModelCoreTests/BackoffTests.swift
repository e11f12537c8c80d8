import ModelCore
import Testing

struct BackoffTests {
    private func waits(_ failures: [LoadFailure], jitter: Double = 0) -> [Int64] {
        var backoff: Backoff?
        return failures.map { failure in
            let next = Backoff.after(failure, previous: backoff, jitter: jitter)
            backoff = next
            return (next.nextAttempt - failure.at).milliseconds
        }
    }

    @Test func retryableFailuresAreTriedAtOnceThenLessAndLess() {
        let failures = Array(repeating: Situation.failure(), count: 10)
        #expect(waits(failures) == [0, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000, 60000])
    }

    @Test func jitterStretchesByAQuarterAtMost() {
        let failures = Array(repeating: Situation.failure(), count: 9)
        #expect(waits(failures, jitter: 0.5) == [0, 1125, 2250, 4500, 9000, 18000, 36000, 67500, 67500])
        for (plain, stretched) in zip(waits(failures), waits(failures, jitter: 0.999)) {
            #expect(stretched >= plain)
            #expect(stretched <= plain + plain / 4)
        }
    }

    @Test func terminalFailuresWaitForSomebodyToChangeSomething() {
        #expect(
            waits([Situation.failure(.terminal), Situation.failure(.terminal)], jitter: 0.9) == [600_000, 600_000])
    }

    @Test func aTerminalFailureCountsAmongTheOthers() {
        let failures: [LoadFailure.Class] = [.retryable, .terminal, .retryable, .terminal]
        #expect(waits(failures.map { Situation.failure($0) }) == [0, 600_000, 2000, 600_000])
    }

    @Test func itIsNeverGivenUpHoweverOftenItFails() {
        let failure = Situation.failure()
        let many = Backoff(failures: Int(Int32.max), lastFailure: failure, nextAttempt: failure.at)
        let next = Backoff.after(failure, previous: many, jitter: 0)
        #expect(next.nextAttempt == failure.at + Backoff.longestDelay)
        #expect(next.failures == Int(Int32.max) + 1)
    }

    @Test func theLastFailureIsWhatIsTold() {
        let first = Backoff.after(Situation.failure(.retryable, "first"), previous: nil, jitter: 0)
        #expect(first.failures == 1)
        let later = Situation.failure(.retryable, "second", at: Situation.now + 100)
        let second = Backoff.after(later, previous: first, jitter: 0)
        #expect(second.failures == 2)
        #expect(second.lastFailure == later)
        #expect(second.nextAttempt == Situation.now + 101)
    }
}
