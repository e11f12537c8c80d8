/// Lines that model servers wrote, made fit to be shown to people.
package enum LogLines {
    /// The longest line that is kept, in characters.
    private static let longestLine = 1000

    /// The last lines of a log, oldest first, at most ``ExitRecord/longestLogTail``.
    ///
    /// Fit to be shown on a terminal: control characters are left out, long lines cut.
    package static func last(of bytes: ArraySlice<UInt8>) -> [String] {
        bytes.split(separator: UInt8(ascii: "\n")).suffix(ExitRecord.longestLogTail).map { line in
            // Progress bars write over the same line again and again; what stood there last is what people saw.
            let seen = line.split(separator: UInt8(ascii: "\r")).last
            return printable(String(decoding: seen ?? [], as: UTF8.self))
        }
    }

    /// One line without control characters and colours, cut where it is very long.
    package static func printable(_ line: String) -> String {
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
