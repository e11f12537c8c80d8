import ModelCore

/// A changed field as people read it.
struct FieldText {
    private let change: FieldChange

    init(_ change: FieldChange) {
        self.change = change
    }

    /// `source.image: v1 → v2`.
    var line: String {
        isHidden
            ? "\(change.field.printable): changed; its value is not shown"
            : "\(change.field.printable): \(old) → \(new)"
    }

    var old: String { shown(change.old, beside: change.new) }
    var new: String { shown(change.new, beside: change.old) }

    /// Whether there is nothing to tell but that it changed.
    var isHidden: Bool { change.old == "…" && change.new == "…" }

    private func shown(_ value: String?, beside other: String?) -> String {
        guard let value else { return "(not set)" }
        guard let other, change.field.hasSuffix("startup_command") else { return value.printable }
        return Self.words(of: value, whereUnlike: other).printable
    }

    /// Of a long command only the words that changed, with one around them for the sake of context.
    private static func words(of text: String, whereUnlike other: String) -> String {
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        let others = other.split(separator: " ", omittingEmptySubsequences: false)
        let shorter = min(words.count, others.count)
        let leading = zip(words, others).prefix { $0 == $1 }.count
        let trailing = zip(words.reversed(), others.reversed()).prefix { $0 == $1 }.count
        let context = 1
        let start = max(leading - context, 0)
        let end = min(trailing, shorter - leading)
        let stop = words.count - max(end - context, 0)
        guard start > 0 || stop < words.count, start < stop else { return text }
        return (start > 0 ? "… " : "") + words[start..<stop].joined(separator: " ") + (stop < words.count ? " …" : "")
    }
}

extension String {
    /// ``printable``, of text that may have several lines: what parts them becomes a blank, and so does a tab.
    var printableLine: String {
        split { $0.isNewline || $0 == "\t" }.joined(separator: " ").printable
    }

    /// ``printable``, line by line.
    var printableLines: String {
        split(separator: "\n", omittingEmptySubsequences: false).map { String($0).printable }.joined(separator: "\n")
    }

    /// On one line, and with nothing in it that a terminal would obey: what a manifest holds is anybody's.
    var printable: String {
        guard unicodeScalars.contains(where: \.isControl) else { return self }
        return unicodeScalars.reduce(into: "") { text, scalar in
            switch scalar {
            case "\n": text += "\\n"
            case "\t": text += "\\t"
            case let scalar where scalar.isControl: text += "\\u{\(String(scalar.value, radix: 16))}"
            default: text.unicodeScalars.append(scalar)
            }
        }
    }
}

extension Unicode.Scalar {
    /// Controls, and what turns the direction of writing.
    fileprivate var isControl: Bool {
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}
