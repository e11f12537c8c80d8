import ArgumentParser
import Manifests
import ModelCore
import Reconciler
import StateStore

struct Plan: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what `apply` would change, and why.",
        discussion: "Ends with 0 where nothing would change, with 2 where something would, with 65 on errors.")

    @Argument(help: "The directory of manifests.")
    var directory = "manifests"
    @OptionGroup var state: StateOptions
    @OptionGroup var output: OutputOptions

    private struct Report: Encodable {
        var changes: [PlannedChange]
        var heldRemovals: [ModelKey]
        var diagnostics: [Diagnostic]
    }

    func run() throws {
        let snapshot = try readState(state.directory)
        let accepted = snapshot?.models.map(\.model) ?? []
        let (root, scope) = ManifestApplier.split(absolutePath(directory), roots: snapshot?.roots.map(\.path) ?? [])
        let set = DirectoryManifests().load(root: root)
        let assessment = ManifestApplier.assess(
            set, root: root, scope: scope, accepted: accepted, guard: RemovalGuard())
        let report = Report(
            changes: plannedChanges(assessment.acceptance), heldRemovals: assessment.acceptance.heldRemovals,
            diagnostics: assessment.diagnostics)
        switch output.format {
        case .table:
            printDiagnostics(report.diagnostics)
            PlanText(report.changes, held: report.heldRemovals, isBroken: !assessment.brokenFiles.isEmpty).print()
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
    private let isBroken: Bool

    /// - Parameter isBroken: whether files could not be read, so that nothing can be said of what they define.
    init(_ changes: [PlannedChange], held heldRemovals: [ModelKey], isBroken: Bool) {
        self.changes = changes
        self.heldRemovals = heldRemovals
        self.isBroken = isBroken
    }

    func print() {
        lines(isColoured: Console.isTerminal).forEach(Console.print)
    }

    func lines(isColoured: Bool) -> [String] {
        if changes.isEmpty, heldRemovals.isEmpty, isBroken { return [] }
        if changes.isEmpty, heldRemovals.isEmpty { return ["No changes: the manifests are what is accepted."] }
        let width = changes.map(\.key.description.count).max() ?? 0
        var lines = changes.map { change in
            let key = change.key.description
            let padding = String(repeating: " ", count: width - key.count)
            let text = "\(change.action.sign) \(change.action.word) \(key)\(padding)  \(change.cause)"
            return isColoured ? "\u{1B}[\(change.action.colour)m\(text)\u{1B}[0m" : text
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
