import ModelCore
import Reconciler
import StateStore

/// An explanation as people read it: one screen, with a heading before each paragraph.
struct ExplainText {
    private let explanation: Explanation
    private let time: SpokenTime
    private var model: ModelRecord { explanation.model }

    /// Characters of the headings' column.
    private static let indent = 13
    /// Lines of a server's log that are shown; all that are kept are in the JSON.
    private static let shownLogLines = 5

    init(_ explanation: Explanation) {
        self.explanation = explanation
        time = SpokenTime(now: explanation.now)
    }

    var lines: [String] {
        let condition = explanation.condition
        let reason = condition.reason.map { ": \($0)" } ?? ""
        let paragraphs: [(heading: String, lines: [String])] = [
            ("desired", desired), ("observed", observed), ("decision", decision), ("inputs", [inputs]),
            ("waits for", waits), ("operations", operations), ("loads", [loads]), ("last failure", failure),
            ("next", [explanation.advice]),
        ]
        return ["\(model.key) is \(condition.state.rawValue)\(reason)".printableLine, ""]
            + paragraphs.flatMap { paragraph($0.heading, $0.lines) }
    }

    private func paragraph(_ heading: String, _ lines: [String]) -> [String] {
        lines.enumerated().map { index, line in
            let first = index == 0 ? heading : ""
            return first + String(repeating: " ", count: Self.indent - first.count) + line.printableLine
        }
    }

    // MARK: - Desired

    private var desired: [String] {
        let spec = model.spec.effective
        let number = "generation \(model.generation) of revision \(explanation.entry.revision)"
        var lines = [
            model.isRemoved ? "removed from \(model.root)/\(model.file); \(number)" : "\(number): \(explanation.place)"
        ]
        if let held = model.heldRemoval { lines.append("\(held.message); since \(time.both(held.since))") }
        if let fault = explanation.fault {
            lines.append("\(fault.place) is not accepted, and what it last defined stays enforced: \(fault.message)")
        }
        lines.append(source)
        guard !model.spec.isRemote else { return lines }
        lines.append("load: \(spec.load.rawValue)" + demand)
        let idle: String = if case .after(let limit) = spec.idleTimeout { "\(limit)" } else { "never" }
        lines.append(
            "update: \(spec.update.rawValue), start_timeout: \(spec.startTimeout), idle_timeout: \(idle), "
                + "drain_timeout: \(spec.drainTimeout)" + (spec.pinned ? ", pinned" : ""))
        if let hold = model.hold { lines.append("held: unloaded by \(hold.by) \(time.both(hold.since))") }
        return lines
    }

    private var demand: String {
        guard case .loaded(let since, let by) = model.demand, model.isDemanded else { return "" }
        return "; demanded by \(by) \(time.both(since))"
    }

    private var source: String {
        guard let source = model.spec.source else { return "http: \(model.spec.whatRuns)" }
        let fallback = model.spec.baseURL.map { "; fallback \($0)" } ?? ""
        let runs =
            if case .localArtifact(let spec) = source { "`\(spec.startupCommand)` in \(spec.path)" } else {
                model.spec.whatRuns
            }
        return "\(source.type): \(runs)\(fallback)"
    }

    // MARK: - Observed

    private var observed: [String] {
        [witness] + explanation.entry.instances.map(line) + transition + drift
    }

    private var witness: String {
        switch explanation.daemon {
        case .answered(let pid, _): "by modelet\(named(pid)), just now"
        case .silent(let pid, let why): "recorded; modelet\(named(pid)) could not be asked: \(why)"
        case .absent: "recorded by a modelet that runs no more: nothing is decided or served until the next one"
        }
    }

    private func named(_ pid: Int32?) -> String { pid.map { " (pid \($0))" } ?? "" }

    private func line(_ instance: InstanceRecord) -> String {
        var parts = ["\(instance.phase.rawValue) since \(time.both(instance.phaseSince))"]
        if instance.generation != model.generation { parts.append("of generation \(instance.generation)") }
        if instance.isRouted { parts.append("predictions go to it") }
        parts += process(instance)
        parts.append("\(instance.address ?? instance.host) port \(instance.port)")
        if let memory = model.memory, instance.phase.isCurrent { parts.append(ByteCount(memory).description) }
        if let view = explanation.view?.instances.first(where: { $0.id == instance.id }) {
            parts.append("\(view.inFlight) in flight")
            if let probe = view.lastProbe { parts.append("last probe: \(probe)") }
        }
        if instance.adopted { parts.append("adopted") }
        if let reason = instance.unknownReason { parts.append("cannot be looked at: \(reason)") }
        return "\(instance.id): \(parts.joined(separator: ", "))"
    }

