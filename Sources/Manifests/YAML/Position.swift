/// A place in a manifest, both counted from 1; columns in Unicode scalars, as libyaml counts them.
struct Position: Hashable, Sendable, Comparable {
    let line: Int
    let column: Int

    static let start = Position(line: 1, column: 1)

    static func < (a: Position, b: Position) -> Bool { (a.line, a.column) < (b.line, b.column) }
}

/// One thing wrong in a manifest, on its way to becoming a diagnostic.
struct Problem: Error {
    /// `nil`: the node that was being read.
    var position: Position?
    var message: String
    var hint: String?

    init(_ message: String, hint: String? = nil, at position: Position? = nil) {
        self.position = position
        self.message = message
        self.hint = hint
    }
}

/// `text` as a message shows it: in backticks, shortened, and harmless on a terminal.
func quoted(_ text: String) -> String {
    let longest = 60
    let shown = text.unicodeScalars.prefix(longest).map(printable)
    return "`\(shown.joined())\(text.unicodeScalars.count > longest ? "…" : "")`"
}

/// The scalar, or what stands for it where it would move a cursor or give a terminal orders.
func printable(_ scalar: Unicode.Scalar) -> String {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator: scalar == "\t" ? " " : "\u{FFFD}"
    default: String(scalar)
    }
}
