package import ModelCore

/// What operators may ask of a running controller: the methods behind the admin API.
///
/// What only reads (status, plan, events) is not here: it reads the database, and so works without a controller.
package protocol ControlSurface: Sendable {
    /// Makes the model loaded and lifts a hold. Returns once that is recorded, before the load.
    func load(_ key: ModelKey, by: String) async throws(ControlError)

    /// Returns an on-demand model to standby; with `hold`, or for an eager one, it stays unloaded until `load`.
    func unload(_ key: ModelKey, hold: Bool, by: String) async throws(ControlError)

    /// Replaces the running instance by a new one of the same spec.
    func restart(_ key: ModelKey, by: String) async throws(ControlError)

    /// Waits until the model's state answers `goal`, or can no longer do so by itself.
    /// - Returns: the condition that ended the wait, and whether `goal` was reached.
    func wait(
        for goal: WaitGoal, of key: ModelKey, timeout: Duration
    ) async throws(ControlError) -> (condition: ModelCondition, reached: Bool)

    /// Reads the manifests below `root`, accepts what is good, and follows the root from then on.
    /// - Parameter root: an absolute path.
    func apply(root: String, removalGuard: RemovalGuard) async throws(ControlError) -> ApplyReport

    /// Ends the controller as `serve` would on SIGTERM. Returns at once.
    /// - Parameter keep: leave the instances running for the next controller to adopt.
    func shutdown(keep: Bool) async

    /// What the controller says of itself.
    func about() async -> ControllerAbout
}

package enum WaitGoal: String, Codable, Hashable, Sendable, CaseIterable {
    /// Answers predictions.
    case ready
    /// Nothing of it runs.
    case standby
}

package struct ApplyReport: Codable, Hashable, Sendable {
    package var revision: Int
    /// One line a model, in the words of `plan`.
    package var changes: [PlannedChange]
    package var heldRemovals: [ModelKey]
    package var brokenFiles: [String]
    package var diagnostics: [Diagnostic]

    package init(
        revision: Int, changes: [PlannedChange], heldRemovals: [ModelKey], brokenFiles: [String],
        diagnostics: [Diagnostic]
    ) {
        self.revision = revision
        self.changes = changes
        self.heldRemovals = heldRemovals
        self.brokenFiles = brokenFiles
        self.diagnostics = diagnostics
    }
}

/// What a plan does about one model.
package struct PlannedChange: Codable, Hashable, Sendable {
    package enum Action: String, Codable, Hashable, Sendable {
        /// A model that was not there before.
        case create
        /// Its instance, where one runs, is replaced.
        case replace
        /// Applied to what runs.
        case update
        case remove
    }

    package var key: ModelKey
    package var action: Action
    package var cause: String

    package init(key: ModelKey, action: Action, cause: String) {
        self.key = key
        self.action = action
        self.cause = cause
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
    /// The request makes no sense for this model: a sentence.
    case refused(String)
    /// The state cannot be written: a sentence.
    case unavailable(String)
}
