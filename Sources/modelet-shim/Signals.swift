internal import CLinux
internal import Glibc

/// Every signal that reaches the shim, in order, read when it has time for them. None is lost, none interrupts.
struct SignalQueue {
    /// Readable when a signal waits.
    let descriptor: Int32

    /// Those after the first four mean nothing here and must not end the shim, as they would by default.
    private static let blocked = [
        SIGTERM, SIGINT, SIGUSR1, SIGCHLD,
        SIGHUP, SIGQUIT, SIGPIPE, SIGUSR2, SIGALRM, SIGTSTP, SIGTTIN, SIGTTOU,
    ]

    init() throws(ShimError) {
        descriptor = try check("signalfd") { clinux_signal_descriptor(Self.blocked, Self.blocked.count) }
    }

    func next() -> Request? {
        while true {
            switch clinux_next_signal(descriptor) {
            case 0: return nil
            case SIGTERM, SIGINT: return .stop
            case SIGUSR1: return .kill
            default: continue
            }
        }
    }

    enum Request {
        /// Ask the server to end.
        case stop
        /// End everything, now.
        case kill
    }
}

/// What holds the shim back until the controller has recorded it.
struct Gate {
    let descriptor: Int32

    /// Waits for the controller's byte. `false`: the controller is gone, or wants the launch no more.
    func waitUntilOpen(_ signals: SignalQueue) -> Bool {
        defer { close(descriptor) }
        var waiting = [
            pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: signals.descriptor, events: Int16(POLLIN), revents: 0),
        ]
        while true {
            guard poll(&waiting, nfds_t(waiting.count), -1) > 0 else { continue }
            if signals.next() != nil { return false }
            guard waiting[0].revents != 0 else { continue }
            var byte: UInt8 = 0
            let got = read(descriptor, &byte, 1)
            if got < 0 && errno == EINTR { continue }
            return got == 1
        }
    }
}
