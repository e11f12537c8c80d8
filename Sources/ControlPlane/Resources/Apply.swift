import Hummingbird
package import ModelCore
package import Reconciler

/// The body of `apply`.
struct ApplyAsk: AdminBody {
    var root: String
    var prune: Bool
    var allowEmpty: Bool

    enum CodingKeys: String, CodingKey, CaseIterable {
        case root, prune
        case allowEmpty = "allow_empty"
    }

    init(root: String, removalGuard: RemovalGuard) {
        self.root = root
        prune = removalGuard.prune
        allowEmpty = removalGuard.allowEmpty
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        root = try container.decode(String.self, forKey: .root)
        prune = try container.decodeIfPresent(Bool.self, forKey: .prune) ?? false
        allowEmpty = try container.decodeIfPresent(Bool.self, forKey: .allowEmpty) ?? false
        guard root.hasPrefix("/"), !root.utf8.contains(0) else {
            throw RequestFault.badBody("field `root` must be an absolute path")
        }
    }
}

/// The answer to `apply`.
struct ApplyReply: Codable {
    struct Change: Codable {
        var model: ModelKey
        var action: PlannedChange.Action
        var cause: String
    }

    var revision: Int
    var changes: [Change]
    var heldRemovals: [ModelKey]
    var brokenFiles: [String]
    var diagnostics: [DiagnosticReply]

    enum CodingKeys: String, CodingKey {
        case revision, changes, diagnostics
        case heldRemovals = "held_removals"
        case brokenFiles = "broken_files"
    }

    init(_ report: ApplyReport) {
        revision = report.revision
        changes = report.changes.map { Change(model: $0.key, action: $0.action, cause: $0.cause) }
        heldRemovals = report.heldRemovals
        brokenFiles = report.brokenFiles
        diagnostics = report.diagnostics.map(DiagnosticReply.init)
    }

    var report: ApplyReport {
        ApplyReport(
            revision: revision,
            changes: changes.map { PlannedChange(key: $0.model, action: $0.action, cause: $0.cause) },
            heldRemovals: heldRemovals, brokenFiles: brokenFiles, diagnostics: diagnostics.map(\.diagnostic))
    }
}

/// A diagnostic in an answer.
struct DiagnosticReply: Codable {
    var severity: Diagnostic.Severity
    var file: String
    var line: Int
    var column: Int
    var message: String
    var hint: String?
    var excerpt: String?
    var isAboutDisk: Bool

    enum CodingKeys: String, CodingKey {
        case severity, file, line, column, message, hint, excerpt
        case isAboutDisk = "is_about_disk"
    }

    init(_ diagnostic: Diagnostic) {
        severity = diagnostic.severity
        file = diagnostic.file
        line = diagnostic.line
        column = diagnostic.column
        message = diagnostic.message
        hint = diagnostic.hint
        excerpt = diagnostic.excerpt
        isAboutDisk = diagnostic.isAboutDisk
    }

    var diagnostic: Diagnostic {
        Diagnostic(
            severity, file: file, line: line, column: column, message: message, hint: hint, excerpt: excerpt,
            isAboutDisk: isAboutDisk)
    }
}

/// `POST /v1/apply`
func addApply(to group: RouterGroup<AdminContext>, _ surface: any ControlSurface) {
    group.post("apply") { request, _ in
        let ask = try await request.body.decode(ApplyAsk.self)
        let removalGuard = RemovalGuard(prune: ask.prune, allowEmpty: ask.allowEmpty)
        return try json(ApplyReply(await surface.apply(root: ask.root, removalGuard: removalGuard)))
    }
}

extension AdminClient {
    /// Maps to `POST /v1/apply`.
    /// - Parameter root: an absolute path.
    package func apply(root: String, removalGuard: RemovalGuard) async throws(ClientError) -> ApplyReport {
        let ask = ApplyAsk(root: root, removalGuard: removalGuard)
        return try await post("/v1/apply", ask, ApplyReply.self, within: Self.longestApply).report
    }
}
