/// Keeps the last lines of a log, fit to be shown on a terminal, in bounded memory.
///
/// Lines are put in the order in which they end. Each stream is cut into lines by itself: two that are written at once do
/// not run into each other.
struct LogTail: Sendable {
    /// The longest line that is kept, in characters.
    static let longestLine = 1000
    /// Of so many bytes no more than that is left to be shown; the rest is not gathered.
    private static let mostBytes = 4 * longestLine + 1
    /// The most lines that are kept, however many are asked for.
    static let mostLines = 10_000

    private let most: Int
    private var lines: [String] = []
    private var partial: [LogChunk.Stream: [UInt8]] = [:]

    init(lines: Int) {
        most = min(max(0, lines), Self.mostLines)
    }

    mutating func append(_ chunk: LogChunk) {
        var line = partial[chunk.stream] ?? []
        for byte in chunk.bytes {
            if byte == UInt8(ascii: "\n") {
                end(line)
                line = []
            } else if byte == UInt8(ascii: "\r") {
                // Progress bars write over the same line again and again: what stands there last counts. Before a line's
                // end it is nothing.
                line.append(byte)
            } else {
                if line.last == UInt8(ascii: "\r") { line = [] }
                if line.count < Self.mostBytes { line.append(byte) }
            }
        }
        partial[chunk.stream] = line
    }

    /// All that is kept, with lines that have not ended yet.
    mutating func finish() -> [String] {
        for stream in partial.keys.sorted(by: { $0.rawValue < $1.rawValue }) {
            if let line = partial[stream], !line.isEmpty { end(line) }
        }
        partial = [:]
        return Array(lines.suffix(most))
    }

    private mutating func end(_ line: [UInt8]) {
        lines.append(Self.printable(line))
        // Not at each line: what is thrown away is as much as what stays.
        if lines.count >= 2 * most + 1 { lines = Array(lines.suffix(most)) }
    }

    private static func printable(_ line: [UInt8]) -> String {
        var text = String.UnicodeScalarView()
        var isInEscape = false
        for scalar in String(decoding: line, as: UTF8.self).unicodeScalars {
            switch scalar.value {
            case 0x1b: isInEscape = true
            // A colour ends with a letter: `ESC [ 3 1 m`.
            case _ where isInEscape: isInEscape = !scalar.properties.isAlphabetic
            case 0x09: text.append(" ")
            case 0..<0x20, 0x7f..<0xa0: continue
            default: text.append(scalar)
            }
        }
        let whole = String(text)
        return whole.count <= longestLine ? whole : whole.prefix(longestLine) + "…"
    }
}
