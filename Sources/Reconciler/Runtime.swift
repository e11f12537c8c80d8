package import ModelCore

/// What runs instances: local processes today, containers later.
///
/// Nothing that it starts depends on the controller's life: an instance goes on when the controller dies, and
/// ``adopt(_:)`` finds it again. No call blocks its thread; each is bounded in time.
package protocol Runtime: Sendable {
    /// Finds a port for an instance and keeps it from other programs until the instance is released or abandoned.
    ///
    /// A fixed port that is taken fails with a retryable failure that names the pid and the command of who holds it.
    /// - Parameter leased: ports that other instances hold, whether or not they listen yet.
    func reservePort(for id: InstanceID, source: SourceSpec, leased: Set<Int>) async throws(LoadFailure) -> Int

    /// Creates everything of an instance except its effect: the returned identity is to be recorded before
    /// ``release(_:)``. If the controller dies in between, what was created ends by itself.
    func prepare(_ instance: InstanceRecord) async throws(LoadFailure) -> PreparedInstance

    /// Lets a prepared instance go.
    func release(_ id: InstanceID) async throws(LoadFailure)

    /// Undoes ``reservePort(for:source:leased:)`` and ``prepare(_:)``. Idempotent, and right for an unknown id.
    func abandon(_ id: InstanceID) async

    /// Takes over an instance that an earlier run of the controller started. Idempotent, repeats no effect, and
    /// signals nothing but what is left of an instance that is proved to have lost its shim.
    func adopt(_ instance: InstanceRecord) async -> AdoptionVerdict

    /// Waits until the instance has ended and nothing of it is left. Returns at once where it already has. Ends with
    /// `.unknown` when cancelled.
    func exit(of instance: InstanceRecord) async -> ExitVerdict

    /// Ends an instance: TERM, after `grace` KILL, until its tree is empty. Idempotent. What it returns is what
    /// ``exit(of:)`` then returns too.
    func stop(_ instance: InstanceRecord, grace: Duration) async -> ExitVerdict

    /// The model server itself, once the shim has reported it.
    func server(of instance: InstanceRecord) async -> ServerProcess?

    /// What the process tree of each instance takes of the host's RAM now, in bytes: the sum of what its processes
    /// hold, pages that they share counted once for each. Instances that cannot be measured are left out.
    func residentMemory(of instances: [InstanceRecord]) async -> [InstanceID: Int64]

    /// The last lines that the instance wrote, oldest first, at most ``ExitRecord/longestLogTail``.
    func logTail(of instance: InstanceRecord) async -> [String]

    /// Deletes the files of instances that ended long ago and are not in `kept`.
    func prune(keeping kept: Set<InstanceID>) async
}

/// The identity of what a runtime has created and not yet let go.
package struct PreparedInstance: Hashable, Sendable {
    package var shim: ProcessIdentity?
    package var containerID: String?

    package init(shim: ProcessIdentity? = nil, containerID: String? = nil) {
        self.shim = shim
        self.containerID = containerID
    }
}

/// Whether a recorded instance is the one found.
package enum AdoptionVerdict: Sendable, Hashable {
    /// Everything recorded agrees, and it runs.
    case ours(server: ServerProcess?)
    /// It is gone, and nothing is left of it.
    case gone(ExitRecord)
    /// Neither can be proved: it must be neither signalled nor replaced.
    case unknown(reason: String)
}

package enum ExitVerdict: Sendable, Hashable {
    case exited(ExitRecord)
    /// It could not be proved that nothing is left.
    case unknown(reason: String)
}
