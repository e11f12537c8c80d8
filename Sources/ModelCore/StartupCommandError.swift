/// Why a `startup_command` cannot be executed, and where in it.
package enum StartupCommandError: Error, Hashable, Sendable {
    case empty
    /// The first word, which names the program, is empty.
    case noProgram
    case tooLong(limit: Int)
    /// `quote` is `'` or `"`.
    case unterminatedQuote(String, offset: Int)
    /// A `\` with nothing after it.
    case danglingBackslash(offset: Int)
    case shellOperator(String, offset: Int)
    case lineBreak(offset: Int)
    case backticks(offset: Int)
    case comment(offset: Int)
    case tilde(offset: Int)
    case assignment(name: String, offset: Int)
    case nul(offset: Int)
    case reference(ReferenceFault, offset: Int)

    /// Where in the text, in Unicode scalars from its start.
    package var offset: Int {
        switch self {
        case .empty, .noProgram, .tooLong: 0
        case .unterminatedQuote(_, let offset), .danglingBackslash(let offset), .shellOperator(_, let offset),
            .lineBreak(let offset), .backticks(let offset), .comment(let offset), .tilde(let offset),
            .assignment(_, let offset), .nul(let offset), .reference(_, let offset):
            offset
        }
    }

    package var message: String {
        switch self {
        case .empty: "the command is empty"
        case .noProgram: "the command names no program: its first word is empty"
        case .tooLong(let limit): "the command is longer than \(limit) characters"
        case .unterminatedQuote(let quote, _): "the quote that \(quote) opens is never closed"
        case .danglingBackslash: "a `\\` ends the command and quotes nothing"
        case .shellOperator(let text, _): "`\(text)` is for a shell, and the command runs without one"
        case .lineBreak: "a line break would begin a second command, and only one program is started"
        case .backticks: "backticks would run a command, and no shell is involved here"
        case .comment: "a `#` that begins a word would be a comment in a shell; there are none here"
        case .tilde: "`~` is not expanded, because no shell is involved"
        case .assignment(let name, _): "`\(name)=` sets a variable only in a shell, and the command runs without one"
        case .nul: "a NUL character cannot be passed to a program"
        case .reference(let fault, _): fault.message
        }
    }

    package var hint: String? {
        switch self {
        case .empty, .noProgram, .tooLong, .nul: nil
        case .unterminatedQuote(let quote, _): "write \\\(quote) outside quotes for a literal \(quote)"
        case .danglingBackslash: #"write \\ for a literal \"#
        case .shellOperator(let text, _):
            "put it in quotes if the program itself shall get `\(text)`; what needs a shell belongs in a script"
        case .lineBreak: "write a long command with `>-`, or end its lines with a `\\`"
        case .backticks: "put them in single quotes if the program itself shall get them"
        case .comment: "put the word in quotes, or move the comment out of the value"
        case .tilde: "write the path out, or put it in quotes"
        case .assignment(let name, _): "write it under `environment`: {\(name): …}"
        case .reference(.malformed(let body), _) where body.hasPrefix("env:") || body.hasPrefix("file:"):
            "write `environment: {NAME: \"${\(body)}\"}`, and ${NAME} here"
        case .reference(let fault, _): fault.hint
        }
    }
}
