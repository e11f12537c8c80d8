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

    /// Whether the file as a whole is to be refused. What only the disk is at fault for does not count.
    var isBroken: Bool {
        diagnostics.contains { $0.severity == .error && !$0.isAboutDisk }
    }

    /// - Parameters:
    ///   - position: where the problem itself does not say; `nil`: the file as a whole is meant.
    ///   - secret: a node of which the excerpt shows nothing.
    func report(
        _ problem: Problem, _ severity: Diagnostic.Severity = .error, at position: Position? = nil,
        hiding secret: Node? = nil, isAboutDisk: Bool = false
    ) {
        let position = problem.position ?? position
        diagnostics.append(
            Diagnostic(
                severity, file: file, line: position?.line ?? 0, column: position?.column ?? 0,
                message: problem.message, hint: problem.hint,
                excerpt: position.flatMap { text?.excerpt(at: $0, hiding: secret) }, isAboutDisk: isAboutDisk))
    }

    func warn(_ message: String, hint: String? = nil, at position: Position) {
        report(Problem(message, hint: hint), .warning, at: position)
    }
}
