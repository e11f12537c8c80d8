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
            return try await start(model, cause: causeToSucceed(model) ?? cause)
        case .restore:
            guard let last = observed.restorable else { return true }
            return try await restore(last, for: model, cause: cause)
        case .switch(let id):
            try await `switch`(to: id, observed)
        case .unload(let id):
            return try await unload(id, observed, cause: cause)
        case .unroute(let id):
            await noteUse(of: id)
            try await publishWithout(id, observed)
            try await commit(.unrouted(id, reason: cause))
        case .drain(let id):
            try await publishWithout(id, observed)
            try await commit(.draining(id, cause: cause))
            if let instance = observed.instance(id) {
                attend(instance, by: .awaitDrain(instance, timeout: observed.spec(of: instance).drainTimeout))
            }
        case .stop(let id):
            guard let instance = observed.instance(id), let runtime = parts.runtime(instance.source) else {
                return false
            }
            if instance.phase != .stopping { try await commit(.stopping(id, cause: cause)) }
            attend(instance, by: .end(instance, runtime, grace: observed.spec(of: instance).stopTimeout))
        case .giveUp(let id):
            guard let instance = observed.instance(id) else { return true }
            try await giveUp(instance, observed, cause: cause)
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

    /// Records the route, then publishes it: nothing that comes after it can be taken for what was there before.
    private func `switch`(to id: InstanceID, _ observed: Observation) async throws(StoreError) {
        try await commit(.routed(id))
        var instances = observed.instances
        for index in instances.indices { instances[index].isRouted = instances[index].id == id }
        await publish(observed.model, instances)
        if let instance = observed.instance(id) { submit.yield(.measure(instance)) }
    }

    /// Takes an instance out of the route before that is recorded, so that none that is recorded as out still gets
    /// requests.
    func publishWithout(_ id: InstanceID, _ observed: Observation) async throws(StoreError) {
        var instances = observed.instances
        for index in instances.indices where instances[index].id == id { instances[index].isRouted = false }
        await publish(observed.model, instances)
    }

    // MARK: - Start

    /// Why the model is started where an instance of it has ended for that; `nil` where none has.
    private func causeToSucceed(_ model: ModelRecord) -> String? {
        guard model.backoff == nil, let ended = state.withLock({ $0.successions[model.key] }),
            !model.isFulfilled(by: ended)
        else { return nil }
        return causeToReplace(ended, of: model)
    }

    private func start(_ wanted: ModelRecord, cause: String) async throws(StoreError) -> Bool {
        var model = wanted
        guard let source = model.spec.source, let runtime = parts.runtime(source) else { return false }
        if let obstacle = parts.obstacle(source, model.root) {
            state.withLock { $0.obstructed[model.key] = obstacle }
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
        let order = LaunchOrder(source: source, generation: model.generation, image: image)
        return try await launch(order, of: model, with: runtime, cause: cause)
    }

    /// Launches an instance where there is a port and room for it.
    func launch(
        _ order: LaunchOrder, of model: ModelRecord, with runtime: any Runtime, cause: String
    ) async throws(StoreError) -> Bool {
        // Parked before it looks: what is given back meanwhile wakes it.
        _ = state.withLock { $0.parked.insert(model.key) }
        let contest = try await contest(for: model, order)
        let ledger = try await parts.store.ledger(limits: limits, uses: contest.uses, at: parts.time.now())
        if let port = order.source.fixedPort, let holder = ledger.ports[port] {
            if try await yieldsPort(of: model, waitingFor: port) { return true }
            if try await isKept(port, by: holder, from: model, order) {
                let failure = LoadFailure(.retryable, portIsLeased(port, to: holder), at: parts.time.now())
                return try await fail(model, failure, insteadOf: order.insteadOf)
            }
            return try await park(model, until: port, isFreeOf: holder)
        }
        // Asked before anything is taken of the host: of those who wait, nobody holds a port.
        let outlook = admit(contest.claim, waiting: contest.waiting, ledger: ledger)
        guard outlook == .granted else {
            return try await wait(model, for: outlook, insteadOf: order.insteadOf, uses: contest.uses)
        }
        giveHandBack(model.key)
        let attempt = try await parts.store.attempts(of: model.key, generation: order.generation)
        var random = SystemRandomNumberGenerator()
        let id = InstanceID.make(at: parts.time.now(), using: &random)
        let port: Int
        do {
            port = try await runtime.reservePort(for: id, source: order.source, leased: Set(ledger.ports.keys))
        } catch {
            // Cut short by the end of this controller, and no failure of the model.
            if Task.isCancelled { return false }
            return try await fail(model, error, insteadOf: order.insteadOf)
        }
        var instance = InstanceRecord(
            id: id, key: model.key, generation: order.generation, attempt: attempt, source: order.source.runFields,
            host: order.source.host, port: port, createdAt: parts.time.now())
        instance.image = order.image
        instance.insteadOf = order.insteadOf
        return try await launch(instance, order.formerSpec, of: model, with: runtime, contest, cause: cause)
    }

    /// The gated launch: intent → prepare → identity → release. Whatever is not recorded ends by itself when the
    /// controller dies.
    private func launch(
        _ instance: InstanceRecord, _ formerSpec: ModelSpec?, of model: ModelRecord, with runtime: any Runtime,
        _ contest: Contest, cause: String
    ) async throws(StoreError) -> Bool {
        do {
            let admission = try await parts.store.begin(
                instance, cause: cause, contest: contest, at: parts.time.now())
            guard admission == .granted else {
                await runtime.abandon(instance.id)
                return try await wait(
                    model, for: admission, insteadOf: instance.insteadOf, uses: contest.uses)
            }
            leaveLine(model.key)
            state.withLock { state in
                state.parked.remove(instance.key)
                state.supplies[instance.key] = nil
                state.lackingRoomBeside[instance.key] = nil
                state.formerSpecs[instance.id] = formerSpec
            }
            // Whoever is next learns when his turn is at the latest.
            callUpLine()
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
        let setback = try await setback(to: model, by: failure, of: .instance(instance))
        try await commit(.exited(instance.id, exit, backoff: setback.backoff, endsDemand: setback.isFelt))
        state.withLock { $0.forget(instance.id) }
        await tell(of: setback, model)
        wakeParked()
        return true
    }

    /// A load that failed before there was an instance.
    func fail(
        _ model: ModelRecord, _ failure: LoadFailure, insteadOf: Int? = nil
    ) async throws(StoreError) -> Bool {
        let failed = FailedLaunch.load(generation: model.generation, insteadOf: insteadOf)
        let setback = try await setback(to: model, by: failure, of: failed)
        let ending = setback.isFelt ? model.demand : .none
        if let backoff = setback.backoff {
            try await commit(
                insteadOf == nil
                    ? .loadFailed(model.key, generation: model.generation, backoff, ending: ending)
                    : .restorationFailed(model.key, insteadOf: model.generation, backoff, ending: ending))
        }
        state.withLock { state in
            state.pulls[model.key] = nil
            state.supplies[model.key] = nil
        }
        await tell(of: setback, model)
        // Who waits for a port that it was to give up may have to go another way.
        if setback.backoff?.isRejection == true { wakeParked() }
        return true
    }

    func park(_ model: ModelRecord, reason: String) async throws(StoreError) -> Bool {
        try await setWaiting(reason, for: model)
        guard let (model, instances) = try await parts.store.model(model.key) else { return false }
        await publish(model, instances)
        return false
    }

    // MARK: - Failures

    func backoff(after failure: LoadFailure, previous: Backoff?) -> Backoff {
        Backoff.after(failure, previous: previous, jitter: Double.random(in: 0..<1))
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

    private func giveUp(
        _ instance: InstanceRecord, _ observed: Observation, cause: String
    ) async throws(StoreError) {
        let model = observed.model
        let lastProbe = state.withLock { $0.lastProbe[instance.id] }
        let message = lastProbe.map { "\(cause); the last probe said: \($0)" } ?? cause
        let failure = LoadFailure(.retryable, message, at: parts.time.now())
        let setback = try await setback(to: model, by: failure, of: .instance(instance))
        guard let backoff = setback.backoff else { return try await commit(.stopping(instance.id, cause: cause)) }
        try await commit(
            .givenUp(instance.id, cause: cause, backoff: backoff, ending: setback.isFelt ? model.demand : .none))
        await tell(of: setback, model)
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
}

/// What is to be launched.
struct LaunchOrder: Sendable {
    var source: SourceSpec
    var generation: Int
    var image: String?
    /// The generation in whose place it is launched.
    var insteadOf: Int?
    /// What it was accepted with, where that is not what is wanted.
    var formerSpec: ModelSpec?
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
