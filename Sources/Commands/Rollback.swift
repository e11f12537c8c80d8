import ArgumentParser
import ControlPlane
import ModelCore
import Reconciler
import StateStore

struct Rollback: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Go back to what was accepted earlier.",
        discussion: """
            The models of the directory become what they were as of that revision, as a new revision, and the directory is \
            pinned: edits of its manifests are shown as pending (`status`, `plan`) and not acted on, until the next \
            `modelet apply`. Without a number, the revision before the one that is enforced; said again, the one before that.

            It is done as a whole or not at all: where it would remove more than half of the models, nothing is changed \
            until you say --prune (--allow-empty where nothing would be left). --dry-run ends with 0 where nothing would \
            change and with 2 where something would.
            """)

    @Argument(help: "The number of the revision; `--list` shows them.")
    var revision: Int?
    @Option(help: ArgumentHelp("The directory of manifests, where several are followed.", valueName: "dir"))
    var root: String?
    @Flag(help: "List the revisions that there are.")
    var list = false
    @OptionGroup var guards: RemovalOptions
    @Flag(help: "Show what would change, and change nothing.")
    var dryRun = false
    @OptionGroup var waiting: RolloutOptions
    @OptionGroup var state: StateOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if list, revision != nil || dryRun || waiting.wait || guards.prune || guards.allowEmpty {
            throw ValidationError("--list only lists: of what else there is to say, it goes with --root alone.")
        }
        if dryRun, waiting.wait {
            throw ValidationError("--dry-run changes nothing, so there is nothing to --wait for.")
        }
    }

    func run() async throws {
        guard let snapshot = try readState(state.directory) else {
            throw CommandFailure(StateReader(StateDirectory(state.directory)).nothingHere)
        }
        if list { return try showRevisions(snapshot) }
        let order = RollbackOrder(
            root: root.map { absolutePath($0) }, revision: revision, removalGuard: guards.removalGuard,
            by: operatorName, isDryRun: dryRun)
        if dryRun { return try await preview(order, snapshot).show(output) }
        let begin = SystemTime().now()
        let (report, isRunning) = try await perform(order)
        let rollout = Rollout(report, isRunning: isRunning, since: begin, state: state, output: output)
        rollout.show()
        guard report.isAccepted else { throw ExitStatus.failed }
        try await rollout.wait(waiting)
    }

    private func perform(_ order: RollbackOrder) async throws -> (ApplyReport, Bool) {
        do throws(ClientError) {
            return (try await state.client.rollback(order), true)
        } catch .noDaemon {
            return (try await record(order), false)
        } catch {
            throw CommandFailure(error, directory: state.directory)
        }
    }

    /// Without a daemon: takes the lock, so that none can start meanwhile, and records.
    private func record(_ order: RollbackOrder) async throws -> ApplyReport {
        let opened = try OpenedState(directory: state.directory)
        defer { opened.close() }
        do throws(ApplyError) {
            return try await ManifestApplier(store: opened.store, manifests: LaunchRules().manifests)
                .rollback(order, at: SystemTime().now())
        } catch {
            throw CommandFailure(error)
        }
    }

    /// As the daemon sees it, where one runs.
    private func preview(_ order: RollbackOrder, _ snapshot: StateSnapshot) async throws -> Outlook {
        let report: ApplyReport
        do throws(ClientError) {
            report = try await state.client.rollback(order)
        } catch .noDaemon {
            report = try self.report(order, snapshot)
        } catch {
            throw CommandFailure(error, directory: state.directory)
        }
        return Outlook(report, snapshot: nil, now: SystemTime().now())
    }

    /// As the state tells it.
    private func report(_ order: RollbackOrder, _ snapshot: StateSnapshot) throws -> ApplyReport {
        let recorded = try RecordedRevisions(state, snapshot)
        let target = try recorded.target(order)
        let models = try recorded.models(of: target)
        do throws(ApplyError) {
            return try ManifestApplier.past(
                target, models: models, history: recorded.history, accepted: snapshot.models.map(\.model),
                predecessors: snapshot.predecessors(of: target.root), instances: snapshot.models.flatMap(\.instances),
                removalGuard: order.removalGuard, now: SystemTime().now()
            ).report
        } catch {
            throw CommandFailure(error)
        }
    }

    private func showRevisions(_ snapshot: StateSnapshot) throws {
        let revisions = try RecordedRevisions(state, snapshot).history.revisions
        let wanted = root.map { absolutePath($0) }
        if let wanted, !snapshot.roots.contains(where: { $0.path == wanted }) {
            throw CommandFailure("\(wanted) is not followed")
        }
        let listing = RevisionListing(
            revisions.filter { wanted == nil || $0.root == wanted },
            roots: snapshot.roots.filter { wanted == nil || $0.path == wanted })
        switch output.format {
        case .table: listing.lines.forEach(Console.print)
        case .json: Console.print(output.document(listing.document))
        }
    }
}
