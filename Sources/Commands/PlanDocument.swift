import ModelCore
import Reconciler

/// What `plan`, `apply` and `rollback` tell programs. The form is documented in docs/plan.md: fields are only added, and
/// ``version`` grows when one changes its meaning.
struct PlanDocument: Encodable {
    struct Pin: Encodable {
        var revision: Int
        var since: Timestamp
        var by: String
    }

    struct LastGood: Encodable {
        var file: String
        var models: Int
    }

    let version = 1
    var root: String
    var scope: String?
    var revision: Int
    var accepted: Bool
    var pinned: Pin?
    var unpins: Pin?
    var restores: Int?
    var changes: [PlannedChange]
    var heldRemovals: [ModelKey]
    var removalRemedy: String?
    var brokenFiles: [String]
    var lastGood: [LastGood]
    var blocked: [BlockedModel]
    var drifts: [DriftReport]
    var diagnostics: [Diagnostic]

    init(_ report: ApplyReport, drifts: [DriftReport] = []) {
        let plan = report.plan
        root = plan.root
        scope = plan.scope
        revision = report.revision
        accepted = report.isAccepted
        pinned = report.pin.map(Pin.init)
        unpins = report.unpins.map(Pin.init)
        restores = report.restores
        changes = plan.changes
        heldRemovals = plan.heldRemovals
        removalRemedy = plan.removalRemedy
        brokenFiles = plan.brokenFiles
        lastGood = plan.lastGood.sorted { $0.key < $1.key }.map { LastGood(file: $0.key, models: $0.value) }
        blocked = plan.blocked
        self.drifts = drifts
        diagnostics = plan.diagnostics
    }
}

extension PlanDocument.Pin {
    fileprivate init(_ pin: RootPin) {
        self.init(revision: pin.revision, since: pin.since, by: pin.by)
    }
}
