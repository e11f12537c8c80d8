import Logging
import ModelCore
import Synchronization

/// Why an instance is asked to leave, and whether it may finish requests first.
struct Eviction: Hashable, Sendable {
    var instance: InstanceID
    var cause: String
    /// Whether it is in use: it takes no new requests from now on, and leaves once those in flight are answered.
    var waitsForRequests: Bool
}

/// Starts that wait for a slot, for memory, or for another model to make room.
///
/// A model stands in line from its first look until it is admitted or no longer wants to be started. Whose turn it is
/// is for ``admit(_:waiting:ledger:)`` to say; here is only who waits, since when, and whom to ask to leave. Whoever is
/// asked to leave does so by his own worker, and only if he is then still idle.
extension Controller {
    /// How long the line goes without a look where models wait for room: what no trigger tells of (memory that was given
    /// back, a busy model that would not yield) is seen after this long.
    static let roomRetryDelay: Seconds = 10
    /// From a model's becoming idle to the look of who waits for that, so that one that is idle for moments only does
    /// not keep the controller busy.
    static let idleLookPause = Seconds(milliseconds: 10)

    /// What a start of the model is judged by. From now on it stands in line.
    func contest(for model: ModelRecord, _ order: LaunchOrder) async throws(StoreError) -> Contest {
        let now = parts.time.now()
        let (claim, waiting) = state.withLock { state in
            // What stands in takes what it was accepted with, and not what the generation does that has failed.
            state.standInMemory[model.key] = order.formerSpec.map { max($0.declaredMemory ?? 0, model.memory ?? 0) }
            if state.waitingForRoom[model.key] == nil { state.waitingForRoom[model.key] = now }
            return (state.claim(of: model, at: now), state.waitingClaims(at: now))
        }
        guard limits.areAboutRoom else { return Contest(limits: limits, claim: claim, waiting: waiting) }
        let uses = await uses(of: try await parts.store.liveInstances())
        return Contest(limits: limits, claim: claim, waiting: waiting, uses: uses)
    }

    /// The model waits no longer: it is admitted, or need not be.
    /// - Returns: whether it did.
    @discardableResult
    func leaveLine(_ key: ModelKey) -> Bool {
        state.withLock { state in
            state.successions[key] = nil
            state.standInMemory[key] = nil
            return state.waitingForRoom.removeValue(forKey: key) != nil
        }
    }

    /// Whether the model has its turn still, or takes it now: a start is wanted, or its own instance ends for one. The
    /// place of that one is not given away in between.
    func keepsTurn(_ observed: Observation, by decision: Decision) -> Bool {
        if decision.isLaunch { return true }
        let key = observed.model.key
        let now = parts.time.now()
        return state.withLock { state in
            if let ending = observed.succeeded(by: decision) {
                state.successions[key] = ending
            } else if state.successions[key] == nil || !observed.awaitsSuccession {
                return false
            }
            if state.waitingForRoom[key] == nil { state.waitingForRoom[key] = now }
            return true
        }
    }

    /// The start was not admitted. Returns whether to look again at once.
    /// - Parameters:
    ///   - insteadOf: the generation in whose place something was to be started.
    ///   - uses: what it was judged by.
    func wait(
        _ model: ModelRecord, for admission: Admission, insteadOf: Int?, uses: [InstanceID: InstanceUse]
    ) async throws(StoreError) -> Bool {
        switch admission {
        case .granted:
            return true
        case .refused(let reason):
            return try await fail(model, LoadFailure(.terminal, reason, at: parts.time.now()), insteadOf: insteadOf)
        case .yieldFirst(let reason) where try await isServedByStandIn(model):
            // That one is not ended for another try, so this one has no turn to wait for.
            leaveLine(model.key)
            wake(model.key, at: parts.time.now() + Self.roomRetryDelay)
            return try await park(model, reason: reason)
        case .yieldFirst(let reason):
            parts.logger.notice(
                "no room for two instances: the one that serves ends first",
                metadata: ["model.key": "\(model.key)", "reason": "\(reason)"])
            state.withLock { $0.lackingRoomBeside[model.key] = model.generation }
            return true
        case .wait(let reason):
            if limits.areAboutRoom {
                let busy = try await parts.store.liveInstances().filter { uses[$0.id]?.tenure.isInUse == true }
                watchForIdleness(of: busy, for: model.key)
            }
            callUpLine()
            return try await park(model, reason: reason)
        case .evict(let ids, let reason):
            let instances = try await parts.store.liveInstances().filter { ids.contains($0.id) }
            await evict(instances, cause: "makes room for \(model.key)")
            return try await park(model, reason: reason)
        }
    }

