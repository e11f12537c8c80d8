import ArgumentParser
import ControlPlane
import Manifests
import ModelCore
import Reconciler
import StateStore

struct Apply: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Accept the manifests of a directory.",
        discussion: """
            A running daemon acts on them at once; without one they are recorded for the next. Removing all models of a \
            directory, or more than half of them, is held back until you say --prune (or --allow-empty). What may be \
            launched is for the daemon to say: options about that count only while none is running.
            """)

    @Argument(help: "The directory of manifests.")
    var directory = "manifests"
    @Flag(help: "Let a removal of more than half of the models pass.")
    var prune = false
    @Flag(help: "Let the removal of all models pass.")
    var allowEmpty = false
    @Flag(help: "Wait until every eager model of the directory is ready.")
    var wait = false
    @Option(help: "How many seconds to wait.")
    var timeout = 600
    @OptionGroup(title: "As `serve` is told") var rules: LaunchRuleOptions
    @OptionGroup var state: StateOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let root = absolutePath(directory)
        let removalGuard = RemovalGuard(prune: prune || allowEmpty, allowEmpty: allowEmpty)
        let (report, isRunning) = try await apply(root, removalGuard)
        switch output.format {
        case .table: show(report, isRunning: isRunning)
        case .json: Console.print(json(report))
        }
        if report.diagnostics.contains(where: { $0.severity == .error && !$0.isAboutDisk }) {
            throw ExitStatus.invalidManifests
        }
        if !report.heldRemovals.isEmpty { throw ExitStatus.failed }
        if wait, isRunning { try await waitForEagerModels() }
    }

    private func apply(_ root: String, _ removalGuard: RemovalGuard) async throws -> (ApplyReport, Bool) {
        do throws(ClientError) {
            return (try await state.client.apply(root: root, removalGuard: removalGuard), true)
        } catch .noDaemon {
            return (try await record(root, removalGuard), false)
        } catch {
            throw CommandFailure(error, directory: state.directory)
        }
    }

    /// Without a daemon: takes the lock, so that none can start meanwhile, and records.
    private func record(_ root: String, _ removalGuard: RemovalGuard) async throws -> ApplyReport {
        let manifests = try rules.rules().manifests
        let opened = try OpenedState(directory: state.directory)
        defer { opened.close() }
        let applier = ManifestApplier(store: opened.store, manifests: manifests)
        do throws(StoreError) {
            return try await applier.apply(directory: root, removalGuard: removalGuard, at: SystemTime().now())
        } catch {
            throw CommandFailure(error)
        }
    }

    private func show(_ report: ApplyReport, isRunning: Bool) {
        printDiagnostics(report.diagnostics)
        PlanText(report.changes, held: report.heldRemovals, isBroken: !report.brokenFiles.isEmpty).print()
        if !report.brokenFiles.isEmpty {
            Console.printError(
                "not accepted, their last good content stays: " + report.brokenFiles.joined(separator: ", "))
        }
        let what = report.changes.isEmpty ? "nothing changed" : "accepted as revision \(report.revision)"
        Console.print(isRunning || report.changes.isEmpty ? what : what + "; the next `modelet serve` acts on it")
    }

    /// All of the directory, changed or not: a running daemon may have seen the edit first.
    private func waitForEagerModels() async throws {
        let snapshot = try readState(state.directory)
        let (root, scope) = ManifestApplier.split(absolutePath(directory), roots: snapshot?.roots.map(\.path) ?? [])
        let eager = (snapshot?.models ?? []).filter { entry in
            let model = entry.model
            return model.spec.effective.load == .eager && !model.spec.isRemote && !model.isRemoved && model.hold == nil
                && model.root == root && (scope.map { model.file.hasPrefix($0 + "/") } ?? true)
        }
        let says: @Sendable (String) -> Void = output.format == .json ? Console.printError : Console.print
        let waiter = Waiter(state: state, timeout: .seconds(timeout), says: says)
        try await waiter.wait(for: .ready, of: eager.map(\.model.key))
    }
}
