internal import CLinux
internal import Glibc
internal import ModelCore
internal import ProcFS

/// A shim that was proved to be ours while it lived. It is reached only through its pidfd, which stands for this very
/// process for ever, whoever has its pid later.
final class Shim: Sendable {
    let identity: ProcessIdentity
    let pidfd: Int32
    /// Whether this program started it, and so has to reap it.
    let isChild: Bool

    /// Takes the descriptor over.
    init(identity: ProcessIdentity, pidfd: Int32, isChild: Bool) {
        self.identity = identity
        self.pidfd = pidfd
        self.isChild = isChild
    }

    deinit {
        close(pidfd)
    }

    var pid: Int32 { identity.pid }

    /// Sends a signal; of no effect once it has ended.
    func signal(_ signal: Int32) {
        _ = clinux_pidfd_send_signal(pidfd, signal)
    }

    /// How it ended, where it was our child and has not been reaped before; a sentence.
    func reap() -> String? {
        guard isChild else { return nil }
        var end = clinux_end()
        guard clinux_reap(pidfd, &end) == 1 else { return nil }
        return end.code == CLD_EXITED
            ? "modelet-shim ended with code \(end.status)" : "modelet-shim was killed by \(signalName(end.status))"
    }
}

/// What has become of a recorded shim.
enum ShimLookup {
    /// Everything recorded agrees, and it runs.
    case alive(Shim)
    case gone(reason: String)
    /// It cannot be told; a sentence.
    case unknown(reason: String)
}

extension Shim {
    /// Looks for the process that `identity` names. Signals nothing.
    static func find(_ identity: ProcessIdentity) -> ShimLookup {
        do throws(ProcFSError) {
            if try ProcFS.bootID() != identity.bootID { return .gone(reason: "the host was restarted") }
            if try ProcFS.pidNamespace(of: getpid()) != identity.pidNamespace {
                return .gone(reason: "it ran in another pid namespace")
            }
        } catch {
            return .unknown(reason: "/proc cannot be read: \(error.sentence)")
        }
        // The descriptor first: what is read afterwards is of this process, or shows that it has ended.
        let pidfd = clinux_pidfd_open(identity.pid)
        guard pidfd >= 0 else {
            let code = errno
            return code == ESRCH
                ? .gone(reason: "its process \(identity.pid) has ended")
                : .unknown(reason: "process \(identity.pid) cannot be opened: \(systemMessage(code))")
        }
        return verify(identity, pidfd)
    }

    /// Takes `pidfd` over.
    private static func verify(_ identity: ProcessIdentity, _ pidfd: Int32) -> ShimLookup {
        let shim = Shim(identity: identity, pidfd: pidfd, isChild: false)
        do throws(ProcFSError) {
            let stat = try ProcFS.stat(identity.pid)
            if stat.startTicks != identity.startTicks || differ(identity.pidfdInode, clinux_pidfd_inode(pidfd)) {
                return .gone(reason: "pid \(identity.pid) belongs to another program now (\(stat.comm))")
            }
            return stat.isZombie ? .gone(reason: "its process \(identity.pid) has ended") : .alive(shim)
        } catch .gone {
            return .gone(reason: "its process \(identity.pid) has ended")
        } catch {
            return .unknown(reason: "/proc/\(identity.pid) cannot be read: \(error.sentence)")
        }
    }

    private static func differ(_ recorded: UInt64?, _ now: UInt64) -> Bool {
        guard let recorded, now != 0 else { return false }
        return recorded != now
    }

    /// The identity of a process that `pidfd` stands for, read while it is known to live.
    static func identity(of pid: Int32, _ pidfd: Int32) throws(ProcFSError) -> ProcessIdentity {
        let inode = clinux_pidfd_inode(pidfd)
        return ProcessIdentity(
            bootID: try ProcFS.bootID(), pid: pid, startTicks: try ProcFS.stat(pid).startTicks,
            pidNamespace: try ProcFS.pidNamespace(of: getpid()), pidfdInode: inode == 0 ? nil : inode)
    }
}

extension ProcFSError {
    var sentence: String {
        switch self {
        case .gone: "no such process or file"
        case .unreadable(let code): systemMessage(code)
        }
    }
}