    /// Whether a former generation was started again and serves in place of the current one, which had failed.
    private func isServedByStandIn(_ model: ModelRecord) async throws(StoreError) -> Bool {
        let instances = try await parts.store.model(model.key)?.instances ?? []
        return instances.contains { $0.phase.isCurrent && $0.standsIn(for: model) }
    }

    /// Asks instances to leave. Returns at once.
    func evict(_ instances: [InstanceRecord], cause: String) async {
        let activity = await parts.routes.activity(of: instances.map(\.id))
        state.withLock { state in
            for instance in instances where state.evictions[instance.key] == nil {
                let isBusy = (activity[instance.id]?.inFlight ?? 0) > 0
                state.evictions[instance.key] = Eviction(
                    instance: instance.id, cause: cause, waitsForRequests: isBusy)
            }
        }
        enqueue(instances.map(\.key))
    }

    // MARK: - What is seen of those that run

    /// How each instance is used, and where a memory budget is set, what it takes.
    func uses(of instances: [InstanceRecord]) async -> [InstanceID: InstanceUse] {
        let memory = limits.memory == nil ? [:] : await measure(instances)
        let activity = await parts.routes.activity(of: instances.map(\.id))
        let now = parts.time.now()
        return state.withLock { state in
            var uses: [InstanceID: InstanceUse] = [:]
            for instance in instances {
                let tenure = state.tenure(of: instance, activity[instance.id] ?? InstanceActivity(), at: now)
                // What it was accepted with, where that is not what is wanted any more.
                let declared = state.formerSpecs[instance.id].map { $0.declaredMemory ?? 0 }
                uses[instance.id] = InstanceUse(memory: memory[instance.id], declared: declared, tenure: tenure)
            }
            return uses
        }
    }

    /// Has a look taken at `key` as soon as one of these instances that may make room is idle. They were in use when it
    /// was found to have to wait: of one that was idle then, another look would find nothing new.
    private func watchForIdleness(of instances: [InstanceRecord], for key: ModelKey) {
        let busy = state.withLock { state -> [InstanceID] in
            let candidates = instances.filter {
                $0.key != key && state.serving[$0.key]?.instance == $0.id
                    && state.models[$0.key]?.mayMakeRoom == true
            }
            guard !candidates.isEmpty, state.idleWatches.insert(key).inserted else { return [] }
            return candidates.map(\.id)
        }
        if !busy.isEmpty { submit.yield(.awaitIdleness(of: busy, for: key)) }
    }

    func awaitIdleness(of instances: [InstanceID], for key: ModelKey) async {
        await withTaskGroup { group in
            for id in instances {
                group.addTask { _ = await self.parts.routes.drained(id, timeout: Self.roomRetryDelay.duration) }
            }
            await group.next()
            group.cancelAll()
        }
        try? await parts.time.sleep(for: Self.idleLookPause)
        let isWaiting = state.withLock { state in
            state.idleWatches.remove(key)
            return state.waitingForRoom[key] != nil
        }
        if isWaiting { enqueue(key) }
    }
}

extension Controller.State {
    fileprivate func claim(of model: ModelRecord, at now: Timestamp) -> Claim {
        var claim = Claim(
            of: model, calledSince: calls[model.key], waitingSince: waitingForRoom[model.key] ?? now, now: now)
        if let memory = standInMemory[model.key] { claim.memory = memory }
        claim.isSuccession = successions[model.key] != nil
        return claim
    }

    func waitingClaims(at now: Timestamp) -> [Claim] {
        waitingForRoom.keys.compactMap { key in models[key].map { claim(of: $0, at: now) } }
    }

    /// An instance counts as idle only from when the gateway has sent those to it who waited for it.
    fileprivate func tenure(of instance: InstanceRecord, _ activity: InstanceActivity, at now: Timestamp) -> Tenure {
        if evictions[instance.key]?.instance == instance.id { return .leaving }
        let serving = serving[instance.key].flatMap { $0.instance == instance.id ? $0 : nil }
        guard serving != nil || instance.phase == .unready else { return .fixed }
        if activity.inFlight == 0 { return .idle(since: lastUse(of: instance, activity, at: now)) }
        guard let serving, unyielding[instance.id].map({ $0 <= now }) ?? true else { return .fixed }
        return .busy(since: serving.since)
    }
}
