import Logging
import ModelCore
import Synchronization

/// The steps that ``decide(_:now:)`` may answer with. Each first records what it is about to do, then does it, then
/// records what came of it; after a crash in between, the next look finds the record and goes on from there.
extension Controller {
    /// Returns whether to look again at once.
    func perform(_ step: Step, for observed: Observation, cause: String) async throws(StoreError) -> Bool {
        let model = observed.model
        switch step {
        case .start:
            return try await start(model, cause: cause)
        case .switch(let id):
            try await commit(.routed(id))
            if let instance = observed.instances.first(where: { $0.id == id }) { submit.yield(.measure(instance)) }
        case .unload(let id):
            return try await unload(id, observed, cause: cause)
        case .unroute(let id):
            await noteUse(of: id)
            try await publishWithout(id, observed)
            try await commit(.unrouted(id, reason: cause))
        case .drain(let id):
            try await publishWithout(id, observed)
            try await commit(.draining(id, cause: cause))
            _ = await drain(id, timeout: model.spec.effective.drainTimeout)
        case .stop(let id):
            guard let instance = observed.instances.first(where: { $0.id == id }) else { return true }
            return try await stop(instance, of: model, cause: cause)
        case .giveUp(let id):
            try await giveUp(id, of: model, cause: cause)
        case .forgetBackoff:
            try await commit(.backoff(model.key, nil))
        case .remove:
            try await commit(.removed(model.key))
        }
        return true
    }

    func commit(_ change: StateChange) async throws(StoreError) {
        try await parts.store.commit(change, at: parts.time.now())
    }

    /// Takes an instance out of the route before that is recorded, so that none that is recorded as out still gets
    /// requests.
    func publishWithout(_ id: InstanceID, _ observed: Observation) async throws(StoreError) {
        var instances = observed.instances
        for index in instances.indices where instances[index].id == id { instances[index].isRouted = false }
        await publish(observed.model, instances)
    }

    // MARK: - Start

    private func start(_ wanted: ModelRecord, cause: String) async throws(StoreError) -> Bool {
        var model = wanted
        guard let source = model.spec.source else { return false }
        guard let runtime = parts.runtime(source) else {
            let message = "\(source.type) models are not supported yet by this version of modelet"
            return try await fail(model, LoadFailure(.terminal, message, at: parts.time.now()))
        }
        if let obstacle = parts.obstacle(source, model.root) {
            _ = state.withLock { $0.obstructed.insert(model.key) }
            return try await fail(model, LoadFailure(.terminal, obstacle, at: parts.time.now()))
        }
        let image: String?
        switch try await supply(source, of: model, with: runtime, cause: cause) {
        case .ready(let ready):
            image = ready
            model.pull = nil
        case .underway: return try await awaitPull(of: model)
        // Cut short by the end of this controller, and no failure of the model.
        case .failed where Task.isCancelled: return false
        case .failed(let failure): return try await fail(model, failure)
        }
        // Parked before it looks: what is given back meanwhile wakes it.
        _ = state.withLock { $0.parked.insert(model.key) }
        let leases = try await parts.store.leasedPorts()
        if let port = source.fixedPort, let holder = leases[port] {
            leaveLine(model.key)
            return try await park(model, reason: "port \(port) is leased to \(holder)")
        }
        let contest = try await contest(for: model)
        let attempt = try await parts.store.attempts(of: model.key, generation: model.generation)
        var random = SystemRandomNumberGenerator()
        let id = InstanceID.make(at: parts.time.now(), using: &random)
        let port: Int
        do {
            port = try await runtime.reservePort(for: id, source: source, leased: Set(leases.keys))
        } catch {
            // Cut short by the end of this controller, and no failure of the model.
            if Task.isCancelled { return false }
            return try await fail(model, error)
        }
        var instance = InstanceRecord(
            id: id, key: model.key, generation: model.generation,
            attempt: attempt, source: source.runFields, host: source.host, port: port, createdAt: parts.time.now())
        instance.image = image
        return try await launch(instance, of: model, with: runtime, contest, cause: cause)
    }

