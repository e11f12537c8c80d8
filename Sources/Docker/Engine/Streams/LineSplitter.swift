internal import NIOCore

/// Cuts a stream of bytes into lines, in bounded memory.
///
/// Lines end with LF or CR LF; empty ones are left out. A line longer than `longest` is swallowed, and told as such.
struct LineSplitter: Sendable {
    enum Line: Hashable, Sendable {
        case whole(ByteBuffer)
        case tooLong
    }

    /// In bytes. The longest lines that engines write are events with a container's labels: some KiB.
    static let longest = 1024 * 1024

    private let longest: Int
    private var partial = ByteBuffer()
    private var isSwallowing = false

    init(longest: Int = LineSplitter.longest) {
        self.longest = longest
    }

    /// What is complete now, in order.
    mutating func split(_ bytes: ByteBuffer) -> [Line] {
        var lines: [Line] = []
        var bytes = bytes
        while let newline = bytes.readableBytesView.firstIndex(of: UInt8(ascii: "\n")) {
            // Never nil: the newline is within what is readable.
            let piece = bytes.readSlice(length: newline - bytes.readerIndex) ?? ByteBuffer()
            bytes.moveReaderIndex(forwardBy: 1)
            append(piece)
            if let line = end() { lines.append(line) }
        }
        append(bytes)
        return lines
    }

    /// What is left when the stream has ended: a last line that no newline ends.
    mutating func finish() -> Line? { end() }

    private mutating func append(_ piece: ByteBuffer) {
        guard !isSwallowing else { return }
        if partial.readableBytes + piece.readableBytes > longest {
            isSwallowing = true
            partial = ByteBuffer()
        } else {
            partial.writeImmutableBuffer(piece)
        }
    }

    private mutating func end() -> Line? {
        defer {
            partial = ByteBuffer()
            isSwallowing = false
        }
        if isSwallowing { return .tooLong }
        var line = partial
        if line.readableBytesView.last == UInt8(ascii: "\r") { line.moveWriterIndex(to: line.writerIndex - 1) }
        return line.readableBytes > 0 ? .whole(line) : nil
    }
}
