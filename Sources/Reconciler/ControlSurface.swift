package import ModelCore

/// What operators may ask of a running controller: the methods behind the admin API.
///
/// What the database alone can tell (status, plan, events) is not here: it is read there, and so without a controller.
/// What is here and changes nothing tells what only the controller knows, or answers in its place and with its rights.
package protocol ControlSurface: Sendable {
    /// Makes the model loaded and lifts a hold. Returns once that is recorded, before the load.
    func load(_ key: ModelKey, by: String) async throws(ControlError)

    /// Returns an on-demand model to standby; with `hold`, or for an eager one, it stays unloaded until `load`.
    func unload(_ key: ModelKey, hold: Bool, by: String) async throws(ControlError)

    /// Replaces the running instance by a new one of the same spec.
    func restart(_ key: ModelKey, by: String) async throws(ControlError)

    /// Gives up an instance that is unknown: its model goes on without it.
    /// - Parameter instance: its id, or as much of the beginning as no other live instance shares.
    func forget(_ instance: String, by: String) async throws(ControlError) -> ForgottenInstance

    /// Waits until the model's state answers `goal`, or can no longer do so by itself.
    func wait(for goal: WaitGoal, of key: ModelKey, timeout: Duration) async throws(ControlError) -> WaitOutcome

    /// What the controller makes of a model at this moment, with what is not in the database. Changes nothing.
    func view(of key: ModelKey) async throws(ControlError) -> ControllerView

    /// Reads the manifests below `root`, accepts what is good, and follows the root from then on. Lifts its pin.
    /// - Parameters:
    ///   - root: an absolute path.
    ///   - isDryRun: tell only what it would do.
    func apply(
        root: String, removalGuard: RemovalGuard, by: String, isDryRun: Bool
    ) async throws(ControlError) -> ApplyReport

    /// Makes an earlier revision of a root what is desired, and pins the root there. All of it or nothing: where a removal
    /// is held back, nothing is changed, and the report says so.
    func rollback(_ order: RollbackOrder) async throws(ControlError) -> ApplyReport

    /// Ends the controller as `serve` would on SIGTERM. Returns at once.
    /// - Parameter keep: leave the instances running for the next controller to adopt.
    func shutdown(keep: Bool) async

    /// What the controller says of itself.
    func about() async -> ControllerAbout
}

/// What came of an `apply`, of a rollback, or of a look at what they would do.
package struct ApplyReport: Hashable, Sendable {
    /// The latest revision of the root; 0 where there is none.
    package var revision: Int
    /// Whether ``plan`` is what is desired from now on. `false`: it was only looked at, or is held back as a whole.
    package var isAccepted: Bool
    /// Where the root is pinned now.
    package var pin: RootPin?
    /// The pin that an `apply` has lifted, or would lift.
    package var unpins: RootPin?
    /// The revision that a rollback goes back to.
    package var restores: Int?
    package var plan: ChangePlan

    package init(
        revision: Int, isAccepted: Bool = true, pin: RootPin? = nil, unpins: RootPin? = nil, restores: Int? = nil,
        plan: ChangePlan
    ) {
        self.revision = revision
        self.isAccepted = isAccepted
        self.pin = pin
        self.unpins = unpins
        self.restores = restores
        self.plan = plan
    }

    package var changes: [PlannedChange] { plan.changes }
    package var heldRemovals: [ModelKey] { plan.heldRemovals }
    package var brokenFiles: [String] { plan.brokenFiles }
    package var diagnostics: [Diagnostic] { plan.diagnostics }
}

/// A way back, as an operator asks for it.
package struct RollbackOrder: Hashable, Sendable {
    /// The root, an absolute path; `nil`: that of ``revision``, or the only one.
    package var root: String?
    /// `nil`: the one before what is enforced.
    package var revision: Int?
    package var removalGuard: RemovalGuard
    package var by: String
    /// Whether to tell only what it would do.
    package var isDryRun: Bool

    package init(
        root: String? = nil, revision: Int? = nil, removalGuard: RemovalGuard = RemovalGuard(), by: String,
        isDryRun: Bool = false
    ) {
        self.root = root
        self.revision = revision
        self.removalGuard = removalGuard
        self.by = by
        self.isDryRun = isDryRun
    }
}

package struct ControllerAbout: Codable, Hashable, Sendable {
    package var version: String
    package var pid: Int32
    package var stateUUID: String
    /// `host:port` of the gateway.
    package var gateway: String
    /// Whether it speaks TLS.
    package var gatewayIsTLS: Bool
    package var startedAt: Timestamp

    package init(
        version: String, pid: Int32, stateUUID: String, gateway: String, gatewayIsTLS: Bool = false,
        startedAt: Timestamp
    ) {
        self.version = version
        self.pid = pid
        self.stateUUID = stateUUID
        self.gateway = gateway
        self.gatewayIsTLS = gatewayIsTLS
        self.startedAt = startedAt
    }
}

package enum ControlError: Error, Hashable, Sendable {
    case noSuchModel(ModelKey, suggestion: String?)
    /// No live instance has an id that begins like this; the suggestion is a clause.
    case noSuchInstance(String, suggestion: String)
    /// The request makes no sense for this model: a sentence.
    case refused(String)
    /// The state cannot be written: a sentence.
    case unavailable(String)

    /// For people.
    package var message: String {
        switch self {
        case .noSuchModel(let key, let suggestion):
            "there is no model \(key)" + (suggestion.map { "; did you mean \($0)?" } ?? "")
        case .noSuchInstance(let name, let suggestion): "there is no live instance \(name); \(suggestion)"
        case .refused(let message), .unavailable(let message): message
        }
    }
}
