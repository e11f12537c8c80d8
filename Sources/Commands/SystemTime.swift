import Glibc
import ModelCore
import Reconciler

/// The host's own clocks.
struct SystemTime: Timekeeper {
    func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }

    /// Waits by the monotonic clock, as long as the wall clock says now that it is until then.
    func sleep(until deadline: Timestamp) async throws {
        let span = deadline - now()
        try Task.checkCancellation()
        if span > .zero { try await Task.sleep(for: span.duration) }
    }
}
