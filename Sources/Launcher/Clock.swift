internal import Glibc
package import ModelCore

/// The time now, as the host has it; the default clock of a ``ProcessRuntime``.
package func hostTime() -> Timestamp {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return Timestamp(milliseconds: Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000)
}
