import ArgumentParser
import Manifests
import ModelCore
import Reconciler
import StateStore

struct Plan: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what `apply` would change, and why.",
        discussion: """
            Ends with 0 where nothing would change, with 2 where something would, with 65 on errors. An image whose name \
            has come to stand for another one is shown (≠ drift), and is no change: `apply` does nothing about it.
            """)

    @Argument(help: "The directory of manifests.")
    var directory = "manifests"
    @OptionGroup(title: "As `serve` is told") var rules: LaunchRuleOptions
    @OptionGroup var state: StateOptions
    @OptionGroup var output: OutputOptions

    private struct Report: Encodable {
        var changes: [PlannedChange]
        var heldRemovals: [ModelKey]
        var drifts: [DriftReport]
        var diagnostics: [Diagnostic]
    }

    func run() throws {
        let snapshot = try readState(state.directory)
        let accepted = snapshot?.models.map(\.model) ?? []
        let (root, scope) = ManifestApplier.split(absolutePath(directory), roots: snapshot?.roots.map(\.path) ?? [])
        let set = try rules.rules().manifests.load(root: root)
        let assessment = ManifestApplier.assess(
            set, root: root, scope: scope, accepted: accepted, guard: RemovalGuard())
        let report = Report(
            changes: plannedChanges(assessment.acceptance), heldRemovals: assessment.acceptance.heldRemovals,
            drifts: snapshot?.drifts(root: root, scope: scope) ?? [], diagnostics: assessment.diagnostics)
        switch output.format {
        case .table:
            printDiagnostics(report.diagnostics)
            PlanText(
                report.changes, held: report.heldRemovals, drifts: report.drifts,
                isBroken: !assessment.brokenFiles.isEmpty
            ).print()
        case .json:
            Console.print(json(report))
        }
        if report.diagnostics.contains(where: { $0.severity == .error }) { throw ExitStatus.invalidManifests }
        if !report.changes.isEmpty || !report.heldRemovals.isEmpty { throw ExitStatus.changes }
    }
}

/// A plan as people read it: a line a model, then the sum.
struct PlanText {
    private let changes: [PlannedChange]
    private let heldRemovals: [ModelKey]
    private let drifts: [DriftReport]
    private let isBroken: Bool

    /// - Parameter isBroken: whether files could not be read, so that nothing can be said of what they define.
    init(
        _ changes: [PlannedChange], held heldRemovals: [ModelKey], drifts: [DriftReport] = [], isBroken: Bool
    ) {
        self.changes = changes
        self.heldRemovals = heldRemovals
        self.drifts = drifts
        self.isBroken = isBroken
    }

    func print() {
        lines(isColoured: Console.isTerminal).forEach(Console.print)
    }

    func lines(isColoured: Bool) -> [String] {
        let keys = changes.map(\.key) + drifts.map(\.key)
        let width = keys.map(\.description.count).max() ?? 0
        func line(_ sign: String, _ key: ModelKey, _ cause: String, colour: Int) -> String {
            let padding = String(repeating: " ", count: width - key.description.count)
            let text = "\(sign) \(key)\(padding)  \(cause)"
            return isColoured ? "\u{1B}[\(colour)m\(text)\u{1B}[0m" : text
        }
        var lines = changes.map { change in
            line("\(change.action.sign) \(change.action.word)", change.key, change.cause, colour: change.action.colour)
        }
        lines += drifts.map { line("≠ drift  ", $0.key, $0.sentence, colour: 36) }
        if changes.isEmpty, heldRemovals.isEmpty {
            return isBroken ? lines : lines + ["No changes: the manifests are what is accepted."]
        }
        if !heldRemovals.isEmpty {
            let keys = heldRemovals.map(\.description).joined(separator: ", ")
            lines.append("! removal of \(heldRemovals.count) held (RemovalHeld): \(keys)")
            lines.append("  `modelet apply --prune` removes them; --allow-empty where nothing would be left")
        }
        lines.append(sum)
        return lines
    }

    private var sum: String {
        let counts = PlannedChange.Action.inOrder.map { action in
            "\(changes.count { $0.action == action }) to \(action.rawValue)"
        }
        return "Plan: " + counts.joined(separator: ", ")
    }
}

extension PlannedChange.Action {
    fileprivate static let inOrder: [Self] = [.create, .replace, .update, .remove]

    fileprivate var sign: String {
        switch self {
        case .create: "+"
        case .replace, .update: "~"
        case .remove: "-"
        }
    }

    /// The action in a column of its own.
    fileprivate var word: String { rawValue + String(repeating: " ", count: 7 - rawValue.count) }

    /// The colour's number in a terminal's escape sequence.
    fileprivate var colour: Int {
        switch self {
        case .create: 32
        case .replace, .update: 33
        case .remove: 31
        }
    }
}
