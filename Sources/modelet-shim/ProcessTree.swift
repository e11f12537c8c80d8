internal import CLinux
internal import Glibc
internal import ProcFS

/// All descendants of the shim: whoever orphans a process below it gives it to the shim.
struct ProcessTree {
    private struct Name: Hashable {
        var pid: Int32
        var startTicks: UInt64
    }

    private var killed: Set<Name> = []
    private var quietScans = 0
    /// How many processes were found after the server itself had ended.
    private(set) var leftovers = 0
    /// Whether the last ``killAll(countLeftovers:)`` found processes that it had not seen before.
    private(set) var madeProgress = false

    /// A scan may miss a process that is born while it runs; so many in a row do not.
    private static let scansToBeSure = 5

    /// Kills every descendant that is there now. Returns whether none but zombies has been left for a while: zombies
    /// that somebody traces cannot be reaped.
    mutating func killAll(countLeftovers: Bool) -> Bool {
        madeProgress = false
        guard let all = try? ProcFS.descendants(of: getpid()) else { return false }
        let alive = all.filter { !$0.isZombie || hasLivingThreads($0.pid) }
        for process in alive { kill(process, countLeftovers: countLeftovers) }
        quietScans = alive.isEmpty ? quietScans + 1 : 0
        return quietScans >= Self.scansToBeSure
    }

    private mutating func kill(_ process: ProcStat, countLeftovers: Bool) {
        if killed.insert(Name(pid: process.pid, startTicks: process.startTicks)).inserted {
            madeProgress = true
            if countLeftovers { leftovers += 1 }
        }
        let descriptor = clinux_pidfd_open(process.pid)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        // Between the scan and the descriptor the pid may have passed to a stranger.
        guard let now = try? ProcFS.stat(process.pid), now.startTicks == process.startTicks else { return }
        _ = clinux_pidfd_send_signal(descriptor, SIGKILL)
    }

    /// A program whose first thread has ended looks like a zombie while its other threads run on.
    private func hasLivingThreads(_ pid: Int32) -> Bool {
        guard let folder = opendir("/proc/\(pid)/task") else { return false }
        defer { closedir(folder) }
        var entries = 0
        while readdir(folder) != nil { entries += 1 }
        // `.`, `..`, and the first thread.
        return entries > 3
    }
}
