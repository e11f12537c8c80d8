import Logging
import ModelCore
import Synchronization

/// Two instances of one model, where one takes the place of the other, and what is done where the new one fails.
///
/// What is on its way out is left to a task of its own, so that a slow drain does not keep its model from being looked at:
/// the successor becomes ready, fails, or is edited again meanwhile. The task changes nothing but through the worker of the
/// key, and is not needed for what comes next: what is recorded as leaving and seen to by nobody is stopped.
extension Controller {
    /// Remembers what those instances were accepted with that are not what is wanted any more.
    func noteFormerSpecs(of model: ModelRecord, _ instances: [InstanceRecord]) async throws(StoreError) {
        for instance in instances {
            guard !model.isFulfilled(by: instance) else {
                _ = state.withLock { $0.formerSpecs.removeValue(forKey: instance.id) }
                continue
            }
            guard state.withLock({ $0.formerSpecs[instance.id] == nil }) else { continue }
            // Not that of its own generation: where an edit was taken back, it served a later one, too.
            let spec = try await parts.store.spec(
                of: model.key, running: instance.source, before: model.endOfFulfilment(by: instance))
            guard let spec else { continue }
            state.withLock { $0.formerSpecs[instance.id] = spec }
        }
    }

    /// Remembers what may be started again in place of the generation that has failed.
    func noteRestorable(_ model: ModelRecord) async throws(StoreError) {
        let last = try await restorable(model)
        state.withLock { $0.restorable[model.key] = last }
    }

    private func restorable(_ model: ModelRecord) async throws(StoreError) -> InstanceRecord? {
        guard model.backoff != nil, let last = try await parts.store.lastReady(of: model.key) else { return nil }
        return model.mayRestore(last) ? last : nil
    }

    /// Launches what was ready last once more: the same image, whatever its name stands for now.
    func restore(_ last: InstanceRecord, for model: ModelRecord, cause: String) async throws(StoreError) -> Bool {
        let accepted = try await parts.store.spec(
            of: model.key, running: last.source, before: model.endOfFulfilment(by: last))
        let order = LaunchOrder(
            source: last.source, generation: last.generation, image: last.image, insteadOf: model.generation,
            formerSpec: accepted)
        guard let runtime = parts.runtime(order.source) else { return false }
        if let obstacle = parts.obstacle(order.source, model.root) {
            let failure = LoadFailure(.terminal, obstacle, at: parts.time.now())
            return try await fail(model, failure, insteadOf: order.insteadOf)
        }
        switch try await supplyAgain(last, for: model, with: runtime, cause: cause) {
        case .ready: return try await launch(order, of: model, with: runtime, cause: cause)
        case .underway: return try await awaitPull(of: model)
        // Cut short by the end of this controller, and no failure of the model.
        case .failed where Task.isCancelled: return false
        case .failed(let failure): return try await fail(model, failure, insteadOf: order.insteadOf)
        }
    }

    // MARK: - Ports

    /// The model waits for a port. Where that one's model waits, over however many others, for one that this model serves
    /// on, one of them ends what serves first: the one whose key is the least, and the others follow.
    /// - Returns: whether it is this one.
    func yieldsPort(of model: ModelRecord, waitingFor port: Int) async throws(StoreError) -> Bool {
        let serving = try await parts.store.liveInstances().filter(\.phase.isCurrent)
        let holders = Dictionary(serving.map { ($0.port, $0.key) }) { first, _ in first }
        // What stands in for a generation that has failed is not ended for another try of it.
        let mayYield = !serving.contains { $0.key == model.key && $0.standsIn(for: model) }
        let yields = state.withLock { state -> ModelKey? in
            state.awaitedPorts[model.key] = port
            let cycle = portCycle(of: model.key, waiting: state.awaitedPorts, serving: holders)
            guard let least = cycle?.min() else { return nil }
            guard least != model.key || mayYield else { return nil }
            if least == model.key { state.lackingRoomBeside[model.key] = model.generation }
            return least
        }
        guard let yields else { return false }
        guard yields == model.key else {
            enqueue([yields])
            return false
        }
        parts.logger.notice(
            "models wait for each other's ports: what serves of this one ends first",
            metadata: ["model.key": "\(model.key)", "port": "\(port)"])
        return true
    }

    /// Whether the port stays another model's, and this one has something better to do than to wait for it: nothing of it
    /// is there, and what was ready last could be started again. So it is where one of a circle has ended what served, and
    /// the next generation of the other one fails.
    func isKept(
        _ port: Int, by holder: ModelKey, from model: ModelRecord, _ order: LaunchOrder
    ) async throws(StoreError) -> Bool {
        guard let (other, others) = try await parts.store.model(holder), holder != model.key,
            let instance = others.first(where: { $0.port == port }), instance.phase.isCurrent,
            // One that is to be replaced gives it up soon, unless that has failed for good.
            (other.isFulfilled(by: instance) && instance.readyAt != nil) || other.backoff?.isRejection == true,
            let found = try await parts.store.model(model.key), !found.instances.contains(where: \.phase.isCurrent)
        else { return false }
        if order.insteadOf != nil { return true }
        guard let last = try await parts.store.lastReady(of: model.key) else { return false }
        return last.source.fixedPort != port && model.hasWayBack(to: last)
    }

    // MARK: - Failures

    /// What a failure means for the model as it is now, which may have been edited since it was looked at.
    func setback(
        to model: ModelRecord, by failure: LoadFailure, of failed: FailedLaunch
    ) async throws(StoreError) -> Setback {
        let found = try await parts.store.model(model.key)
        return (found?.model ?? model).setback(
            by: failure, of: failed, others: found?.instances ?? [],
            lastReady: try await parts.store.lastReady(of: model.key), jitter: Double.random(in: 0..<1))
    }

    /// Tells the log, and where nothing serves in spite of it the callers that are held.
    func tell(of setback: Setback, _ model: ModelRecord) async {
        guard !setback.isFelt else {
            // Who is held for the next generation, which was accepted meanwhile, has another load to wait for.
            let generation = try? await parts.store.model(model.key)?.model.generation
            if generation == model.generation { await tellCallers(of: model, about: setback.failure) }
            return
        }
        let message: Logger.Message =
            setback.backoff == nil
            ? "load failed of what is not wanted any more"
            : "load failed; what served before is kept, or started again"
        parts.logger.warning(
            message, metadata: ["model.key": "\(model.key)", "reason": "\(setback.failure.message)"])
    }

    // MARK: - On the way out

    /// Leaves an instance on its way out to a task. The next look after the task has ended goes on from what is recorded
    /// then; so does the next controller.
    func attend(_ instance: InstanceRecord, by job: Job) {
        _ = state.withLock { $0.attended.insert(instance.id) }
        submit.yield(job)
    }

    func end(_ instance: InstanceRecord, with runtime: any Runtime, grace: Seconds) async {
        let verdict = await runtime.stop(instance, grace: grace.duration)
        // Cut short by the end of this controller: the next one goes on from `stopping`.
        if case .unknown = verdict, Task.isCancelled { return }
        dismiss(instance, after: .ended(instance, verdict))
    }

    /// Nobody attends to the instance any more. In one piece with the next look: there is no moment at which a controller
    /// that is shutting down could think that nothing is left to do.
    func dismiss(_ instance: InstanceRecord, after sighting: Sighting? = nil) {
        startWorkers { state in
            state.attended.remove(instance.id)
            if let sighting { state.sightings[instance.key, default: []].append(sighting) }
            state.queue.add(instance.key)
        }
    }
}

extension Observation {
    func instance(_ id: InstanceID) -> InstanceRecord? { instances.first { $0.id == id } }
}
