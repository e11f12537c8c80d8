/// Turns a burst of changes into one: it is over once nothing has come for ``quiet``, and is not waited for longer than
/// ``longest``. A value without a clock.
struct Debounce {
    /// Longer than the pauses between the files of one `git checkout` or one editor's save, and short enough that nobody
    /// who saves a file notices.
    static let quiet = Duration.milliseconds(100)
    /// What somebody who writes all the time may delay everybody else's edits by.
    static let longest = Duration.seconds(2)

    private var first: ContinuousClock.Instant?
    private var last: ContinuousClock.Instant?

    /// Something has changed.
    mutating func note(at now: ContinuousClock.Instant) {
        first = first ?? now
        last = now
    }

    /// When the changes so far are to be told; `nil` where there are none.
    var due: ContinuousClock.Instant? {
        guard let first, let last else { return nil }
        return min(last + Self.quiet, first + Self.longest)
    }

    /// Whether they are to be told now; then they are over.
    mutating func take(at now: ContinuousClock.Instant) -> Bool {
        guard let due, now >= due else { return false }
        self = Debounce()
        return true
    }
}
