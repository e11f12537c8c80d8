import NIOCore

/// Whether an instance is worth a try, as far as one event loop knows. A value; the time is passed in.
///
/// Closed, every request tries it. A failed connection opens it: requests then go to the fallback at once, so that none
/// pays for finding out again. After a pause one of them is a trial; as the pause begins anew with it, a trial that
/// hangs lets others be tried all the same. Each failed trial doubles the pause; the first answer closes it again.
struct Breaker {
    /// From the first failure to the first trial: a server that restarts its listener is missed for hardly longer.
    static let firstPause = TimeAmount.milliseconds(100)
    /// The longest time for which nobody notices that the instance is back.
    static let longestPause = TimeAmount.seconds(5)

    /// What the last failed try said: words that follow the name of the upstream.
    private(set) var fault = ""
    /// Failed tries in a row.
    private var failures = 0
    private var failedAt = NIODeadline.distantPast
    private var nextTrial = NIODeadline.distantPast

    var isClosed: Bool { failures == 0 }

    func allowsTry(at now: NIODeadline) -> Bool { isClosed || now >= nextTrial }

    /// A request tries the instance now, although it is open.
    mutating func noteTry(at now: NIODeadline) {
        nextTrial = now + pause
    }

    /// A try has come to nothing.
    /// - Parameter start: when it began. What was under way when another one failed says nothing new.
    mutating func noteFailure(_ fault: String, ofTryAt start: NIODeadline, at now: NIODeadline) {
        guard isClosed || start >= failedAt else { return }
        self.fault = fault
        failures += 1
        failedAt = now
        nextTrial = now + pause
    }

    /// The instance has answered, whatever its answer.
    mutating func noteAnswer() { failures = 0 }

    private var pause: TimeAmount {
        let doublings = min(max(failures - 1, 0), Self.mostDoublings)
        return min(.nanoseconds(Self.firstPause.nanoseconds << Int64(doublings)), Self.longestPause)
    }

    /// Enough to be beyond ``longestPause``, few enough not to overflow.
    private static let mostDoublings = 10
}
