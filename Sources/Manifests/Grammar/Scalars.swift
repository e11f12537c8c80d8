/// Reading a node as text, a number, a boolean or one of several words.
extension Node {
    func expected(_ what: String, hint: String? = nil) -> Problem {
        Problem("expected \(what), found \(found)", hint: hint)
    }

    /// Text. What looks like a number or a boolean must be in quotes: readers of YAML disagree about what it is.
    func string() throws(Problem) -> String {
        guard case .scalar(let scalar) = content else { throw expected("text") }
        switch scalar.kind {
        case .text: return scalar.text
        case .null: throw expected("text", hint: #"write "" if the text shall be empty"#)
        case .boolean, .looseBoolean, .number:
            throw expected("text", hint: "put it in quotes: \"\(scalar.text)\"")
        }
    }

    func nonEmptyString() throws(Problem) -> String {
        let text = try string()
        guard !text.isEmpty else { throw Problem("must not be empty") }
        return text
    }

    /// Text or a number, which is taken as it is written: `1.10` stays `1.10`.
    func stringOrNumber() throws(Problem) -> String {
        if case .scalar(let scalar) = content, scalar.kind == .number { return scalar.text }
        return try string()
    }

    /// Text of the characters that `isAllowed` accepts; `rule` is the sentence that says which.
    func name(_ rule: String, longest: Int = 255, _ isAllowed: (Unicode.Scalar) -> Bool) throws(Problem) -> String {
        let text = try nonEmptyString()
        guard text.utf8.count <= longest, text.unicodeScalars.allSatisfy(isAllowed) else {
            throw Problem("\(quoted(text)) is not valid", hint: rule)
        }
        return text
    }

    func boolean() throws(Problem) -> Bool {
        guard case .scalar(let scalar) = content else { throw expected("true or false") }
        switch scalar.kind {
        case .boolean(let value): return value
        case .looseBoolean(let value): throw expected("true or false", hint: "write \(value)")
        case .null, .number: throw expected("true or false")
        case .text:
            switch scalar.text.lowercased() {
            case "true", "yes", "on", "y": throw expected("true or false", hint: "write true, without quotes")
            case "false", "no", "off", "n": throw expected("true or false", hint: "write false, without quotes")
            default: throw expected("true or false")
            }
        }
    }

    /// A whole number in decimal notation.
    func integer(_ range: ClosedRange<Int>) throws(Problem) -> Int {
        let what = "a whole number from \(range.lowerBound) to \(range.upperBound)"
        guard case .scalar(let scalar) = content else { throw expected(what) }
        guard scalar.kind == .number else {
            let isQuoted = scalar.style != .plain && Int(scalar.text) != nil
            throw expected(what, hint: isQuoted ? "leave the quotes out" : nil)
        }
        let digits = scalar.text.utf8.drop { $0 == UInt8(ascii: "-") }
        if digits.count > 1, digits.first == UInt8(ascii: "0"), Int(scalar.text) != nil {
            throw expected(what, hint: "without the zero at its front, which some readers of YAML take for octal")
        }
        guard let value = Int(scalar.text), range.contains(value), scalar.text.first != "+" else {
            throw expected(what)
        }
        return value
    }

    func port() throws(Problem) -> Int { try integer(1...65_535) }

    /// One of the words of an enumeration.
    func choice<Choice: RawRepresentable & CaseIterable>(
        _ type: Choice.Type
    ) throws(Problem) -> Choice where Choice.RawValue == String {
        let words = Choice.allCases.map(\.rawValue)
        let what = words.count == 2 ? "\(words[0]) or \(words[1])" : "one of \(words.joined(separator: ", "))"
        guard case .scalar(let scalar) = content, scalar.kind == .text else { throw expected(what) }
        guard let choice = Choice(rawValue: scalar.text) else {
            throw expected(what, hint: nearest(to: scalar.text, among: words).map { "did you mean `\($0)`?" })
        }
        return choice
    }

    func items() throws(Problem) -> [Node] {
        guard case .sequence(let items) = content else { throw expected("a list") }
        return items
    }

    /// Whether the node is exactly this word, without quotes or with them.
    func isWord(_ word: String) -> Bool {
        if case .scalar(let scalar) = content { scalar.text == word && scalar.kind == .text } else { false }
    }
}
