package import ModelCore

/// What runs instances: local processes, or containers.
///
/// Nothing that it starts depends on the controller's life: an instance goes on when the controller dies, and
/// ``adopt(_:)`` finds it again. No call blocks its thread; each is bounded in time.
package protocol Runtime: Sendable {
    /// Gets what has to be on this host before an instance of `source` can be created, such as the image of a container.
    ///
    /// Never waits for it: returns how far that is, and says on ``wakes`` when to ask again. A failure, or an image that
    /// was fetched anew because the source asks for that (`pull: always`), is told once for each key that asked; whoever
    /// asks after that asks for another try.
    func provide(_ source: SourceSpec, for key: ModelKey) async -> Provision

    /// The model waits no more for what it has asked ``provide(_:for:)`` for: when it asks again, it is told nothing of
    /// what came of that. Fetching may go on. Idempotent, and right for a model that has never asked.
    func leave(_ key: ModelKey) async

    /// The models that are to be looked at again: what they wait for has come, or has got further. For one listener.
    var wakes: AsyncStream<ModelKey> { get }

    /// What `source` names now, in the terms of ``Provision/ready(image:)``: where it has moved on from what an instance
    /// was launched with, the instance has drifted. `nil` where that cannot be told, or can never differ.
    func currentImage(of source: SourceSpec) async -> String?

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

    /// Asks an instance once whether it answers, and proves that it is the instance who answers.
    func probe(_ instance: InstanceRecord, _ readiness: ReadinessSpec, with prober: any Prober) async -> ProbeVerdict

    /// Whether a health check that the instance brings itself (Docker's `HEALTHCHECK`) stands for the readiness probe that
    /// no manifest gives: it is then asked on and on, as a manifest's own is.
    func checksItself(_ instance: InstanceRecord) async -> Bool

    /// What the process tree of each instance takes of the host's RAM now, in bytes: the sum of what its processes
    /// hold, pages that they share counted once for each. Instances that cannot be measured are left out.
    func residentMemory(of instances: [InstanceRecord]) async -> [InstanceID: Int64]

    /// The last lines that the instance wrote, oldest first, at most ``ExitRecord/longestLogTail``.
    func logTail(of instance: InstanceRecord) async -> [String]

    /// Deletes the files of instances that ended long ago and are not in `kept`.
    func prune(keeping kept: Set<InstanceID>) async

    /// Ends what bears the name of this state, yet belongs to no live instance: left by a launch whose effect came after
    /// its controller had died. Never touches what belongs to another state.
    /// - Parameter live: reads which instances are recorded as live. Asked after what exists has been looked at, so that
    ///   a launch which is just under way is not taken for a leftover; `nil` where it cannot be told.
    /// - Returns: a sentence for each thing that was ended.
    func sweep(live: @Sendable () async -> Set<InstanceID>?) async -> [String]
}

/// What holds of a runtime that needs nothing but the host itself.
extension Runtime {
    package func provide(_ source: SourceSpec, for key: ModelKey) async -> Provision { .ready(image: nil) }
    package func leave(_ key: ModelKey) async {}
    package var wakes: AsyncStream<ModelKey> { AsyncStream { $0.finish() } }
    package func currentImage(of source: SourceSpec) async -> String? { nil }
    package func checksItself(_ instance: InstanceRecord) async -> Bool { false }
    package func sweep(live: @Sendable () async -> Set<InstanceID>?) async -> [String] { [] }

    package func probe(
        _ instance: InstanceRecord, _ readiness: ReadinessSpec, with prober: any Prober
    ) async -> ProbeVerdict {
        await prober.probe(
            ProbeTarget(
                host: instance.host, port: instance.port, readiness: readiness, owner: .tree(root: instance.shim?.pid)))
    }
}

/// How far the things are that an instance needs before it can be created.
package enum Provision: Hashable, Sendable {
    /// Everything is there. `image` is what to run, fixed so that it cannot come to mean something else: for an image
    /// from a registry `repository@sha256:…`, for one that only this host knows its id, `sha256:…`. `nil` for processes.
    case ready(image: String?)
    /// Being fetched.
    case underway(PullProgress)
    case failed(LoadFailure)
}

/// The identity of what a runtime has created and not yet let go.
package struct PreparedInstance: Hashable, Sendable {
    package var shim: ProcessIdentity?
    package var containerID: String?
    /// Which engine has the container.
    package var engine: EngineIdentity?

    package init(shim: ProcessIdentity? = nil, containerID: String? = nil, engine: EngineIdentity? = nil) {
        self.shim = shim
        self.containerID = containerID
        self.engine = engine
    }
}

/// Whether a recorded instance is the one found.
package enum AdoptionVerdict: Sendable, Hashable {
    /// Everything recorded agrees, and it runs. `engine` is the one that has its container, where that is not recorded yet.
    case ours(server: ServerProcess?, engine: EngineIdentity? = nil)
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
