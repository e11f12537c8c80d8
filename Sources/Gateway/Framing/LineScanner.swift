import Glibc

/// Finds the lines of a message head in bytes that arrive piece by piece, looking at no byte twice.
struct LineScanner {
    enum Line: Equatable {
        /// No whole line yet.
        case incomplete
        /// A line feed without a carriage return before it.
        case bareLineFeed
        /// A line, from `start` up to its CRLF at `end`.
        case line(start: Int, end: Int)
    }

    /// Where the next line begins.
    private(set) var position = 0
    private var searched = 0

    /// - Parameter bytes: everything received since the head began; grows from call to call.
    mutating func next(in bytes: UnsafeRawBufferPointer) -> Line {
        guard searched < bytes.count, let base = bytes.baseAddress,
            let found = memchr(base + searched, Int32(ByteClass.lineFeed), bytes.count - searched)
        else {
            searched = bytes.count
            return .incomplete
        }
        let feed = UnsafeRawPointer(found) - base
        guard feed > position, bytes[feed - 1] == ByteClass.carriageReturn else { return .bareLineFeed }
        defer {
            position = feed + 1
            searched = feed + 1
        }
        return .line(start: position, end: feed - 1)
    }
}
