/// What is wrong with a `$` in a text that may hold references.
package enum ReferenceFault: Error, Hashable, Sendable {
    /// `$NAME`, as a shell would have it.
    case bareName(String)
    /// `$(`.
    case commandSubstitution
    /// A `$` before anything else.
    case strayDollar
    /// `${` without its `}`.
    case unclosed
    /// What stands between `${` and `}` is nothing that could be referred to.
    case malformed(String)
    case undeclared(String)

    package var message: String {
        switch self {
        case .bareName: "a variable is written with braces"
        case .commandSubstitution: "`$(…)` would run a command, and no shell is involved here"
        case .strayDollar: "a `$` must be followed by `{` or by another `$`"
        case .unclosed: "`${` is not closed by a `}`"
        case .malformed: "what stands between `${` and `}` cannot be referred to"
        case .undeclared(let name): "nothing declares `\(name)`"
        }
    }

    package var hint: String {
        switch self {
        case .bareName(let name): "write ${\(name)}, or $$\(name) for a literal $"
        case .commandSubstitution: "write $$( for a literal $("
        case .strayDollar, .unclosed: "write $$ for a literal $"
        case .malformed: "write ${NAME}; defaults and other forms of a shell are not supported"
        case .undeclared:
            "declare it in `environment`; always there are "
                + LaunchVariable.allCases.map(\.rawValue).joined(separator: ", ")
        }
    }
}

/// What a `$` at one place of a text stands for.
struct DollarScan {
    enum Meaning {
        /// `$$`.
        case dollar
        /// `${body}`, the body not yet looked at.
        case reference(String)
    }

    let meaning: Meaning
    /// The offset after it.
    let end: Int

    /// - Parameter offset: where `text` has a `$`.
    init(_ text: [Unicode.Scalar], at offset: Int) throws(ReferenceFault) {
        let next = offset + 1
        guard next < text.count else { throw .strayDollar }
        switch text[next] {
        case "$":
            meaning = .dollar
            end = next + 1
        case "{":
            guard let close = text[next...].firstIndex(of: "}") else { throw .unclosed }
            meaning = .reference(Self.string(text[(next + 1)..<close]))
            end = close + 1
        case "(":
            throw .commandSubstitution
        case let scalar where EnvironmentName.isStart(scalar):
            throw .bareName(Self.string(text[next...].prefix(while: EnvironmentName.isPart)))
        default:
            throw .strayDollar
        }
    }

    private static func string(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }
}