    /// The gated launch: intent → prepare → identity → release. Whatever is not recorded ends by itself when the
    /// controller dies.
    private func launch(
        _ instance: InstanceRecord, of model: ModelRecord, with runtime: any Runtime, _ contest: Contest, cause: String
    ) async throws(StoreError) -> Bool {
        do {
            let admission = try await parts.store.begin(
                instance, cause: cause, contest: contest, at: parts.time.now())
            guard admission == .granted else {
                await runtime.abandon(instance.id)
                return try await wait(model, for: admission)
            }
            leaveLine(model.key)
            state.withLock { state in
                state.parked.remove(instance.key)
                state.supplies[instance.key] = nil
            }
            try await setWaiting(nil, for: model)
            let prepared: PreparedInstance
            do {
                prepared = try await runtime.prepare(instance)
            } catch {
                await runtime.abandon(instance.id)
                return try await recordFailedLaunch(instance, of: model, error)
            }
            try await commit(.gated(instance.id, prepared))
            do {
                try await runtime.release(instance.id)
            } catch {
                await runtime.abandon(instance.id)
                return try await recordFailedLaunch(instance, of: model, error)
            }
        } catch {
            // Not recorded, so it must not run.
            await runtime.abandon(instance.id)
            throw error
        }
        try await commit(.released(instance.id))
        if let (_, instances) = try await parts.store.model(model.key),
            let launched = instances.first(where: { $0.id == instance.id })
        {
            startWatching(launched)
        }
        log("instance started", launched: instance, cause: cause)
        return true
    }

    private func log(_ message: Logger.Message, launched instance: InstanceRecord, cause: String) {
        parts.logger.info(
            message,
            metadata: [
                "model.key": "\(instance.key)", "instance.id": "\(instance.id)", "port": "\(instance.port)",
                "cause": "\(cause)",
            ])
    }

    private func recordFailedLaunch(
        _ instance: InstanceRecord, of model: ModelRecord, _ failure: LoadFailure
    ) async throws(StoreError) -> Bool {
        let exit = failure.exit ?? ExitRecord(kind: .neverStarted, at: failure.at, message: failure.message)
        try await commit(
            .exited(instance.id, exit, backoff: backoff(of: model, after: failure), endsDemand: true))
        await tellCallers(of: model, about: failure)
        wakeParked()
        return true
    }

    /// A load that failed before there was an instance.
    func fail(_ model: ModelRecord, _ failure: LoadFailure) async throws(StoreError) -> Bool {
        try await commit(.loadFailed(model.key, backoff(of: model, after: failure), ending: model.demand))
        state.withLock { state in
            state.pulls[model.key] = nil
            state.supplies[model.key] = nil
        }
        await tellCallers(of: model, about: failure)
        return true
    }

    func park(_ model: ModelRecord, reason: String) async throws(StoreError) -> Bool {
        try await setWaiting(reason, for: model)
        await publish(model, [])
        return false
    }

    // MARK: - Failures

    func backoff(of model: ModelRecord, after failure: LoadFailure) -> Backoff {
        Backoff.after(failure, previous: model.backoff, jitter: Double.random(in: 0..<1))
    }

    /// Answers the callers that are held for a load which has just failed. The next look publishes what holds for
    /// later ones.
    func tellCallers(of model: ModelRecord, about failure: LoadFailure) async {
        parts.logger.warning(
            "load failed", metadata: ["model.key": "\(model.key)", "reason": "\(failure.message)"])
        guard state.withLock({ $0.mode == .running }) else { return }
        let reason = unavailability(of: model, after: failure, now: parts.time.now())
        await publish(Route(model, target: .unavailable(reason)))
    }

    private func giveUp(_ id: InstanceID, of model: ModelRecord, cause: String) async throws(StoreError) {
        let lastProbe = state.withLock { $0.lastProbe[id] }
        let message = lastProbe.map { "\(cause); the last probe said: \($0)" } ?? cause
        let failure = LoadFailure(.retryable, message, at: parts.time.now())
        try await commit(
            .givenUp(id, cause: cause, backoff: backoff(of: model, after: failure), ending: model.demand))
        await tellCallers(of: model, about: failure)
    }

    // MARK: - Drain and stop

    /// Waits until nothing is in flight at the instance, for `timeout` at most. Returns whether that is so.
    func drain(_ id: InstanceID, timeout: Seconds) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask { await self.parts.routes.drained(id, timeout: timeout.duration) }
            group.addTask {
                await self.hurried.wait()
                return false
            }
            defer { group.cancelAll() }
            return await group.next() ?? false
        }
    }

    private func stop(
        _ instance: InstanceRecord, of model: ModelRecord, cause: String
    ) async throws(StoreError) -> Bool {
        guard let runtime = parts.runtime(instance.source) else { return false }
        if instance.phase != .stopping { try await commit(.stopping(instance.id, cause: cause)) }
        let verdict = await runtime.stop(instance, grace: model.spec.effective.stopTimeout.duration)
        // Cut short by the end of this controller: the next one goes on from `stopping`.
        if case .unknown = verdict, Task.isCancelled { return false }
        try await record(verdict, of: instance)
        return true
    }
}

extension SourceSpec {
    /// The host that its port is opened on.
    fileprivate var host: String {
        switch self {
        case .localArtifact(let spec): spec.effectiveHost
        case .docker, .ecr: "127.0.0.1"
        }
    }
}
