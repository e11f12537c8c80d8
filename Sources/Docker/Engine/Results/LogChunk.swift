/// Bytes that a container has written.
package struct LogChunk: Hashable, Sendable {
    package enum Stream: UInt8, Hashable, Sendable {
        case input = 0
        case output = 1
        case error = 2
        /// What the engine itself has to say, such as that it cannot read the log any further.
        case engine = 3
    }

    /// ``Stream/output`` for everything that a container with a terminal writes.
    package var stream: Stream
    /// Ends where the engine cut it, which need not be a line's end.
    package var bytes: [UInt8]

    package init(stream: Stream, bytes: [UInt8]) {
        self.stream = stream
        self.bytes = bytes
    }
}
