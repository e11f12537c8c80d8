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
            directory, or more than half of them, is held back until you say --prune (or --allow-empty). A directory that \
            `rollback` has pinned is unpinned. What may be launched is for the daemon to say: options about that count only \
            while none is running.

            --dry-run changes nothing, and shows and ends as `plan` does: with 0 where nothing would change, with 2 where \
            something would, with 65 on errors.

            --wait ends once every eager model of the directory, and every running model that was changed, is ready with \
            what was applied; or with 1 and the reason as soon as one of them cannot become so: its load has failed for good, \
            or three times in a row, or has taken longer than start_timeout, or it is unloaded or removed meanwhile; or where \
            no daemon runs, or none comes back; or with 3 after --timeout.
            """)

    @Argument(help: "The directory of manifests.")
    var directory = "manifests"
    @OptionGroup var guards: RemovalOptions
    @Flag(help: "Show what would change, and change nothing.")
    var dryRun = false
    @OptionGroup var waiting: RolloutOptions
    @OptionGroup(title: "As `serve` is told") var rules: LaunchRuleOptions
    @OptionGroup var state: StateOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if dryRun, waiting.wait {
            throw ValidationError("--dry-run changes nothing, so there is nothing to --wait for.")
        }
    }

    func run() async throws {
        let root = absolutePath(directory)
        if dryRun { return try await preview(root).show(output) }
        let begin = SystemTime().now()
        let (report, isRunning) = try await apply(root)
        let rollout = Rollout(report, isRunning: isRunning, since: begin, state: state, output: output)
        rollout.show()
        if report.plan.isInvalid { throw ExitStatus.invalidManifests }
        if !report.heldRemovals.isEmpty { throw ExitStatus.failed }
        try await rollout.wait(waiting)
    }

    private func apply(_ root: String) async throws -> (ApplyReport, Bool) {
        do throws(ClientError) {
            let report = try await state.client.apply(root: root, removalGuard: guards.removalGuard, by: operatorName)
            return (report, true)
        } catch .noDaemon {
            return (try await record(root), false)
        } catch {
            throw CommandFailure(error, directory: state.directory)
        }
    }

    /// Without a daemon: takes the lock, so that none can start meanwhile, and records.
    private func record(_ root: String) async throws -> ApplyReport {
        let manifests = try rules.rules().manifests
        let opened = try OpenedState(directory: state.directory)
        defer { opened.close() }
        do throws(ApplyError) {
            return try await ManifestApplier(store: opened.store, manifests: manifests).apply(
                directory: root, removalGuard: guards.removalGuard, cause: .applied(by: operatorName),
                at: SystemTime().now())
        } catch {
            throw CommandFailure(error)
        }
    }

    /// As the daemon sees it, where one runs: what may be launched, and what can be read, is for it to say.
    private func preview(_ root: String) async throws -> Outlook {
        let now = SystemTime().now()
        do throws(ClientError) {
            let report = try await state.client.apply(
                root: root, removalGuard: guards.removalGuard, by: operatorName, isDryRun: true)
            return Outlook(report, snapshot: try? readState(state.directory), now: now)
        } catch .noDaemon {
            return try await Outlook(
                of: root, snapshot: readState(state.directory), manifests: rules.rules().manifests,
                removalGuard: guards.removalGuard, now: now)
        } catch {
            throw CommandFailure(error, directory: state.directory)
        }
    }
}

/// How much of a removal may pass.
struct RemovalOptions: ParsableArguments {
    @Flag(help: "Let a removal of more than half of the models pass.")
    var prune = false
    @Flag(help: "Let the removal of all models pass.")
    var allowEmpty = false

    var removalGuard: RemovalGuard { RemovalGuard(prune: prune || allowEmpty, allowEmpty: allowEmpty) }
}

extension CommandFailure {
    init(_ error: ApplyError) {
        switch error {
        case .store(let error): self.init(error)
        case .refused(let reason): self.init(reason)
        }
    }
}
