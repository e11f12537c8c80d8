import Logging
import ModelCore
import Synchronization

/// One look after the other at a key: record what was seen, decide, perform one step, until nothing is left to do.
extension Controller {
    func work(on key: ModelKey) async {
        let awaited = state.withLock { state in
            state.queue.begin(key)
            state.unwritten.remove(key)
            return state.awaitedLooks.removeValue(forKey: key) ?? []
        }
        do {
            while try await step(key) {}
        } catch {
            await note(error, on: key)
        }
        tellListeners(of: key)
        tellReadiness(of: key)
        awaited.forEach { $0.open() }
        startWorkers { $0.queue.finish(key) }
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
        try await dismissCallers(of: key)
        try await recordDemand(for: key)
        guard let (model, instances) = try await parts.store.model(key) else {
            await forget(key)
            return false
        }
        // First: nobody may judge a former instance by what the next one is to be.
        try await noteFormerSpecs(of: model, instances)
        if try await forgetObstacle(to: model) { return true }
        state.withLock { $0.models[key] = model }
        if instances.contains(where: { $0.unknownReason != nil }) {
            giveHandBack(key)
            return try await verifyAgain(instances, of: model)
        }
        // Nobody else launches for this key: what nobody watches is left over from a launch that could not be recorded.
        if let leftover = instances.first(where: { $0.phase.isCurrent && !isWatched($0) }) {
            giveHandBack(key)
            try await adopt(leftover)
            return true
        }
        try await noteRestorable(model)
        let idleSince = await idleSince(of: model, instances)
        var observation = state.withLock { state in
            // Said anew by whoever still waits for one.
            state.awaitedPorts[key] = nil
            state.evictions[key] = state.eviction(of: model, instances)
            return state.observation(of: model, instances, idleSince: idleSince)
        }
        guard let outlook = try await outlook(for: observation) else { return true }
        observation.outlook = outlook
        let decision = decide(observation, now: parts.time.now())
        // Whoever wants to be started no more stands in nobody's way.
        if !keepsTurn(observation, by: decision), leaveLine(key) { wakeParked() }
        if !decision.isLaunch { try await leavePull(of: observation) }
        switch decision {
        case .operate(let step, let cause):
            if step.mayTakeLong { giveHandBack(key) }
            return try await perform(step, for: observation, cause: cause)
        case .wait(let until, let reason):
            await publish(model, instances)
            if instances.isEmpty {
                try await setWaiting(reason, for: model)
            } else if observation.fulfilling?.phase == .ready {
                // Of an edit that waited, and was taken back. What is not ready yet, or not now, has its own reason.
                try await setWaiting(nil, for: model)
            }
            if let until { wake(key, at: until) }
            return try await follow(observation)
        case .settled:
            await publish(model, instances)
            try await setWaiting(nil, for: model)
            return try await follow(observation)
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
}

extension Step {
    /// Whether it waits for requests in flight. A start first stands in line; what is drained and stopped is seen to by
    /// tasks of their own.
    fileprivate var mayTakeLong: Bool {
        if case .unload = self { true } else { false }
    }
}

extension Decision {
    var isLaunch: Bool {
        switch self {
        case .operate(.start, _), .operate(.restore, _): true
        default: false
        }
    }
}
