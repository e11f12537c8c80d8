/// Reads a command from left to right, once.
struct CommandScanner {
    private let scalars: [Unicode.Scalar]
    private var offset = 0
    private var finished: [StartupCommand.Word] = []
    /// The word being read; `nil` between words.
    private var word: StartupCommand.Word?
    /// The end of that word that is not yet one of its segments.
    private var literal = String.UnicodeScalarView()

    init(_ scalars: [Unicode.Scalar]) {
        self.scalars = scalars
    }

    mutating func words() throws(StartupCommandError) -> [StartupCommand.Word] {
        while offset < scalars.count {
            if word == nil { try checkWordStart() }
            try step()
        }
        endWord()
        return finished
    }

    private mutating func step() throws(StartupCommandError) {
        let scalar = scalars[offset]
        switch scalar {
        case " ", "\t":
            endWord()
            offset += 1
        case "\n", "\r":
            try lineBreak()
        case "'":
            try singleQuoted()
        case "\"":
            try doubleQuoted()
        case "\\":
            try backslash()
        case "$":
            try dollar()
        case "`":
            throw .backticks(offset: offset)
        case ";", "|", "&", "<", ">", "(", ")":
            throw .shellOperator(operatorText(), offset: offset)
        default:
            try append(scalar)
            offset += 1
        }
    }

    private mutating func endWord() {
        endLiteral()
        if let word { finished.append(word) }
        word = nil
    }

    private mutating func endLiteral() {
        if !literal.isEmpty { word?.append(.literal(String(literal))) }
        literal = String.UnicodeScalarView()
    }

    private mutating func append(_ scalar: Unicode.Scalar) throws(StartupCommandError) {
        guard scalar != "\0" else { throw .nul(offset: offset) }
        openWord()
        literal.append(scalar)
    }

    /// Quotes make a word even where nothing stands between them.
    private mutating func openWord() {
        if word == nil { word = [] }
    }

    private func checkWordStart() throws(StartupCommandError) {
        switch scalars[offset] {
        case "#": throw .comment(offset: offset)
        case "~": throw .tilde(offset: offset)
        case let scalar where finished.isEmpty && EnvironmentName.isStart(scalar):
            let name = scalars[offset...].prefix(while: EnvironmentName.isPart)
            guard name.endIndex < scalars.count, scalars[name.endIndex] == "=" else { return }
            throw .assignment(name: name.reduce(into: "") { $0.unicodeScalars.append($1) }, offset: offset)
        default: return
        }
    }

    /// Block scalars end in a line break; only one that is followed by something would begin a second command.
    private mutating func lineBreak() throws(StartupCommandError) {
        endWord()
        let isBlank = { (scalar: Unicode.Scalar) in [" ", "\t", "\n", "\r"].contains(scalar) }
        guard finished.isEmpty || scalars[offset...].allSatisfy(isBlank) else { throw .lineBreak(offset: offset) }
        offset += 1
    }

    private mutating func singleQuoted() throws(StartupCommandError) {
        let start = offset
        openWord()
        offset += 1
        while offset < scalars.count {
            if scalars[offset] == "'" {
                offset += 1
                return
            }
            try append(scalars[offset])
            offset += 1
        }
        throw .unterminatedQuote("'", offset: start)
    }

    private mutating func doubleQuoted() throws(StartupCommandError) {
        let start = offset
        openWord()
        offset += 1
        while offset < scalars.count {
            switch scalars[offset] {
            case "\"":
                offset += 1
                return
            case "\\":
                try backslashInQuotes()
            case "$":
                try dollar()
            case "`":
                throw .backticks(offset: offset)
            case let scalar:
                try append(scalar)
                offset += 1
            }
        }
        throw .unterminatedQuote("\"", offset: start)
    }

    private mutating func backslash() throws(StartupCommandError) {
        guard offset + 1 < scalars.count else { throw .danglingBackslash(offset: offset) }
        // Before a line break it joins the lines.
        if scalars[offset + 1] != "\n" { try append(scalars[offset + 1]) }
        offset += 2
    }

    private mutating func backslashInQuotes() throws(StartupCommandError) {
        guard offset + 1 < scalars.count else { throw .danglingBackslash(offset: offset) }
        switch scalars[offset + 1] {
        case "\n":
            break
        case "$", "`", "\"", "\\":
            try append(scalars[offset + 1])
        case let other:
            try append("\\")
            try append(other)
        }
        offset += 2
    }

    private mutating func dollar() throws(StartupCommandError) {
        let scan: DollarScan
        do {
            scan = try DollarScan(scalars, at: offset)
        } catch {
            throw .reference(error, offset: offset)
        }
        switch scan.meaning {
        case .dollar:
            try append("$")
        case .reference(let name):
            guard EnvironmentName.isValid(name) else { throw .reference(.malformed(name), offset: offset) }
            openWord()
            endLiteral()
            word?.append(.reference(StartupCommand.Reference(name: name, offset: offset)))
        }
        offset = scan.end
    }

    /// The operator as it is written: `&&` rather than its first half.
    private func operatorText() -> String {
        let first = scalars[offset]
        let isDoubled = offset + 1 < scalars.count && scalars[offset + 1] == first && !["(", ")"].contains(first)
        return isDoubled ? "\(first)\(first)" : "\(first)"
    }
}
