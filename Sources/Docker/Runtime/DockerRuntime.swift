package import ModelCore
package import Ports
internal import Reconciler
internal import Synchronization

/// Runs instances as containers of a Docker engine, which outlive this program.
///
/// The order of a launch is `reservePort`, `prepare`, (the caller records the container's id,) `release`. A container is
/// named after its instance and bears the state and the instance as labels from its creation on; so whatever this
/// program dies between, what it has created is found again, and what was never started is removed.
///
/// The engine may be away or hang at any moment. Nothing that it has not said is guessed: what cannot be asked is
/// `unknown`, and its model is named on ``wakes`` when the engine is back.
///
/// The engine is not asked for anything before the first call about a container; ``run()`` waits for that.
package final class DockerRuntime: ContainerRuntime {
    let engine: Engine
    let watch: EngineWatch
    let images: any ImageSource
    let stateUUID: String
    let runDirectory: String
    let inherited: [String: String]
    let policy: LaunchPolicy
    let volumes: @Sendable (ModelKey) async throws(LoadFailure) -> VolumeCheck
    let now: @Sendable () -> Timestamp
    let ports: PortAllocator
    let table = Mutex(Table())
    /// Open once there is anything to watch.
    let wanted = Bell()
    /// Rung with what happens to the container of an instance.
    let bells = Bells()
    package let wakes: AsyncStream<ModelKey>
    let wake: AsyncStream<ModelKey>.Continuation

    /// What this program knows of its instances.
    struct Table {
        var held: [InstanceID: Held] = [:]
        /// Those that this program has asked to end.
        var stopping: Set<InstanceID> = []
        /// Those whose start was sent and not answered in time, and until when it may still come about.
        var unansweredStarts: [InstanceID: ContinuousClock.Instant] = [:]
        /// Those that could not be asked for, and are to be looked at when the engine is back.
        var unsettled: [InstanceID: ModelKey] = [:]
        /// Containers that belong to no live instance, and when each was first seen.
        var strays: [String: Timestamp] = [:]
    }

    /// What this program holds of an instance.
    enum Held {
        case reserved(PortReservation)
        /// Asked for; whether it exists is known when the engine has answered.
        case creating(PortReservation)
        /// Created and not yet let go.
        case created(LaunchedContainer, PortReservation)
        case running(LaunchedContainer)
        /// The task is awaited by all who want the verdict, and ends by itself within bounded time; the bell rings then.
        case concluding(Task<ExitVerdict, Never>, done: Bell)
        case ended(ExitRecord)
    }

    /// - Parameters:
    ///   - watch: follows `engine`; run by ``run()``.
    ///   - runDirectory: the absolute path of the folder of instances, made if missing; `STATE/run`.
    ///   - ports: finds the ports that no manifest fixes.
    ///   - stateUUID: the name of the state, borne by every container.
    ///   - environment: what `${env:…}` in manifests refers to; the daemon's own.
    ///   - policy: judges images of which the manifest does not tell where they lie.
    ///   - volumes: what a model's containers may mount. Asked for each container, just before it is created: the disk may
    ///     have changed since its launch was allowed.
    ///   - now: the clock that failures and exits are dated by.
    package init(
        engine: Engine, watch: EngineWatch, images: any ImageSource, runDirectory: String, ports: PortAllocator,
        stateUUID: String, environment: [String: String],
        policy: LaunchPolicy = LaunchPolicy(),
        volumes: @escaping @Sendable (ModelKey) async throws(LoadFailure) -> VolumeCheck,
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.engine = engine
        self.watch = watch
        self.images = images
        self.runDirectory = runDirectory
        self.stateUUID = stateUUID
        self.now = now
        self.ports = ports
        inherited = environment
        self.policy = policy
        self.volumes = volumes
        (wakes, wake) = AsyncStream.makeStream()
    }

    func files(of id: InstanceID) -> ContainerFiles { ContainerFiles(runDirectory: runDirectory, id: id) }

    func held(_ id: InstanceID) -> Held? { table.withLock { $0.held[id] } }
}
