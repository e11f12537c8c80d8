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
    /// How many processes were there when the server itself had ended.
    private(set) var leftovers = 0
    /// Whether the last ``killAll()`` found processes that it had not seen before.
    private(set) var madeProgress = false

    /// So many scans in a row without a living process, and without an end of one, mean that there is none.
    private static let scansToBeSure = 5
    /// How often in a row new children are looked for: a process that forks and ends at once is always a child of ours
    /// by the time it is found, but gone soon after.
    private static let chases = 50

    mutating func countLeftovers() {
        leftovers = living().count
    }

    /// A process has ended: there may be others that no scan has seen.
    mutating func notDoneYet() {
        quietScans = 0
    }

    /// Kills every descendant that is there now. Returns whether none but zombies has been left for a while: zombies
    /// that somebody traces cannot be reaped.
    mutating func killAll() -> Bool {
        killChildren()
        madeProgress = false
        let alive = living()
        for process in alive { kill(process) }
        quietScans = alive.isEmpty ? quietScans + 1 : 0
        return quietScans >= Self.scansToBeSure
    }

    private func living() -> [ProcStat] {
        guard let all = try? ProcFS.descendants(of: getpid()) else { return [] }
        return all.filter { !$0.isZombie || hasLivingThreads($0.pid) }
    }

    private mutating func kill(_ process: ProcStat) {
        if killed.insert(Name(pid: process.pid, startTicks: process.startTicks)).inserted { madeProgress = true }
        let descriptor = clinux_pidfd_open(process.pid)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        // Between the scan and the descriptor the pid may have passed to a stranger.
        guard let now = try? ProcFS.stat(process.pid), now.startTicks == process.startTicks else { return }
        _ = clinux_pidfd_send_signal(descriptor, SIGKILL)
    }

    /// Kills the direct children, again while there are new ones. Their pids are theirs: only we could reap them.
    private func killChildren() {
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        var seen: Set<Int32> = []
        for _ in 0..<Self.chases {
            let file = open("/proc/self/task/\(getpid())/children", O_RDONLY | O_CLOEXEC)
            // Kernels may be built without it; then the scan has to do.
            if file < 0 { return }
            let got = read(file, &buffer, buffer.count)
            close(file)
            let pids = buffer.prefix(max(got, 0)).split(separator: UInt8(ascii: " "))
                .compactMap { Int32(String(decoding: $0, as: UTF8.self)) }
            if seen.isSuperset(of: pids) { return }
            for pid in pids where seen.insert(pid).inserted { Glibc.kill(pid, SIGKILL) }
        }
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
