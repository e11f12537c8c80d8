package import Logging
package import ModelCore
import Synchronization

/// The loop: compares what should run with what does, one key at a time, and performs one step after the other.
///
/// Level-triggered. Whatever happens (a request, an exit, a timer, an edited manifest) only puts a key into the work
/// queue; the worker reads the state anew, asks ``decide(_:now:)`` and performs the step. A key is never in two hands,
/// and a key that is stuck delays no other.
package final class Controller: Sendable {
    /// The parts that a controller works with.
    package struct Parts: Sendable {
        package var store: any InstanceStore
        /// What runs a source of this kind; `nil` where nothing does.
        package var runtime: @Sendable (SourceSpec) -> (any Runtime)?
        package var prober: any Prober
        package var routes: any RouteTable
        package var manifests: any ManifestSource
        /// What on the disk keeps a source from being launched; `nil` where nothing does.
        package var obstacle: @Sendable (SourceSpec, _ root: String) -> String?
        /// Deletes the runtimes' files of instances that ended long ago, save these.
        package var pruneFiles: @Sendable (Set<InstanceID>) async -> Void
        package var time: any Timekeeper
        package var logger: Logger

        package init(
            store: any InstanceStore, runtime: @escaping @Sendable (SourceSpec) -> (any Runtime)?,
            prober: any Prober, routes: any RouteTable, manifests: any ManifestSource,
            obstacle: @escaping @Sendable (SourceSpec, String) -> String? = { _, _ in nil },
            pruneFiles: @escaping @Sendable (Set<InstanceID>) async -> Void = { _ in }, time: any Timekeeper,
            logger: Logger
        ) {
            self.store = store
            self.runtime = runtime
            self.prober = prober
            self.routes = routes
            self.manifests = manifests
            self.obstacle = obstacle
            self.pruneFiles = pruneFiles
            self.time = time
            self.logger = logger
        }
    }

    /// How many instances may be starting at once.
    package let startSlots: Int
    let parts: Parts
    let state = Mutex(State())
    /// What the run loop is to do in tasks of its own.
    let jobs: AsyncStream<Job>
    private let submit: AsyncStream<Job>.Continuation
    /// Open once everything is stopped, or is to be left as it is.
    let finished = Latch()
    /// Open once drains are to be cut short.
    let hurried = Latch()
    /// Who applies manifests.
    let applying = Turns()

    enum Job: Sendable {
        case reconcile(ModelKey)
        case watch(InstanceRecord)
        case wake(ModelKey, at: Timestamp)
        /// Tell the run loop that the state was taken over by another controller.
        case superseded
    }

    /// What is only known while the controller runs; everything that matters after a crash is in the store.
    struct State {
        enum Mode { case running, preparingToStop, stopping, leaving }

        var mode = Mode.running
        var isLooping = false
        var queue = WorkQueue()
        /// The earliest timer of each key.
        var timers: [ModelKey: Timestamp] = [:]
        /// What was seen of the instances of each model, until that is recorded.
        var sightings: [ModelKey: [Sighting]] = [:]
        /// Models that requests have asked for, until that is recorded.
        var demanded: Set<ModelKey> = []
        /// Models that wait for something which another model holds.
        var parked: Set<ModelKey> = []
        /// The latest spec of each model, for the tasks that watch its instance.
        var models: [ModelKey: ModelRecord] = [:]
        /// The route that the gateway was last given.
        var published: [ModelKey: Route] = [:]
        /// What a loading instance's last probe said.
        var lastProbe: [InstanceID: String] = [:]
        /// Instances that a task watches.
        var watched: Set<InstanceID> = []
        /// Models that wait for the database to be writable again.
        var unwritten: Set<ModelKey> = []
        /// When the stopping of everything began.
        var stoppingSince: Timestamp?
        /// Models that something on the disk kept from starting: looked at again with every rescan.
        var obstructed: Set<ModelKey> = []
        /// Whether the manifests have been read and every model been looked at.
        var isComplete = false
        var listeners: [ModelKey: [UInt64: AsyncStream<Void>.Continuation]] = [:]
        var nextListener: UInt64 = 0
        /// Opened after the next look at each model.
        var awaitedLooks: [ModelKey: [Latch]] = [:]
        var readinessListener: AsyncStream<FleetReadiness>.Continuation?
        var lastReadiness: FleetReadiness?
        /// What was last said about each root's manifests.
        var lastDiagnostics: [String: [Diagnostic]] = [:]
    }

    package init(_ parts: Parts, startSlots: Int = 4) {
        self.parts = parts
        self.startSlots = startSlots
        (jobs, submit) = AsyncStream.makeStream()
    }

    /// Runs until ``shutDown(keepingInstances:)`` has been carried out. ``adoptInstances()`` comes first.
    ///
    /// Throws ``StoreError/superseded`` when another controller has taken over the state; instances are then left as
    /// they are.
    package func run() async throws {
        state.withLock { $0.isLooping = true }
        defer { stopLooping() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await withThrowingDiscardingTaskGroup { workers in
                    for await job in self.jobs {
                        if case .superseded = job { throw StoreError.superseded }
                        workers.addTask { await self.perform(job) }
                    }
                }
            }
            group.addTask { await self.finished.wait() }
            // The first to end: the latch, or the loop by an error.
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func perform(_ job: Job) async {
        switch job {
        case .reconcile(let key):
            await work(on: key)
        case .watch(let instance):
            await watch(instance)
        case .wake(let key, let time):
            guard (try? await parts.time.sleep(until: time)) != nil else { return }
            state.withLock { state in
                if state.timers[key] == time { state.timers[key] = nil }
            }
            enqueue(key)
        case .superseded:
            break
        }
    }

    private func stopLooping() {
        let awaited = state.withLock { state in
            state.isLooping = false
            defer { state.awaitedLooks = [:] }
            return state.awaitedLooks.values.flatMap(\.self)
        }
        awaited.forEach { $0.open() }
    }

    // MARK: - Triggers

    /// Has a look taken at `key` soon. Returns at once.
    package func enqueue(_ key: ModelKey) {
        if state.withLock({ $0.queue.add(key) }) { submit.yield(.reconcile(key)) }
    }

    /// All at once: none is finished before the last is in the queue.
    func enqueue(_ keys: some Sequence<ModelKey>) {
        startWorkers(on: state.withLock { state in keys.filter { state.queue.add($0) } })
    }

    func startWorkers(on keys: [ModelKey]) {
        for key in keys { submit.yield(.reconcile(key)) }
    }

    /// Has a look taken at each of `keys`, and returns when that has been done; at once where the loop does not run.
    func look(at keys: [ModelKey]) async {
        let latches = state.withLock { state -> [Latch] in
            guard state.isLooping else { return [] }
            return keys.map { key in
                let latch = Latch()
                state.awaitedLooks[key, default: []].append(latch)
                return latch
            }
        }
        enqueue(keys)
        for latch in latches { await latch.wait() }
    }

    /// Has a look taken at `key` at `time`; an earlier look that is already planned serves as well.
    func wake(_ key: ModelKey, at time: Timestamp) {
        let isEarlier = state.withLock { state in
            if let planned = state.timers[key], planned <= time { return false }
            state.timers[key] = time
            return true
        }
        if isEarlier { submit.yield(.wake(key, at: time)) }
    }

    private func isWatched(_ instance: InstanceRecord) -> Bool {
        state.withLock { $0.watched.contains(instance.id) }
    }

    func startWatching(_ instance: InstanceRecord) {
        if state.withLock({ $0.watched.insert(instance.id).inserted }) { submit.yield(.watch(instance)) }
    }

    /// Something that models may wait for has been given back.
    func wakeParked() {
        let keys = state.withLock { state in
            defer { state.parked = [] }
            return state.parked
        }
        enqueue(keys)
    }

    // MARK: - One key

    private func work(on key: ModelKey) async {
        state.withLock { state in
            state.queue.begin(key)
            state.unwritten.remove(key)
        }
        repeat {
            let awaited = state.withLock { $0.awaitedLooks.removeValue(forKey: key) } ?? []
            do {
                while try await step(key) {}
            } catch {
                await note(error, on: key)
            }
            tellListeners(of: key)
            tellReadiness()
            awaited.forEach { $0.open() }
        } while state.withLock({ $0.queue.finish(key) })
        finishIfNothingIsLeft()
    }

    private func note(_ error: StoreError, on key: ModelKey) async {
        switch error {
        case .superseded:
            submit.yield(.superseded)
        case .unavailable(let reason):
            parts.logger.error(
                "state cannot be written; trying again", metadata: ["model.key": "\(key)", "reason": "\(reason)"])
            _ = state.withLock { $0.unwritten.insert(key) }
            wake(key, at: parts.time.now() + Self.storeRetryDelay)
        case .refused(let reason):
            parts.logger.critical(
                "the state's schema refused a change: a fault in modelet",
                metadata: ["model.key": "\(key)", "reason": "\(reason)"])
            wake(key, at: parts.time.now() + Self.storeRetryDelay)
        }
    }

    /// How long a key waits when the database could not be written.
    static let storeRetryDelay: Seconds = 1
    /// How long until an identity that could not be proved is looked at again.
    static let unknownRetryDelay: Seconds = 10

    /// Performs at most one step for `key`. Returns whether to look again at once.
    func step(_ key: ModelKey) async throws(StoreError) -> Bool {
        let mode = state.withLock(\.mode)
        if mode == .leaving || Task.isCancelled { return false }
        try await recordSightings(of: key)
        try await recordDemand(for: key)
        guard let (model, instances) = try await parts.store.model(key) else {
            await forget(key)
            return false
        }
        state.withLock { $0.models[key] = model }
        if instances.contains(where: { $0.unknownReason != nil }) {
            return try await verifyAgain(instances, of: model)
        }
        // Nobody else launches for this key: what nobody watches is left over from a launch that could not be recorded.
        if let leftover = instances.first(where: { $0.phase.isCurrent && !isWatched($0) }) {
            try await adopt(leftover)
            return true
        }
        let observation = Observation(
            model: model, instances: instances, isShuttingDown: mode == .stopping)
        switch decide(observation, now: parts.time.now()) {
        case .operate(let step, let cause):
            return try await perform(step, for: observation, cause: cause)
        case .wait(let until, let reason):
            await publish(model, instances)
            if instances.isEmpty { try await setWaiting(reason, for: model) }
            if let until { wake(key, at: until) }
            return false
        case .settled:
            await publish(model, instances)
            try await setWaiting(nil, for: model)
            return false
        }
    }

    /// Records what requests have asked for. A request that was noted is not lost when the database fails: it stays
    /// noted until it is recorded.
    private func recordDemand(for key: ModelKey) async throws(StoreError) {
        guard state.withLock({ $0.demanded.contains(key) && $0.mode == .running }) else { return }
        if let (model, _) = try await parts.store.model(key), !model.isDemanded {
            let now = parts.time.now()
            try await parts.store.commit(.demand(key, model.demand(by: "request", at: now)), at: now)
        }
        _ = state.withLock { $0.demanded.remove(key) }
    }

    private func verifyAgain(
        _ instances: [InstanceRecord], of model: ModelRecord
    ) async throws(StoreError) -> Bool {
        for instance in instances where instance.unknownReason != nil {
            try await adopt(instance)
        }
        guard let (_, now) = try await parts.store.model(model.key) else { return false }
        if !now.contains(where: { $0.unknownReason != nil }) { return true }
        await publish(model, now)
        wake(model.key, at: parts.time.now() + Self.unknownRetryDelay)
        return false
    }

    func setWaiting(_ reason: String?, for model: ModelRecord) async throws(StoreError) {
        guard model.waiting != reason else { return }
        try await parts.store.commit(.waiting(model.key, reason: reason), at: parts.time.now())
    }

    // MARK: - Routes

    /// Tells the gateway where predictions for a model go, where that has changed.
    func publish(_ model: ModelRecord, _ instances: [InstanceRecord]) async {
        await publish(Route(model, target: routeTarget(of: model, instances: instances, now: parts.time.now())))
    }

    func publish(_ route: Route) async {
        let isNews = state.withLock { state in
            if state.published[route.key] == route { return false }
            state.published[route.key] = route
            return true
        }
        if isNews { await parts.routes.publish([.set(route)]) }
    }

    /// The model does not exist any more.
    private func forget(_ key: ModelKey) async {
        let wasKnown = state.withLock { state in
            state.models[key] = nil
            state.demanded.remove(key)
            return state.published.removeValue(forKey: key) != nil
        }
        if wasKnown { await parts.routes.publish([.remove(key)]) }
    }
}

extension Controller: DemandSink {
    package func demand(_ key: ModelKey) {
        let isRunning = state.withLock { state in
            guard state.mode == .running else { return false }
            state.demanded.insert(key)
            return true
        }
        if isRunning { enqueue(key) }
    }
}
