import ModelCore
import Reconciler
import StateStore

/// All that is known of a model when somebody asks why it is as it is. A value without I/O.
struct Explanation {
    /// What a running modelet had to say.
    enum Daemon {
        /// It was asked at ``Explanation/now``.
        case answered(pid: Int32?, ControllerView)
        /// One runs and said nothing: why.
        case silent(pid: Int32?, String)
        case absent
    }

    var entry: ModelSnapshot
    var daemon: Daemon
    /// The latest steps, newest first.
    var operations: [OperationRecord]
    /// What keeps the file that defines it from being accepted.
    var fault: ManifestFault?
    /// The instance that was ready last.
    var lastReady: InstanceRecord?
    /// Of instances that are recorded as live while nobody watches them: whether their process is there.
    var isRunning: [InstanceID: Bool] = [:]
    /// The directory that `serve` named last. What it alone has named is followed for as long as it does.
    var servedRoot: String?
    /// ``StateOptions/spelledOut``.
    var stateOption = ""
    var now: Timestamp

    /// How many operations are shown.
    static let shownOperations = 5

    var model: ModelRecord { entry.model }
    var condition: ModelCondition { entry.condition(at: now) }

    var view: ControllerView? {
        if case .answered(_, let view) = daemon { view } else { nil }
    }

    /// What a running modelet does next; where none could be asked, what is decided on what is recorded alone.
    var decision: DecisionReport {
        if let view { return view.decision }
        var observed = Observation(model: model, instances: entry.instances)
        observed.restorable = lastReady.flatMap { model.mayRestore($0) ? $0 : nil }
        // Nothing is in flight, and idle time begins anew with whoever adopts what runs.
        if case .absent = daemon { observed.idleSince = now }
        return DecisionReport(decide(observed, now: now))
    }

    /// The step that is under way.
    var openOperation: OperationRecord? { operations.first { $0.outcome == .open } }

    // MARK: - What it waits for

    struct Wait: Hashable {
        var reason: String
        var since: Timestamp?
        var until: Timestamp?
    }

    /// What has to happen, or which time has to come, before anything more is done.
    var waits: [Wait] {
        var waits: [Wait] = []
        let decision = decision
        if decision.kind == .wait {
            waits.append(Wait(reason: decision.reason ?? "", since: nil, until: decision.until))
        }
        if let pull = model.pull {
            waits.append(Wait(reason: pull.description, since: openOperation?.openedAt, until: nil))
        }
        if let waiting = model.waiting, !waits.contains(where: { $0.reason == waiting }) {
            waits.append(Wait(reason: waiting, since: view?.inLineSince, until: view?.nextLook))
        }
        if let since = view?.calledSince {
            let until = since + model.spec.effective.loadTimeout
            waits.append(Wait(reason: "callers are held, as long as load_timeout", since: since, until: until))
        }
        return waits
    }

    // MARK: - What went wrong

    struct Failure: Hashable {
        var at: Timestamp
        var message: String
        var exit: ExitRecord?
        /// How many there were in a row, and when the next try is; `nil` where they are forgotten.
        var backoff: Backoff?
    }

    /// The latest failed load while that is remembered, else the latest end that nobody had asked for.
    var failure: Failure? {
        if let backoff = model.backoff {
            let last = backoff.lastFailure
            return Failure(at: last.at, message: last.message, exit: last.exit, backoff: backoff)
        }
        guard let ended = entry.lastEnded, ended.stopCause == nil, let exit = ended.exit else { return nil }
        return Failure(at: exit.at, message: exit.message, exit: exit)
    }

    // MARK: - What to do about it

    /// Where its manifest begins to define it: `/srv/manifests/churn.yaml:6`.
    var place: String { "\(model.root)/\(model.file):\(entry.line)" }

    /// What is between what serves and what is wanted.
    var transition: Transition? { entry.transition }

    /// What an operator can do next: one line.
    var advice: String {
        let key = model.key
        if case .absent = daemon {
            return "`modelet serve --manifests \(servedRoot ?? model.root)\(stateOption)` acts on it again"
        }
        if model.isRemoved { return "nothing: it goes by itself; `modelet wait \(key) --for gone` waits for it" }
        if let held = model.heldRemoval { return "`\(held.remedy)` removes it, or define it again in \(model.root)" }
        if let fault { return "mend \(model.root)/\(fault.place): what it last defined stays enforced" }
        switch condition.state {
        case .remote: return "edit \(place) to change where requests go"
        case .standby: return "`modelet load \(key)` loads it, and so does the next request"
        case .held: return "`modelet load \(key)` lifts the hold"
        case .failed: return "edit \(place), or mend what is missing and `modelet load \(key)`"
        case .backoff:
            return "`modelet load \(key)` tries it at once; `modelet logs \(key)` shows what its server wrote"
        case .pending: return "`modelet status` shows what else runs; `modelet wait \(key)` waits for it"
        case .pulling: return "`modelet wait \(key)` waits for it and shows how far it is"
        case .starting, .unhealthy:
            return "`modelet logs -f \(key)` shows what its server writes; `modelet restart \(key)` begins anew"
        case .draining, .stopping: return "nothing: `modelet wait \(key) --for standby` waits for its end"
        case .unknown: return adviceOnUnknown
        case .ready: return adviceOnReady
        }
    }

    private var adviceOnReady: String {
        if let transition = entry.transition {
            guard transition.state == .blocked else {
                return "`modelet wait \(model.key)` waits for the new generation"
            }
            return "edit \(place), or `\(Transition.retry(model.key))` to try generation \(transition.to) again"
        }
        return "`modelet restart \(model.key)`, `modelet unload \(model.key)`, or edit \(place)"
    }

    private var adviceOnUnknown: String {
        let id = entry.instances.first { $0.unknownReason != nil }?.id
        return "see to it that the instance can be looked at; `modelet forget \(id?.text ?? "INSTANCE")` gives it up"
    }
}
