import ModelCore

/// Everything found wrong in one manifest so far.
final class Findings {
    /// Relative to the root.
    let file: String
    private(set) var diagnostics: [Diagnostic] = []
    /// Set once the file has been read as text.
    private(set) var text: SourceText?

    init(file: String) {
        self.file = file
    }

    func setText(_ text: String) {
        self.text = SourceText(text)
    }

    /// Begins with what was found wrong with the same text before.
    func recall(_ diagnostics: [Diagnostic], of bytes: [UInt8], secrets: Secrets?) {
        self.diagnostics = diagnostics
        text = SourceText(of: bytes, secrets: secrets)
    }

    /// Keeps `secrets` out of all excerpts, also of those of what was found before they were known.
    func hide(_ secrets: Secrets) {
        text?.secrets = secrets
        for (index, known) in diagnostics.enumerated() where known.line > 0 {
            diagnostics[index].excerpt = text?.excerpt(at: Position(line: known.line, column: known.column))
        }
    }

    /// Whether the file as a whole is to be refused. What only the disk is at fault for does not count.
    var isBroken: Bool {
        diagnostics.contains { $0.severity == .error && !$0.isAboutDisk }
    }

    /// - Parameter position: where the problem itself does not say; `nil`: the file as a whole is meant.
    func report(
        _ problem: Problem, _ severity: Diagnostic.Severity = .error, at position: Position? = nil,
        isAboutDisk: Bool = false
    ) {
        diagnostics.append(diagnostic(problem, severity, at: position, isAboutDisk: isAboutDisk))
    }

    /// What ``report(_:_:at:isAboutDisk:)`` would report.
    func diagnostic(
        _ problem: Problem, _ severity: Diagnostic.Severity = .error, at position: Position? = nil,
        isAboutDisk: Bool = false
    ) -> Diagnostic {
        let position = problem.position ?? position
        return Diagnostic(
            severity, file: file, line: position?.line ?? 0, column: position?.column ?? 0,
            message: problem.message, hint: problem.hint,
            excerpt: position.flatMap { text?.excerpt(at: $0) }, isAboutDisk: isAboutDisk)
    }

    func warn(_ message: String, hint: String? = nil, at position: Position) {
        report(Problem(message, hint: hint), .warning, at: position)
    }
}
