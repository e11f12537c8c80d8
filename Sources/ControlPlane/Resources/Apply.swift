import Hummingbird
package import ModelCore
package import Reconciler

/// The body of `apply`.
struct ApplyAsk: AdminBody {
    var root: String
    var prune: Bool
    var allowEmpty: Bool
    /// Tell only what it would do.
    var isDryRun: Bool
    var by: String

    enum CodingKeys: String, CodingKey, CaseIterable {
        case root, prune
        case allowEmpty = "allow_empty"
        case isDryRun = "dry_run"
        case by
    }

    init(root: String, removalGuard: RemovalGuard, by: String, isDryRun: Bool) {
        self.root = root
        prune = removalGuard.prune
        allowEmpty = removalGuard.allowEmpty
        self.isDryRun = isDryRun
        self.by = by
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        root = try container.decode(String.self, forKey: .root)
        prune = try container.decodeIfPresent(Bool.self, forKey: .prune) ?? false
        allowEmpty = try container.decodeIfPresent(Bool.self, forKey: .allowEmpty) ?? false
        isDryRun = try container.decodeIfPresent(Bool.self, forKey: .isDryRun) ?? false
        by = try Requester(container, .by).name
        try checkRoot(root)
    }
}

func checkRoot(_ root: String) throws {
    guard root.hasPrefix("/"), !root.utf8.contains(0) else {
        throw RequestFault.badBody("field `root` must be an absolute path")
    }
}

/// The answer to `apply`, and to `rollback`.
struct ApplyReply: Codable {
    struct Change: Codable {
        var model: ModelKey
        var action: PlannedChange.Action
        var cause: String
        var fields: [FieldChange]
        var file: String?
        var line: Int?
        var effect: PlannedEffect?
    }

    struct Pin: Codable {
        var revision: Int
        /// Milliseconds since 1970.
        var since: Timestamp
        var by: String
        var pending: String?
    }

    struct Blocked: Codable {
        var model: ModelKey
        var servingGeneration: Int
        var wantedGeneration: Int
        var reason: String
        var fields: [FieldChange]
        /// Milliseconds since 1970.
        var nextAttempt: Timestamp?

        enum CodingKeys: String, CodingKey {
            case model, reason, fields
            case servingGeneration = "serving_generation"
            case wantedGeneration = "wanted_generation"
            case nextAttempt = "next_attempt"
        }
    }

    var revision: Int
    var isAccepted: Bool
    var pin: Pin?
    var unpins: Pin?
    var restores: Int?
    var root: String
    var scope: String?
    var changes: [Change]
    var heldRemovals: [ModelKey]
    var removalRemedy: String?
    var brokenFiles: [String]
    var lastGood: [String: Int]
    var blocked: [Blocked]
    var diagnostics: [DiagnosticReply]

    enum CodingKeys: String, CodingKey {
        case revision, pin, unpins, restores, root, scope, changes, blocked, diagnostics
        case isAccepted = "accepted"
        case heldRemovals = "held_removals"
        case removalRemedy = "removal_remedy"
        case brokenFiles = "broken_files"
        case lastGood = "last_good"
    }

    init(_ report: ApplyReport) {
        revision = report.revision
        isAccepted = report.isAccepted
        pin = report.pin.map(Pin.init)
        unpins = report.unpins.map(Pin.init)
        restores = report.restores
        root = report.plan.root
        scope = report.plan.scope
        changes = report.changes.map(Change.init)
        heldRemovals = report.heldRemovals
        removalRemedy = report.plan.removalRemedy
        brokenFiles = report.brokenFiles
        lastGood = report.plan.lastGood
        blocked = report.plan.blocked.map(Blocked.init)
        diagnostics = report.diagnostics.map(DiagnosticReply.init)
    }

    var report: ApplyReport {
        ApplyReport(
            revision: revision, isAccepted: isAccepted, pin: pin?.value, unpins: unpins?.value, restores: restores,
            plan: ChangePlan(
                root: root, scope: scope, changes: changes.map(\.value), heldRemovals: heldRemovals,
                removalRemedy: removalRemedy, brokenFiles: brokenFiles, lastGood: lastGood,
                blocked: blocked.map(\.value), diagnostics: diagnostics.map(\.diagnostic)))
    }
}

extension ApplyReply.Change {
    fileprivate init(_ change: PlannedChange) {
        self.init(
            model: change.key, action: change.action, cause: change.cause, fields: change.fields, file: change.file,
            line: change.line, effect: change.effect)
    }

    fileprivate var value: PlannedChange {
        PlannedChange(
            key: model, action: action, cause: cause, fields: fields, file: file, line: line, effect: effect)
    }
}

extension ApplyReply.Pin {
    fileprivate init(_ pin: RootPin) {
        self.init(revision: pin.revision, since: pin.since, by: pin.by, pending: pin.pending)
    }

    fileprivate var value: RootPin { RootPin(revision: revision, since: since, by: by, pending: pending) }
}

extension ApplyReply.Blocked {
    fileprivate init(_ blocked: BlockedModel) {
        self.init(
            model: blocked.key, servingGeneration: blocked.servingGeneration,
            wantedGeneration: blocked.wantedGeneration, reason: blocked.reason, fields: blocked.fields,
            nextAttempt: blocked.nextAttempt)
    }

    fileprivate var value: BlockedModel {
        BlockedModel(
            key: model, servingGeneration: servingGeneration, wantedGeneration: wantedGeneration, reason: reason,
            fields: fields, nextAttempt: nextAttempt)
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
        return try json(
            ApplyReply(
                await surface.apply(
                    root: ask.root, removalGuard: removalGuard, by: ask.by, isDryRun: ask.isDryRun)))
    }
}

extension AdminClient {
    /// Maps to `POST /v1/apply`.
    /// - Parameters:
    ///   - root: an absolute path.
    ///   - isDryRun: tell only what it would do.
    package func apply(
        root: String, removalGuard: RemovalGuard, by: String, isDryRun: Bool = false
    ) async throws(ClientError) -> ApplyReport {
        let ask = ApplyAsk(root: root, removalGuard: removalGuard, by: by, isDryRun: isDryRun)
        return try await post("/v1/apply", ask, ApplyReply.self, within: Self.longestApply).report
    }
}
