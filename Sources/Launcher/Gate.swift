internal import Glibc
internal import ProcFS
internal import Synchronization

/// What holds a shim back: it begins when one byte arrives, and ends when this is closed, by our death as well.
final class Gate: Sendable {
    /// -1: closed.
    private let descriptor: Mutex<Int32>

    private init(descriptor: Int32) {
        self.descriptor = Mutex(descriptor)
    }

    deinit {
        close()
    }

    /// Closes it at once, whoever still refers to this object: unless it was opened before, the shim ends.
    func close() {
        descriptor.withLock { descriptor in
            if descriptor >= 0 { Glibc.close(descriptor) }
            descriptor = -1
        }
    }

    /// A gate, and the shim's end of it, which the caller closes.
    ///
    /// A pair of sockets rather than a pipe: writing to a shim that has died must not raise SIGPIPE.
    static func make() throws(SystemFailure) -> (gate: Gate, shimEnd: Int32) {
        var ends: [Int32] = [0, 0]
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw SystemFailure("gate", errno: errno) }
        return (Gate(descriptor: ends[0]), ends[1])
    }

    /// Lets the shim go. `false`: it has ended.
    func open() -> Bool {
        descriptor.withLock { descriptor in
            var byte: UInt8 = 1
            while true {
                let sent = send(descriptor, &byte, 1, Int32(MSG_NOSIGNAL))
                if sent == 1 { return true }
                if errno != EINTR { return false }
            }
        }
    }
}
