import Glibc

/// Where a log goes: standard output, byte for byte.
enum LogOutput {
    /// Writes all of `bytes`. Blocks for as long as the reader is slow. Ends the process where the reader has gone away
    /// (`modelet logs … | head`): nobody is left to write for.
    static func write(_ bytes: some Collection<UInt8>) {
        var rest = Array(bytes)[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else {
                if errno == EPIPE { exit(0) }
                Console.printError("modelet: cannot write: \(String(cString: strerror(errno)))")
                exit(1)
            }
            rest = rest.dropFirst(written)
        }
    }

    /// Whether whoever read standard output has gone away, although nothing is written to him now.
    static var readerIsGone: Bool {
        var output = pollfd(fd: STDOUT_FILENO, events: 0, revents: 0)
        return poll(&output, 1, 0) == 1 && output.revents & Int16(POLLERR | POLLHUP) != 0
    }

    /// Whoever ends a log that goes on with Ctrl-C has got what he wanted.
    static func endOnInterrupt() {
        signal(SIGPIPE, SIG_IGN)
        // Everything is written out at once, so nothing is lost with the process.
        signal(SIGINT) { _ in _exit(0) }
    }
}
