import ModelCore
import Reconciler
import Synchronization

/// A control surface that remembers what it was asked, and waits until the test says how a wait ends.
final class FakeControl: ControlSurface {
    enum Call: Hashable, Sendable {
        case load(ModelKey, by: String)
        case unload(ModelKey, hold: Bool, by: String)
        case restart(ModelKey, by: String)
        case forget(String, by: String)
        case wait(ModelKey, WaitGoal, timeout: Duration)
        case waitCancelled(ModelKey)
        case view(ModelKey)
        case apply(root: String, RemovalGuard, by: String, isDryRun: Bool)
        case rollback(RollbackOrder)
        case shutdown(keep: Bool)
        case aboutCancelled
    }

    typealias Outcome = WaitOutcome

    struct Script: Sendable {
        /// What every call that may fail throws.
        var error: ControlError?
        var report = ApplyReport(revision: 1, plan: ChangePlan(root: "/m"))
        var forgotten = ForgottenInstance(
            instance: InstanceID("0197a000-0000-7000-8000-000000000001"), model: churn, leftover: "nothing is ended")
        var about = ControllerAbout(
            version: "1.2.3", pid: 4711, stateUUID: "0190b2f0-0000-7000-8000-000000000000", gateway: "127.0.0.1:8080",
            startedAt: Timestamp(milliseconds: 1_700_000_000_123))
        var view = ControllerView(decision: DecisionReport(.settled))
        /// Whether `about` answers only when it is cancelled.
        var hangs = false
        /// Whether `about` was asked.
        var isAsked = false
        var waits: [ModelKey: AsyncStream<Outcome>.Continuation] = [:]
    }

    let script: Mutex<Script>
    /// Every call, in the order in which they began. For one reader.
    let calls: AsyncStream<Call>
    private let record: AsyncStream<Call>.Continuation

    init(_ script: Script = Script()) {
        self.script = Mutex(script)
        (calls, record) = AsyncStream.makeStream()
    }

    /// The next call that has not been read yet; waits for it.
    func nextCall() async -> Call? {
        for await call in calls { return call }
        return nil
    }

    func endWait(of key: ModelKey, _ outcome: Outcome) {
        _ = script.withLock { $0.waits.removeValue(forKey: key)?.yield(outcome) }
    }

    private func began(_ call: Call) throws(ControlError) {
        record.yield(call)
        if let error = script.withLock({ $0.error }) { throw error }
    }

    func load(_ key: ModelKey, by: String) async throws(ControlError) {
        try began(.load(key, by: by))
    }

    func unload(_ key: ModelKey, hold: Bool, by: String) async throws(ControlError) {
        try began(.unload(key, hold: hold, by: by))
    }

    func restart(_ key: ModelKey, by: String) async throws(ControlError) {
        try began(.restart(key, by: by))
    }

    func forget(_ instance: String, by: String) async throws(ControlError) -> ForgottenInstance {
        try began(.forget(instance, by: by))
        return script.withLock { $0.forgotten }
    }

    func wait(
        for goal: WaitGoal, of key: ModelKey, timeout: Duration
    ) async throws(ControlError) -> WaitOutcome {
        let (outcomes, continuation) = AsyncStream<Outcome>.makeStream()
        script.withLock { $0.waits[key] = continuation }
        try began(.wait(key, goal, timeout: timeout))
        for await outcome in outcomes { return outcome }
        record.yield(.waitCancelled(key))
        return WaitOutcome(condition: ModelCondition(.pending), reached: false)
    }

    func view(of key: ModelKey) async throws(ControlError) -> ControllerView {
        try began(.view(key))
        return script.withLock { $0.view }
    }

    func apply(
        root: String, removalGuard: RemovalGuard, by: String, isDryRun: Bool
    ) async throws(ControlError) -> ApplyReport {
        try began(.apply(root: root, removalGuard, by: by, isDryRun: isDryRun))
        return script.withLock { $0.report }
    }

    func rollback(_ order: RollbackOrder) async throws(ControlError) -> ApplyReport {
        try began(.rollback(order))
        return script.withLock { $0.report }
    }

    func shutdown(keep: Bool) async {
        record.yield(.shutdown(keep: keep))
    }

    func about() async -> ControllerAbout {
        let (about, hangs) = script.withLock { script in
            script.isAsked = true
            return (script.about, script.hangs)
        }
        if hangs {
            for await _ in AsyncStream<Never>.makeStream().stream {}
            record.yield(.aboutCancelled)
        }
        return about
    }
}

let churn = ModelKey(domain: "churn", source: "scorer", model: "default")
