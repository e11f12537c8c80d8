internal import CLinux
internal import Glibc

/// Watches the server until nothing of it is left, and then says so in `exit.json`.
///
/// One thread, one `poll`: signals, the server's output, and the report of its launch. Nothing is done on a timer but
/// looking again for processes that are being killed.
struct Supervisor {
    private let instance: String
    private let folder: RunFolder
    private let signals: SignalQueue
    private let server: ServerProcess
    private let exitFile: Int32
    private var log: ServerLog
    private var tree = ProcessTree()

    /// `nil` while it runs.
    private var ending: Ending?
    private var executionFailure: Ending?
    private var requested: SignalQueue.Request?
    /// Whether there is no child left, and so no descendant: orphans come to us.
    private var isChildless = false
    private var watchesOutput = true
    private var watchesReport = true
    private var buffer = [UInt8](repeating: 0, count: Supervisor.chunk)

    /// The capacity of a pipe: one read empties it, most of the time. Bytes.
    private static let chunk = 64 * 1024
    /// How many chunks are written to the log before signals are looked at again.
    private static let chunksAtOnce = 16

    init(
        arguments: ShimArguments, order: LaunchOrder, folder: RunFolder, signals: SignalQueue
    ) throws(ShimError) {
        instance = arguments.instance
        self.folder = folder
        self.signals = signals
        // All that can fail comes before the server exists.
        try check("prctl") { clinux_become_subreaper() }
        log = try ServerLog(folder: folder, limit: order.logBytes, kept: order.logFiles)
        exitFile = try ExitReport.reserve(in: folder)
        server = try ServerProcess.launch(
            order, instance: arguments.instance, reserved: arguments.reserved, folder: folder)
        for descriptor in [server.output, server.report] {
            _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        }
    }

    mutating func run() throws(ShimError) {
        var patience = Patience()
        while !isCleared() {
            wait(milliseconds: isClearing ? patience.next(afterProgress: tree.madeProgress) : -1)
            handleSignals()
            copyOutput()
            reap()
            readReport()
        }
        copyOutput()
        try report()
    }

    private var isClearing: Bool { ending != nil || requested == .kill }

    /// Kills what is left where something is to be killed. Returns whether nothing is left.
    private mutating func isCleared() -> Bool {
        guard isClearing else { return false }
        if ending == nil { kill(-server.pid, SIGKILL) }
        return isChildless || tree.killAll()
    }

    private func wait(milliseconds: Int32) {
        var descriptors = [pollfd(fd: signals.descriptor, events: Int16(POLLIN), revents: 0)]
        if watchesOutput { descriptors.append(pollfd(fd: server.output, events: Int16(POLLIN), revents: 0)) }
        if watchesReport { descriptors.append(pollfd(fd: server.report, events: Int16(POLLIN), revents: 0)) }
        // Interrupted or not: the caller looks at everything anyway.
        _ = poll(&descriptors, nfds_t(descriptors.count), milliseconds)
    }

    private mutating func handleSignals() {
        while let request = signals.next() {
            if requested != .kill { requested = request }
            guard request == .stop, ending == nil else { continue }
            // Only the server itself: masters stop their own workers. One that is suspended must wake to hear it.
            kill(server.pid, SIGTERM)
            kill(server.pid, SIGCONT)
        }
    }

    private mutating func copyOutput() {
        for _ in 0..<Self.chunksAtOnce where watchesOutput {
            let got = read(server.output, &buffer, buffer.count)
            if got > 0 {
                log.append(buffer[..<got])
            } else if got == 0 {
                watchesOutput = false
            } else if errno != EINTR {
                return
            }
        }
    }

    private mutating func reap() {
        var status: Int32 = 0
        while true {
            let pid = clinux_next_ended()
            if pid <= 0 {
                isChildless = pid < 0 && errno == ECHILD
                return
            }
            tree.notDoneYet()
            if pid == server.pid { killGroup() }
            if clinux_reap_child(pid, &status) == server.pid { ending = Ending(status: status) }
        }
    }

    /// Kills what has stayed in the server's process group. The kernel lets no fork slip through, which a search for
    /// processes cannot promise. The group's number is the server's own for as long as the server is not reaped.
    private mutating func killGroup() {
        if requested != .kill { tree.countLeftovers() }
        kill(-server.pid, SIGKILL)
    }

    private mutating func readReport() {
        guard watchesReport else { return }
        var failure = clinux_failure()
        let got = read(server.report, &failure, MemoryLayout<clinux_failure>.size)
        if got < 0 { return }
        watchesReport = false
        guard got == MemoryLayout<clinux_failure>.size else { return }
        executionFailure = .notExecuted(errno: failure.error, step: failure.step)
    }

    private func report() throws(ShimError) {
        let stop =
            switch requested {
            case nil: "none"
            case .stop: "term"
            case .kill: "kill"
            }
        // A server that nobody could reap, though nothing of it runs, was killed here.
        let ending = executionFailure ?? ending ?? .signaled(signal: SIGKILL, core: false)
        let report = ExitReport(
            instance: instance, ending: ending, startedAt: server.startedAt, stop: stop, leftovers: tree.leftovers,
            lostOutput: log.lostBytes)
        try report.write(to: folder, file: exitFile)
    }
}

/// How long to wait before looking again for processes that do not end: at once while there are new ones (a fork bomb
/// is not to outrun us), ever longer while nothing happens (a process may be stuck in the kernel for hours).
private struct Patience {
    private var milliseconds: Int32 = 1
    private static let longest: Int32 = 250

    mutating func next(afterProgress: Bool) -> Int32 {
        milliseconds = afterProgress ? 1 : min(milliseconds * 2, Self.longest)
        return milliseconds
    }
}
