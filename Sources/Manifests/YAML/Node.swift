/// A value of a YAML file and where it stands.
struct Node {
    enum Content {
        case scalar(Scalar)
        case sequence([Node])
        case mapping([Entry])
    }

    /// A key of a mapping with its value.
    struct Entry {
        let key: String
        let keyPosition: Position
        let value: Node
    }

    let content: Content
    let start: Position
    /// After the last character.
    let end: Position
}

/// Text that is not yet a number, a boolean or anything else.
struct Scalar {
    enum Style {
        case plain, singleQuoted, doubleQuoted, block
    }

    /// What a scalar is, by its looks alone: YAML 1.2's core schema, with what other readers of YAML take for
    /// something else kept apart. `yes`, `no`, `on` and `off` are text.
    enum Kind: Equatable {
        case null
        case boolean(Bool)
        /// `True`, `FALSE`…: a boolean to some readers, text to others.
        case looseBoolean(Bool)
        /// Something that readers of YAML take for a number, in whatever notation.
        case number
        case text
    }

    let text: String
    let style: Style
    let kind: Kind

    /// - Parameter isText: the file says by a tag that this is text, whatever it looks like.
    init(text: String, style: Style, isText: Bool = false) {
        self.text = text
        self.style = style
        kind = style == .plain && !isText ? Self.kind(of: text) : .text
    }

    private static func kind(of text: String) -> Kind {
        switch text {
        case "", "~", "null", "Null", "NULL": .null
        case "true": .boolean(true)
        case "false": .boolean(false)
        case "True", "TRUE": .looseBoolean(true)
        case "False", "FALSE": .looseBoolean(false)
        default: isNumber(text) ? .number : .text
        }
    }

    private static func isNumber(_ text: String) -> Bool {
        var digits = Array(text.utf8)[...]
        if let sign = digits.first, "+-".utf8.contains(sign) { digits.removeFirst() }
        if [".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"].contains(where: { digits.elementsEqual($0.utf8) }) {
            return true
        }
        if digits.starts(with: "0x".utf8) { return isRun(digits.dropFirst(2), of: "0123456789abcdefABCDEF") }
        if digits.starts(with: "0o".utf8) { return isRun(digits.dropFirst(2), of: "01234567") }
        return isDecimal(digits)
    }

    /// Digits with at most one point, then perhaps an exponent.
    private static func isDecimal(_ text: ArraySlice<UInt8>) -> Bool {
        let parts = text.split(maxSplits: 1, omittingEmptySubsequences: false) { "eE".utf8.contains($0) }
        if parts.count == 2 {
            let exponent = parts[1].first.map { "+-".utf8.contains($0) } == true ? parts[1].dropFirst() : parts[1]
            guard isRun(exponent, of: "0123456789") else { return false }
        }
        let mantissa = parts[0].split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        return mantissa.contains { !$0.isEmpty } && mantissa.allSatisfy { $0.isEmpty || isRun($0, of: "0123456789") }
    }

    private static func isRun(_ text: ArraySlice<UInt8>, of digits: String) -> Bool {
        !text.isEmpty && text.allSatisfy { digits.utf8.contains($0) }
    }
}

extension Node {
    /// What the node is, as the second half of "expected …, found …".
    var found: String {
        switch content {
        case .mapping: return "a mapping"
        case .sequence: return "a list"
        case .scalar(let scalar):
            switch scalar.kind {
            case .null: return "nothing"
            case .boolean, .looseBoolean: return "the boolean \(quoted(scalar.text))"
            case .number: return "the number \(quoted(scalar.text))"
            case .text: return "the text \(quoted(scalar.text))"
            }
        }
    }
}
