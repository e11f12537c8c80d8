/// A `startup_command`, split into words by the quoting rules of POSIX. No shell is involved, now or later: the words
/// are executed directly.
///
/// `'…'` is literal; `"…"` groups, with `\` before `$`, `` ` ``, `"`, `\` and a line break; elsewhere `\` quotes one
/// character. `${NAME}` is replaced inside words and double quotes, and what replaces it is never split again; `$$` is
/// a `$`. What only a shell could do (operators, `$(…)`, backticks, redirections, comments, `~`, leading assignments)
/// is an error. `*`, `?`, `[` and braces have no meaning and stand for themselves.
package struct StartupCommand: Hashable, Sendable {
    /// A use of a name. `offset` counts Unicode scalars from the start of the text to its `$`.
    package struct Reference: Hashable, Sendable {
        package let name: String
        package let offset: Int
    }

    enum Segment: Hashable {
        case literal(String)
        case reference(Reference)
    }

    /// No segments: an empty word, as `""` gives it.
    typealias Word = [Segment]

    /// The longest command, in Unicode scalars; Linux bounds a single argument at 128 KiB.
    package static let longest = 32_768

    package let text: String
    private let parsed: [Word]

    package init(_ text: String) throws(StartupCommandError) {
        let scalars = Array(text.unicodeScalars)
        guard scalars.count <= Self.longest else { throw .tooLong(limit: Self.longest) }
        var scanner = CommandScanner(scalars)
        self.text = text
        parsed = try scanner.words()
        guard let program = parsed.first else { throw .empty }
        guard !program.isEmpty else { throw .noProgram }
    }

    /// Every use of a name, in order.
    package var references: [Reference] {
        parsed.joined().compactMap { if case .reference(let reference) = $0 { reference } else { nil } }
    }

    /// The names used, in the order of their first use.
    package var referencedNames: [String] {
        references.reduce(into: []) { names, reference in
            if !names.contains(reference.name) { names.append(reference.name) }
        }
    }

    /// The program and its arguments, with every name replaced by its value.
    package func words(_ values: [String: String]) throws(StartupCommandError) -> [String] {
        var words: [String] = []
        for word in parsed {
            var text = ""
            for segment in word {
                switch segment {
                case .literal(let literal):
                    text += literal
                case .reference(let reference):
                    guard let value = values[reference.name] else {
                        throw .reference(.undeclared(reference.name), offset: reference.offset)
                    }
                    guard !value.utf8.contains(0) else { throw .nul(offset: reference.offset) }
                    text += value
                }
            }
            words.append(text)
        }
        guard words.first?.isEmpty == false else { throw .noProgram }
        return words
    }
}
