import ModelCore
import Reconciler

/// A plan as people read it: what changes, by what is done about it, then what stands in the way of something.
struct PlanText {
    let report: ApplyReport
    var drifts: [DriftReport] = []
    let now: Timestamp

    private var plan: ChangePlan { report.plan }

    func lines(isColoured: Bool) -> [String] {
        let paint = Paint(isOn: isColoured)
        var sections = PlannedChange.Action.allCases.compactMap { section(of: $0, paint) }
        if !notices(paint).isEmpty { sections.append(notices(paint)) }
        return sections.flatMap { $0 + [""] }
    }

    private func section(of action: PlannedChange.Action, _ paint: Paint) -> [String]? {
        let changes = plan.changes.filter { $0.action == action }
        guard !changes.isEmpty else { return nil }
        return [paint.bold(action.title)] + changes.flatMap { lines(of: $0, paint) }
    }

    private func lines(of change: PlannedChange, _ paint: Paint) -> [String] {
        let place = change.file.map { "  \($0.printable):\(change.line ?? 0)" } ?? ""
        let head = "  " + paint.colour(change.action.colour, "\(change.action.sign) \(change.key)") + paint.faint(place)
        let details = change.fields.isEmpty ? causes(of: change) : change.fields.map { FieldText($0).line }
        let effect = change.effect.map { paint.faint("» \($0.sentence.printable)") }
        return [head] + (details + [effect].compactMap(\.self)).map { "      " + $0 }
    }

    /// Where a new model is defined stands behind its key already.
    private func causes(of change: PlannedChange) -> [String] {
        change.action == .create ? [] : [change.cause.printable]
    }

    // MARK: - What stands in the way

    private func notices(_ paint: Paint) -> [String] {
        (held + broken + plan.blocked.flatMap(lines)).map { paint.notice($0) }
            + drifts.map { paint.colour(36, "≠ drift \($0.key)  \($0.sentence.printable)") }
    }

    private var held: [String] {
        guard !plan.heldRemovals.isEmpty else { return [] }
        let keys = plan.heldRemovals.map(\.description).joined(separator: ", ")
        let remedy = plan.removalRemedy.map { "; `\($0.printable)` removes them" } ?? ""
        return [
            "! removal of \(plan.heldRemovals.count) held (\(HeldRemoval.name)): \(keys)",
            "  they stay as they are\(remedy)",
        ]
    }

    private var broken: [String] {
        plan.brokenFiles.map { file in
            guard let count = plan.lastGood[file] else {
                return "! not accepted, and nothing of it is enforced: \(file.printable)"
            }
            let models = count == 1 ? "1 model" : "\(count) models"
            return "! not accepted, its last good content (\(models)) stays enforced: \(file.printable)"
        }
    }

    private func lines(of blocked: BlockedModel) -> [String] {
        let isEdited = plan.changes.contains { $0.key == blocked.key }
        let byItself = blocked.nextAttempt.map { ", and by itself in \(max(($0 - now).milliseconds / 1000, 0))s" } ?? ""
        let way =
            isEdited
            ? "the change above is tried at once"
            : "mend it and it is tried at once; so it is by `\(Transition.retry(blocked.key))`\(byItself)"
        return [
            "! blocked (\(Transition.State.blocked.rawValue)): \(blocked.key) cannot load generation \(blocked.wantedGeneration), "
                + "generation \(blocked.servingGeneration) serves on: \(blocked.reason.printable)"
        ] + blocked.fields.map { "    \(FieldText($0).line)" } + ["  \(way)"]
    }
}

/// Colours of a terminal, or none.
struct Paint {
    let isOn: Bool

    func colour(_ number: Int, _ text: String) -> String { isOn ? "\u{1B}[\(number)m\(text)\u{1B}[0m" : text }
    func bold(_ text: String) -> String { colour(1, text) }
    func faint(_ text: String) -> String { text.isEmpty ? text : colour(2, text) }
    func notice(_ text: String) -> String { colour(33, text) }
    func removed(_ text: String) -> String { colour(31, text) }
    func added(_ text: String) -> String { colour(32, text) }
}

extension PlannedChange.Action {
    fileprivate var title: String {
        switch self {
        case .create: "To create"
        case .replace: "To replace"
        case .update: "To update"
        case .remove: "To remove"
        }
    }

    fileprivate var sign: String {
        switch self {
        case .create: "+"
        case .replace, .update: "~"
        case .remove: "-"
        }
    }

    /// The colour's number in a terminal's escape sequence.
    fileprivate var colour: Int {
        switch self {
        case .create: 32
        case .replace, .update: 33
        case .remove: 31
        }
    }
}

/// That a root is pinned, and how that ends.
struct PinText {
    private let pin: RootPin
    private let root: String

    init(_ pin: RootPin, root: String) {
        self.pin = pin
        self.root = root
    }

    var sentence: String {
        let pending = pin.pending.map { "edits of its manifests are pending (\($0))" } ?? "edits of its manifests wait"
        let root = root.printable
        return "\(root) is pinned at revision \(pin.revision) by \(pin.by.printable): \(pending); "
            + "`modelet apply \(shellWord(root))` unpins"
    }
}
