/// Something wrong in a manifest: where, what, and what to do about it.
package struct Diagnostic: Codable, Hashable, Sendable {
    package enum Severity: String, Codable, Hashable, Sendable {
        case error
        case warning
    }

    package var severity: Severity
    /// Relative to the root, as people would type it.
    package var file: String
    /// From 1; 0 where the file as a whole is meant.
    package var line: Int
    /// From 1, in characters; 0 where the line or the file as a whole is meant.
    package var column: Int
    package var message: String
    package var hint: String?
    /// The line of the file that is meant, without its newline.
    package var excerpt: String?
    /// Whether only this host is at fault, its disk (a missing `path`, say) or the policy of its daemon: an error of
    /// `validate` and `plan`, but at run time a failure of that model alone.
    package var isAboutDisk: Bool

    package init(
        _ severity: Severity, file: String, line: Int = 0, column: Int = 0, message: String, hint: String? = nil,
        excerpt: String? = nil, isAboutDisk: Bool = false
    ) {
        self.severity = severity
        self.file = file
        self.line = line
        self.column = column
        self.message = message
        self.hint = hint
        self.excerpt = excerpt
        self.isAboutDisk = isAboutDisk
    }

    /// As compilers print it: `file:line:column: error: message`, then the excerpt with a caret, then the hint.
    package var rendered: String {
        let place = [line, column].prefix { $0 > 0 }.map { ":\($0)" }.joined()
        var text = "\(file)\(place): "
        text += "\(severity.rawValue): \(message)"
        if let excerpt {
            text += "\n  \(excerpt)"
            if column > 0 { text += "\n  \(String(repeating: " ", count: column - 1))^" }
        }
        if let hint { text += "\n  hint: \(hint)" }
        return text
    }
}
