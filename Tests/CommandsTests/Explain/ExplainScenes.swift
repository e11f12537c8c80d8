import ModelCore
import Reconciler
@testable import StateStore

@testable import Commands

/// Models in the states that people ask about.
enum ExplainScenes {
    static let key = ModelKey(domain: "churn", source: "scorer", model: "default")
    static let id = InstanceID("01a20655-44cd-73e0-9e76-cf94e9dc7897")
    /// 2026-11-23T04:22:42.489Z
    static let now = Timestamp(milliseconds: 1_795_407_762_489)

    static func ago(_ seconds: Int64) -> Timestamp { now + Seconds(-seconds) }

    static func model(_ change: (inout ModelRecord) -> Void = { _ in }) -> ModelRecord {
        var spec = ModelSpec(
            baseURL: "http://localhost:5002", endpoint: "/predict",
            source: .localArtifact(
                LocalArtifactSpec(path: "/srv/models/churn", startupCommand: "python serve.py --port ${PORT}")))
        spec.idleTimeout = .after(900)
        var model = ModelRecord(key: key, spec: spec, generation: 3, root: "/srv/manifests", file: "churn.yaml")
        model.demand = .loaded(since: ago(300), by: "request")
        model.loads = LoadTimes(count: 12, last: Seconds(milliseconds: 232), usual: Seconds(milliseconds: 240))
        model.memory = 26_634_240
        change(&model)
        return model
    }

    static func instance(_ phase: Phase = .ready, _ change: (inout InstanceRecord) -> Void = { _ in }) -> InstanceRecord
    {
        var instance = InstanceRecord(
            id: id, key: key, generation: 3, attempt: 0,
            source: .localArtifact(LocalArtifactSpec(path: "/srv/models/churn", startupCommand: "x")),
            host: "localhost", port: 20_552, createdAt: ago(301))
        instance.phase = phase
        instance.phaseSince = ago(299)
        instance.startedAt = ago(300)
        instance.server = ServerProcess(pid: 12_648, startTicks: 1)
        instance.shim = ProcessIdentity(
            bootID: "b", pid: 12_640, startTicks: 1, pidNamespace: 1, pidfdInode: nil)
        if phase == .ready {
            instance.readyAt = ago(299)
            instance.address = "127.0.0.1"
            instance.isRouted = true
        }
        change(&instance)
        return instance
    }

    static func entry(
        _ model: ModelRecord, _ instances: [InstanceRecord] = [], lastEnded: InstanceRecord? = nil
    ) -> ModelSnapshot {
        ModelSnapshot(model: model, line: 6, revision: 7, instances: instances, lastEnded: lastEnded)
    }

    static func operation(
        _ id: Int64, _ kind: OperationKind, ago seconds: Int64, _ cause: String, took: Int64? = 232,
        _ outcome: OperationRecord.Outcome = .succeeded, message: String? = nil
    ) -> OperationRecord {
        let opened = ago(seconds)
        return OperationRecord(
            id: id, key: key, instance: Self.id, kind: kind, cause: cause, openedAt: opened,
            closedAt: took.map { opened + Seconds(milliseconds: $0) }, outcome: outcome, message: message)
    }

    static func failure(_ kind: LoadFailure.Class = .retryable) -> LoadFailure {
        let exit = ExitRecord(
            kind: .exited(code: 3), at: ago(24), message: "exited with code 3",
            logTail: (1...6).map { "line \($0)" } + ["ValueError: no weights"])
        return LoadFailure(kind, "exited with code 3 before it was ready", at: ago(24), exit: exit)
    }

    // MARK: - Whole explanations

    /// Serves, and a modelet runs.
    static func serving() -> Explanation {
        var view = ControllerView(
            decision: DecisionReport(
                .wait, reason: "it is unloaded after being idle for 900s", until: now + 888))
        view.idleSince = ago(12)
        view.nextLook = now + 888
        view.instances = [InstanceView(id: id, inFlight: 2, lastAnswer: ago(12))]
        return Explanation(
            entry: entry(model(), [instance()]), daemon: .answered(pid: 123, view),
            operations: [
                operation(2, .switch, ago: 299, "instance is ready", took: 0),
                operation(1, .start, ago: 300, "demanded by request"),
            ], now: now)
    }

    /// Has failed twice, and waits for its third try.
    static func failing() -> Explanation {
        let backoff = Backoff(failures: 2, lastFailure: failure(), nextAttempt: now + 36)
        var view = ControllerView(
            decision: DecisionReport(.wait, reason: failure().message, until: backoff.nextAttempt))
        view.nextLook = backoff.nextAttempt
        view.calledSince = ago(25)
        let model = model {
            $0.backoff = backoff
            $0.loads = nil
            $0.waiting = failure().message
        }
        return Explanation(
            entry: entry(model), daemon: .answered(pid: 123, view),
            operations: [
                operation(
                    4, .start, ago: 25, "try 2 after: exited with code 3 before it was ready", took: 1000, .failed,
                    message: "exited with code 3")
            ], now: now)
    }

    /// Was serving when its modelet died.
    static func orphaned() -> Explanation {
        Explanation(
            entry: entry(model(), [instance()]), daemon: .absent,
            operations: [operation(1, .start, ago: 300, "demanded by request")], isRunning: [id: true], now: now)
    }
}
