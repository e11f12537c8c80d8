/// The text of one manifest, by lines as YAML counts them.
final class SourceText {
    /// Of what has been read before, it is only asked for where something is wrong, which is seldom.
    private(set) lazy var text = utf8Text(of: bytes) ?? ""
    private let bytes: [UInt8]
    /// The values that nobody may see; `nil` as long as the file has not been understood.
    var secrets: Secrets?
    private lazy var lines = Self.split(text)

    /// The longest excerpt, in Unicode scalars: what still reads as a line on a terminal or in a log.
    static let longestExcerpt = 200

    init(_ text: String) {
        bytes = []
        self.text = text
    }

    /// - Parameter bytes: of the whole file.
    init(of bytes: [UInt8], secrets: Secrets?) {
        self.bytes = bytes
        self.secrets = secrets
    }

    /// The line at `position` without the secrets in it; `nil` where there is none, where the column lies too far to the
    /// right to be shown, and where it cannot be told what is a secret.
    func excerpt(at position: Position) -> String? {
        guard lines.indices.contains(position.line - 1), position.column <= Self.longestExcerpt else { return nil }
        guard secrets != nil || !Secrets.mayBe(in: text) else { return nil }
        var shown = lines[position.line - 1].prefix(Self.longestExcerpt).map(printable)
        for columns in secrets?.columns(ofLine: position.line) ?? [] {
            for index in columns.clamped(to: 0..<shown.count) { shown[index] = "•" }
        }
        return shown.joined()
    }

    /// Where in the file the scalar at `offset` of a node's text is written: quotes and escapes shift it. The start
    /// of the node where that cannot be told, as in a text of several lines.
    func position(ofOffset offset: Int, in node: Node) -> Position {
        guard case .scalar(let scalar) = node.content, node.start.line == node.end.line,
            lines.indices.contains(node.start.line - 1)
        else { return node.start }
        let raw = Array(lines[node.start.line - 1].dropFirst(node.start.column - 1))
        var index = scalar.style == .plain ? 0 : 1
        for _ in 0..<offset {
            guard index < raw.count else { return node.start }
            index += Self.width(of: raw[index...], style: scalar.style)
        }
        return Position(line: node.start.line, column: node.start.column + index)
    }

    /// How many scalars of the file stand for the next one of the text.
    private static func width(of raw: ArraySlice<Unicode.Scalar>, style: Scalar.Style) -> Int {
        switch (style, raw.first) {
        case (.singleQuoted, "'"): 2
        case (.doubleQuoted, "\\"):
            switch raw.dropFirst().first {
            case "x": 4
            case "u": 6
            case "U": 10
            default: 2
            }
        default: 1
        }
    }

    /// The position after the last character of `text`.
    static func end(of text: String) -> Position {
        // The mark is no line break: with it, the last line is never empty and so never left out.
        let lines = split(text + "|")
        return Position(line: lines.count, column: lines.last?.count ?? 1)
    }

    private static func split(_ text: String) -> [Substring.UnicodeScalarView] {
        let scalars = text.unicodeScalars
        var lines: [Substring.UnicodeScalarView] = []
        var start = scalars.startIndex
        var index = start
        while index < scalars.endIndex {
            let next = scalars.index(after: index)
            switch scalars[index] {
            case "\r" where next < scalars.endIndex && scalars[next] == "\n":
                // The line feed ends the line.
                lines.append(scalars[start..<index])
                start = scalars.index(after: next)
                index = start
                continue
            case "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}":
                lines.append(scalars[start..<index])
                start = next
            default:
                break
            }
            index = next
        }
        if start < scalars.endIndex { lines.append(scalars[start...]) }
        return lines
    }
}