    private func process(_ instance: InstanceRecord) -> [String] {
        var parts: [String] = []
        if let pid = instance.server?.pid { parts.append("pid \(pid)") }
        if let id = instance.shortContainerID { parts.append("container \(id)") }
        if let image = instance.image { parts.append("image \(image)") }
        if let isRunning = explanation.isRunning[instance.id] {
            parts.append(isRunning ? "its process is still there" : "its process is gone")
        }
        return parts
    }

    private var drift: [String] { explanation.entry.drift.map { [$0.sentence] } ?? [] }

    /// What is between what serves and what is wanted.
    private var transition: [String] {
        guard let transition = explanation.transition else { return [] }
        let next = transition.nextAttempt.map { "; tried again \(time.both($0))" } ?? ""
        return ["transition: \(transition.sentence)\(next)"]
    }

    // MARK: - Decision

    private var decision: [String] {
        let decision = explanation.decision
        var lines: [String]
        switch decision.kind {
        case .settled: lines = ["nothing to do: desired and observed agree"]
        case .operate: lines = ["\(decision.deed(for: model)): \(decision.reason ?? "")"]
        case .wait:
            lines = ["wait: \(decision.reason ?? "")" + (decision.until.map { ", until \(time.both($0))" } ?? "")]
        case .underway:
            let operation = explanation.openOperation.map { "\($0.kind.rawValue): \($0.cause)" }
            lines = ["being carried out: \(operation ?? "a step is not recorded yet")"]
        }
        if case .absent = explanation.daemon { lines.append("(by the next `modelet serve`, where all is as recorded)") }
        return lines
    }

    private var inputs: String {
        guard !model.spec.isRemote else { return "nothing of it runs on this host" }
        var parts = [model.isDemanded ? "demanded" : "not demanded"]
        if model.isRemoved { parts.append("removed") }
        if model.hold != nil { parts.append("held") }
        if let backoff = model.backoff {
            let kind = backoff.lastFailure.classification == .terminal ? " for good" : ""
            parts.append(
                "\(backoff.failures) failed in a row\(kind), no start before \(time.both(backoff.nextAttempt))")
        } else {
            parts.append("no failures")
        }
        if case .silent = explanation.daemon { parts.append("whether it is in use is not known") }
        guard let view = explanation.view else { return parts.joined(separator: "; ") }
        if view.isShuttingDown { parts.append("modelet is shutting down") }
        if let idle = view.idleSince { parts.append("idle since \(time.both(idle))") }
        if let eviction = view.eviction { parts.append(eviction) }
        if !view.isSupplied { parts.append("what a new instance needs is not here") }
        if let since = view.inLineSince { parts.append("in line since \(time.both(since))") }
        if let look = view.nextLook { parts.append("looked at again \(time.both(look))") }
        return parts.joined(separator: "; ")
    }

    private var waits: [String] {
        let waits = explanation.waits.map { wait in
            var line = wait.reason
            if let since = wait.since { line += "; since \(time.both(since))" }
            if let until = wait.until { line += "; until \(time.both(until))" }
            return line
        }
        return waits.isEmpty ? ["nothing"] : waits
    }

    // MARK: - The past

    private var operations: [String] {
        guard !explanation.operations.isEmpty else { return ["none are recorded"] }
        let rows = explanation.operations.map { operation in
            let took = operation.closedAt.map { "\($0 - operation.openedAt)" } ?? "-"
            let message = operation.message.map { " (\($0))" } ?? ""
            return [
                "\(time.age(since: operation.openedAt)) ago", operation.kind.rawValue, operation.outcome.rawValue, took,
                (operation.cause + message).printableLine,
            ]
        }
        return Table(rows: rows).lines
    }

    private var loads: String {
        guard let loads = model.loads else { return "none has come to something yet" }
        return "\(loads.count); the last took \(loads.last), usually \(loads.usual)"
    }

    private var failure: [String] {
        guard let failure = explanation.failure else { return ["none is remembered"] }
        var lines = ["\(time.both(failure.at)): \(failure.message)"]
        if let code = failure.exit?.kind.words, !failure.message.contains(code) { lines[0] += " (\(code))" }
        let log = failure.exit?.logTail ?? []
        lines += log.suffix(Self.shownLogLines).map { "| \($0)" }
        return lines
    }
}
