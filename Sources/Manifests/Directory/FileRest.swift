import Glibc
import ModelCore

/// Whether a file is whole of which the kernel does not say who writes it: on a network file system, say, or to a user who
/// does not own it. Then it is if it has rested for a while.
struct FileRest: Sendable {
    /// Longer than what comes over a network usually stands still.
    static let span: Seconds = 2

    /// What the kernel says.
    var lease: @Sendable (Int32) -> ReadLease.Answer = { ReadLease.take(on: $0) }
    /// By the clock that times of files are told in.
    var now: @Sendable () -> Timestamp = { hostTime() }
    var pause: @Sendable (Seconds) async -> Void = { span in
        // Whoever is cancelled reads what is there at once.
        try? await Task.sleep(for: span.duration)
    }

    static func problem() -> Problem {
        Problem(
            "the file was written a moment ago, and may not be whole yet",
            hint: "it is read when nobody has written to it for \(span)")
    }
}

/// What a file said that had not rested yet.
struct RestlessFile: Sendable {
    private let bytes: [UInt8]
    /// When it began to rest, as far as is known.
    private let restsSince: Timestamp

    /// - Parameters:
    ///   - earlier: what it said the time before, if it was restless then.
    ///   - lastWrite: as the file system has it, whose clock may be ahead, or always tell the time that it is now.
    /// - Returns: `nil` for one that has rested.
    init?(_ bytes: [UInt8], after earlier: RestlessFile?, lastWrite: Timestamp, now: Timestamp) {
        self.bytes = bytes
        let seenSince = earlier.flatMap { $0.bytes == bytes ? $0.restsSince : nil } ?? now
        restsSince = min(lastWrite, seenSince)
        guard left(at: now) > .zero else { return nil }
    }

    /// How long it has to rest from now on: ``FileRest/span`` at most.
    func left(at now: Timestamp) -> Seconds { restsSince + FileRest.span - now }
}

extension Timestamp {
    init(_ time: timespec) {
        self.init(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }
}

private func hostTime() -> Timestamp {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return Timestamp(now)
}
