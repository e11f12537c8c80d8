internal import CLinux
internal import Glibc
internal import ModelCore
internal import Ports
internal import ProcFS

/// Ends what an instance has left behind after its shim was killed, and proves that nothing remains.
///
/// Only processes that are proved to be the instance's are signalled, each through a pidfd. Where there is one that
/// may be, but need not, nothing is done to it and nothing is proved.
struct Sweep {
    enum Result {
        /// Nothing is left; so many processes were killed.
        case empty(killed: Int)
        /// A sentence.
        case notProved(String)
    }

    let evidence: TreeEvidence

    /// How long the killed may take to end: the kernel frees the memory of large models.
    private static let patience = Duration.seconds(10)
    /// A scan may miss a process that is born while it runs.
    private static let quietScans = 5
    /// Milliseconds.
    private static let pauseBetweenQuietScans: UInt32 = 5
    /// How long to wait for killed processes before looking again, in milliseconds.
    private static let pause: Int32 = 50

    /// Blocks for as long as the killed take to end, at most ``patience``.
    func run() -> Result {
        let deadline = ContinuousClock.now + Self.patience
        var killed: Set<TreeSnapshot.Entry> = []
        var quiet = 0
        while true {
            let finding: TreeEvidence.Finding
            do throws(ProcFSError) {
                finding = try evidence.examine(try ProcFS.processes())
            } catch {
                return .notProved("/proc cannot be read: \(error.sentence)")
            }
            if let stuck = finding.ours.first {
                quiet = 0
                if ContinuousClock.now >= deadline { return .notProved("\(describe(stuck.pid)) does not end") }
                killAndWait(finding.ours, &killed)
            } else if let suspect = finding.suspects.first {
                return .notProved(suspect)
            } else {
                quiet += 1
                if quiet >= Self.quietScans { return .empty(killed: killed.count) }
                usleep(Self.pauseBetweenQuietScans * 1000)
            }
        }
    }

    private func killAndWait(_ processes: [ProcStat], _ killed: inout Set<TreeSnapshot.Entry>) {
        var waiting: [pollfd] = []
        defer { for entry in waiting { close(entry.fd) } }
        for process in processes {
            let descriptor = clinux_pidfd_open(process.pid)
            if descriptor < 0 { continue }
            waiting.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0))
            // Between the scan and the descriptor the pid may have passed to a stranger.
            guard let now = try? ProcFS.stat(process.pid), now.startTicks == process.startTicks else { continue }
            _ = clinux_pidfd_send_signal(descriptor, SIGKILL)
            killed.insert(TreeSnapshot.Entry(pid: process.pid, startTicks: process.startTicks))
        }
        _ = poll(&waiting, nfds_t(waiting.count), Self.pause)
    }
}
