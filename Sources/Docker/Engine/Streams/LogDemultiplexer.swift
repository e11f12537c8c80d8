internal import NIOCore

/// Takes apart what a container wrote on its output and its error stream.
///
/// Frames follow one another: a byte for the stream (0, 1, 2; 3: a word of the engine itself), three zeros, the length of
/// what follows in network order. A container with a terminal has but one stream, sent as it is: what does not begin as a
/// frame is that. Payloads are handed on as they come, and never gathered.
struct LogDemultiplexer: Sendable {
    private enum State {
        /// The first bytes, while they may still be a frame's.
        case unknown([UInt8])
        case header([UInt8])
        case payload(LogChunk.Stream, left: Int)
        case raw
    }

    private static let headerLength = 8

    private var state = State.unknown([])

    /// What has come, in order. Throws `malformed` where a frame begins as none does.
    mutating func take(_ bytes: ByteBuffer) throws(EngineError) -> [LogChunk] {
        var chunks: [LogChunk] = []
        var bytes = bytes
        while bytes.readableBytes > 0 {
            switch state {
            case .raw:
                chunks.append(LogChunk(stream: .output, bytes: Array(bytes.readableBytesView)))
                return chunks
            case .payload(let stream, let left):
                let count = min(left, bytes.readableBytes)
                chunks.append(LogChunk(stream: stream, bytes: bytes.readBytes(length: count) ?? []))
                state = count == left ? .header([]) : .payload(stream, left: left - count)
            case .unknown(var begun):
                begun += bytes.readBytes(length: min(Self.headerLength - begun.count, bytes.readableBytes)) ?? []
                if !Self.mayBeHeader(begun) {
                    state = .raw
                    chunks.append(LogChunk(stream: .output, bytes: begun))
                } else {
                    state = begun.count == Self.headerLength ? Self.afterHeader(begun) : .unknown(begun)
                }
            case .header(var begun):
                begun += bytes.readBytes(length: min(Self.headerLength - begun.count, bytes.readableBytes)) ?? []
                guard Self.mayBeHeader(begun) else {
                    throw .malformed("the engine sent a log that is not cut into frames as its API says")
                }
                state = begun.count == Self.headerLength ? Self.afterHeader(begun) : .header(begun)
            }
        }
        return chunks
    }

    /// What is left when the stream has ended. Throws `unreachable` where it was cut off within a frame.
    mutating func finish() throws(EngineError) -> LogChunk? {
        switch state {
        case .unknown(let begun) where !begun.isEmpty: return LogChunk(stream: .output, bytes: begun)
        case .payload: throw Self.cutOff
        case .header(let begun) where !begun.isEmpty: throw Self.cutOff
        case .unknown, .header, .raw: return nil
        }
    }

    private static let cutOff = EngineError.unreachable("the engine cut off a log: was it stopped?")

    private static func mayBeHeader(_ bytes: [UInt8]) -> Bool {
        guard let first = bytes.first, first <= LogChunk.Stream.engine.rawValue else { return false }
        return bytes.dropFirst().prefix(3).allSatisfy { $0 == 0 }
    }

    private static func afterHeader(_ header: [UInt8]) -> State {
        let length = header.suffix(4).reduce(0) { $0 << 8 | Int($1) }
        guard length > 0 else { return .header([]) }
        return .payload(LogChunk.Stream(rawValue: header[0]) ?? .output, left: length)
    }
}
