import ArgumentParser
import ModelCore
import Reconciler
import StateStore

/// `--wait` after a change of what is desired.
struct RolloutOptions: ParsableArguments {
    @Flag(help: "Wait until every eager or changed running model of the directory is ready.")
    var wait = false
    @Option(help: "How many seconds to wait.")
    var timeout = WaitOptions.usualTimeout

    func validate() throws { try WaitOptions.check(timeout) }
}

/// What came of an `apply` or of a rollback: shown, and waited for.
struct Rollout {
    private let report: ApplyReport
    /// Whether a daemon acts on it.
    private let isRunning: Bool
    /// When it was asked for.
    private let begin: Timestamp
    private let state: StateOptions
    private let output: OutputOptions

    init(_ report: ApplyReport, isRunning: Bool, since begin: Timestamp, state: StateOptions, output: OutputOptions) {
        self.report = report
        self.isRunning = isRunning
        self.begin = begin
        self.state = state
        self.output = output
    }

    func show() {
        switch output.format {
        case .table:
            printDiagnostics(report.diagnostics)
            let text = PlanText(report: report, now: SystemTime().now())
            (text.lines(isColoured: Console.isColoured) + [result]).forEach(Console.print)
        case .json:
            Console.print(output.document(PlanDocument(report)))
        }
    }

    /// What has been done, on one line.
    private var result: String {
        guard report.isAccepted else {
            return report.restores == nil ? "nothing was applied" : "nothing was changed"
        }
        let isEmpty = report.changes.isEmpty
        var parts = [isEmpty ? "nothing changed" : "accepted as revision \(report.revision): \(summary)"]
        if let target = report.restores {
            parts.append("\(report.plan.root.printable) is pinned at revision \(target)")
        }
        if let pin = report.unpins { parts.append("no longer pinned at revision \(pin.revision)") }
        if !isRunning, !isEmpty { parts.append("the next `modelet serve` acts on it") }
        return parts.joined(separator: "; ")
    }

    private var summary: String {
        var plan = report.plan
        plan.heldRemovals = []
        return plan.summary ?? ""
    }

    /// Waits for the models that this is about: the eager ones, changed or not, since a running daemon may have seen the
    /// edit first; and what the change starts.
    func wait(_ options: RolloutOptions) async throws {
        guard options.wait else { return }
        guard isRunning else {
            throw CommandFailure("it is recorded, but there is nothing to wait for: no modelet is running")
        }
        let says: @Sendable (String) -> Void = output.format == .json ? Console.printError : Console.print
        let waiter = Waiter(state: state, timeout: .seconds(options.timeout), says: says)
        try await waiter.wait(for: .ready, of: try awaited) { [begin] in
            Self.whyHopeless($0.model, $0.instances, since: begin)
        }
    }

    /// Why a load is not waited for any longer although it is tried again: whoever applies a change wants to know that it
    /// does not work, and not when it does after all. That is so after the same number of failures in a row as lets the
    /// controller give up a generation, and after one load that took longer than its manifest allows. What has failed for
    /// good ends every wait.
    static func whyHopeless(_ model: ModelRecord, _ instances: [InstanceRecord], since begin: Timestamp) -> String? {
        guard let backoff = model.backoff, backoff.lastFailure.at >= begin,
            backoff.lastFailure.classification == .retryable,
            !instances.contains(where: { $0.isRouted && model.isFulfilled(by: $0) })
        else { return nil }
        let failure = backoff.lastFailure
        if failure.isTooSlow { return "was \(failure.message)" }
        guard backoff.isRejection else { return nil }
        return "has failed \(backoff.failures) times in a row: \(failure.message)"
    }

    private var awaited: [ModelKey] {
        get throws {
            let models = try readState(state.directory)?.models.map(\.model) ?? []
            let eager = models.filter { model in
                model.spec.effective.load == .eager && !model.spec.isRemote && !model.isRemoved && model.hold == nil
                    && model.root == report.plan.root
                    && ManifestApplier.isMeant(model.file, by: report.plan.scope)
            }
            let started = report.changes.filter { $0.effect?.kind.isLoad ?? false }
            return Set(eager.map(\.key)).union(started.map(\.key)).sorted()
        }
    }
}

extension PlannedEffect.Kind {
    /// Whether it means that an instance of the new spec is started.
    fileprivate var isLoad: Bool {
        switch self {
        case .starts, .replacedBeside, .replacedWithGap, .loadsAnew: true
        case .waitsForDemand, .appliedLive, .recorded, .stops, .forgotten, .forwarded, .delayed: false
        }
    }
}
