import ArgumentParser
import Manifests
import ModelCore
import Reconciler
import StateStore

struct Plan: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what `apply` would change, and why.",
        discussion: """
            Ends with 0 where nothing would change, with 2 where something would, with 65 on errors. An image whose name \
            has come to stand for another one is shown (≠ drift), and is no change: `apply` does nothing about it. Nor is a \
            model that only another file defines now.
            """)

    @Argument(help: "The directory of manifests.")
    var directory = "manifests"
    @OptionGroup(title: "As `serve` is told") var rules: LaunchRuleOptions
    @OptionGroup var state: StateOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let outlook = try await Outlook(
            of: absolutePath(directory), snapshot: readState(state.directory), manifests: rules.rules().manifests,
            removalGuard: RemovalGuard(), now: SystemTime().now())
        try outlook.show(output)
    }
}

/// What `apply` would do, as it is told by who changes nothing.
struct Outlook {
    var report: ApplyReport
    var drifts: [DriftReport]
    let now: Timestamp

    /// As a running daemon has told it.
    init(_ report: ApplyReport, snapshot: StateSnapshot?, now: Timestamp) {
        self.report = report
        drifts = snapshot?.drifts(root: report.plan.root, scope: report.plan.scope) ?? []
        self.now = now
    }

    /// As the state and the disk tell it. Reads the manifests.
    init(
        of directory: String, snapshot: StateSnapshot?, manifests: any ManifestSource, removalGuard: RemovalGuard,
        now: Timestamp
    ) async throws {
        let models = snapshot?.models ?? []
        let roots = snapshot?.roots ?? []
        let (root, scope) = ManifestApplier.split(directory, roots: roots.map(\.path))
        let set = await manifests.load(root: root)
        let known = roots.first { $0.path == root }
        do throws(ApplyError) {
            let report = try ManifestApplier.preview(
                set, root: root, scope: scope, accepted: models.map(\.model),
                predecessors: snapshot?.predecessors(of: root) ?? [], instances: models.flatMap(\.instances),
                pin: known?.pin, revision: known?.revision ?? 0, guard: removalGuard, now: now)
            self.init(report, snapshot: snapshot, now: now)
        } catch {
            throw CommandFailure(error)
        }
    }

    /// Prints it, and ends as `plan` does: see ``Plan``.
    func show(_ output: OutputOptions) throws {
        switch output.format {
        case .table:
            printDiagnostics(report.diagnostics)
            lines(isColoured: Console.isColoured).forEach(Console.print)
        case .json:
            Console.print(output.document(PlanDocument(report, drifts: drifts)))
        }
        if report.diagnostics.contains(where: { $0.severity == .error }) { throw ExitStatus.invalidManifests }
        if !report.plan.isEmpty { throw ExitStatus.changes }
    }

    func lines(isColoured: Bool) -> [String] {
        let text = PlanText(report: report, drifts: drifts, now: now)
        var lines = text.lines(isColoured: isColoured)
        if let pin = report.pin, report.restores == nil {
            lines.append(PinText(pin, root: report.plan.root).sentence)
        }
        return lines + [sum]
    }

    private var sum: String {
        if let summary = report.plan.summary { return "Plan: \(summary)" }
        guard report.plan.brokenFiles.isEmpty else { return "Nothing else changes." }
        return report.restores.map { "No changes: revision \($0) is what is accepted." }
            ?? "No changes: the manifests are what is accepted."
    }
}
