internal import Glibc
internal import ModelCore

extension InstanceFiles {
    /// The last lines that the server wrote, oldest first, at most ``ExitRecord/longestLogTail``.
    ///
    /// Fit to be shown on a terminal: control characters are left out, long lines cut.
    func logTail() -> [String] {
        var lines = Self.lines(Self.end(of: log))
        // Just after a rotation the newest file says little.
        if lines.count < ExitRecord.longestLogTail { lines = Self.lines(Self.end(of: log + ".1")) + lines }
        return lines.suffix(ExitRecord.longestLogTail)
    }

    /// How much is read from the end of a file, in bytes: enough for twenty ordinary lines.
    private static let tailBytes = 64 * 1024
    /// The longest line that is kept, in characters.
    private static let longestLine = 1000

    private static func end(of path: String) -> ArraySlice<UInt8> {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return [] }
        defer { close(file) }
        let start = max(lseek(file, 0, SEEK_END) - off_t(tailBytes), 0)
        guard lseek(file, start, SEEK_SET) == start,
            let bytes = try? readDescriptor(file, path, limit: tailBytes)
        else { return [] }
        // The first line was cut at its beginning.
        guard start > 0, let newline = bytes.firstIndex(of: UInt8(ascii: "\n")) else { return bytes[...] }
        return bytes[(newline + 1)...]
    }

    private static func lines(_ bytes: ArraySlice<UInt8>) -> [String] {
        bytes.split(separator: UInt8(ascii: "\n")).suffix(ExitRecord.longestLogTail).map { line in
            // Progress bars write over the same line again and again; what stood there last is what people saw.
            let seen = line.split(separator: UInt8(ascii: "\r")).last ?? []
            return printable(String(decoding: seen, as: UTF8.self))
        }
    }

    private static func printable(_ line: String) -> String {
        var text = String.UnicodeScalarView()
        var isInEscape = false
        for scalar in line.unicodeScalars {
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
