import Logging
import ModelCore
import Synchronization

/// Returning models to standby that nobody uses, or that make room.
extension Controller {
    /// How long a busy model that was asked to make room, and whose requests took too long, is left alone.
    static let unyieldingPause: Seconds = 10

    /// Takes the instance out of its route, and unloads it if it is idle then.
    ///
    /// Until it is recorded nothing is lost: whoever asks meanwhile is held by the gateway, and the route comes back.
    /// What is held after that is served by a new load. Returns whether to look again at once.
    func unload(_ id: InstanceID, _ observed: Observation, cause: String) async throws(StoreError) -> Bool {
        let model = observed.model
        let waits = state.withLock { $0.evictions[model.key]?.waitsForRequests } ?? false
        await noteUse(of: id)
        try await publishWithout(id, observed)
        let isIdle = waits ? await drain(id, timeout: model.spec.effective.drainTimeout) : await isIdle(id)
        // One that was asked to make room lets new callers wait for their turn; any other one is wanted again.
        let isWanted = !waits && state.withLock { $0.demanded.contains(model.key) }
        guard isIdle, !isWanted else {
            await keep(id, observed, isUnyielding: waits)
            return true
        }
        await recordMemory(of: observed.instances.filter { $0.id == id })
        do throws(StoreError) {
            try await commit(.unloading(id, cause: cause, ending: model.demand))
        } catch {
            await keep(id, observed, isUnyielding: false)
            throw error
        }
        state.withLock { $0.evictions[model.key] = nil }
        parts.logger.info("model unloaded", metadata: ["model.key": "\(model.key)", "cause": "\(cause)"])
        return true
    }

    private func isIdle(_ id: InstanceID) async -> Bool { await parts.routes.inFlight(id) == 0 }

    /// Puts it back where it was; whoever it was to make room for looks for another one.
    private func keep(_ id: InstanceID, _ observed: Observation, isUnyielding: Bool) async {
        let now = parts.time.now()
        state.withLock { state in
            state.evictions[observed.model.key] = nil
            state.lastUse[id] = now
            if isUnyielding { state.unyielding[id] = now + Self.unyieldingPause }
        }
        await publish(observed.model, observed.instances)
        wakeParked()
    }

    // MARK: - Idleness

    /// Since when nothing has been in flight at the model's instance, where its manifest makes that matter.
    func idleSince(of model: ModelRecord, _ instances: [InstanceRecord]) async -> Timestamp? {
        guard case .after = model.spec.effective.idleTimeout, model.spec.effective.load == .onDemand,
            let instance = instances.only(where: \.phase.isCurrent),
            instance.phase == .ready || instance.phase == .unready
        else { return nil }
        let activity = await parts.routes.activity(of: [instance.id])[instance.id] ?? InstanceActivity()
        guard activity.inFlight == 0 else { return nil }
        let now = parts.time.now()
        return state.withLock { $0.lastUse(of: instance, activity, at: now) }
    }

    /// Remembers when the instance was last used, before the gateway forgets it with the route.
    func noteUse(of id: InstanceID) async {
        let activity = await parts.routes.activity(of: [id])[id] ?? InstanceActivity()
        let now = parts.time.now()
        state.withLock { state in
            guard let last = activity.inFlight > 0 ? now : activity.lastAnswer(at: now) else { return }
            state.lastUse[id] = max(state.lastUse[id] ?? last, last)
        }
    }

    /// The gateway sends requests to another place now.
    func noteServing(_ route: Route) {
        let now = parts.time.now()
        let mayMakeRoom = state.withLock { state -> Bool in
            var isNew = false
            switch route.target {
            case .instance(let id, _, _):
                if state.serving[route.key]?.instance != id {
                    state.serving[route.key] = Controller.State.Serving(instance: id, since: now)
                    isNew = true
                }
                if state.lastUse[id] == nil { state.lastUse[id] = now }
                state.calls[route.key] = nil
            case .remote, .unavailable:
                state.serving[route.key] = nil
                state.calls[route.key] = nil
            case .cold:
                state.serving[route.key] = nil
            }
            return isNew && !state.waitingForRoom.isEmpty
        }
        if mayMakeRoom, limits.areAboutRoom { wakeParked() }
    }

    // MARK: - The operator's word

    /// Answers callers who wait for a load that an operator has just called off. Whoever comes later may ask for the
    /// next one.
    func dismissCallers(of key: ModelKey) async throws(StoreError) {
        guard let by = state.withLock({ $0.dismissed[key] }) else { return }
        if let (model, instances) = try await parts.store.model(key), !model.isDemanded,
            !instances.contains(where: \.isRouted), !model.spec.isRemote
        {
            await publish(Route(model, target: .unavailable(dismissal(of: model, by: by, now: parts.time.now()))))
            // Nobody is held any more, and all who asked before that were.
            _ = state.withLock { $0.demanded.remove(key) }
            await publish(model, instances)
        }
        state.withLock { $0.dismissed[key] = nil }
    }
}

extension Controller.State {
    struct Serving: Hashable, Sendable {
        var instance: InstanceID
        var since: Timestamp
    }

    /// When the instance was last used, or began to serve, or was last asked for by an operator.
    func lastUse(of instance: InstanceRecord, _ activity: InstanceActivity, at now: Timestamp) -> Timestamp {
        var last = lastUse[instance.id] ?? instance.phaseSince
        if let answer = activity.lastAnswer(at: now) { last = max(last, answer) }
        if case .loaded(let since, _) = models[instance.key]?.demand { last = max(last, since) }
        return last
    }
}

extension [InstanceRecord] {
    /// The one that meets a condition, where no other does.
    fileprivate func only(where condition: (InstanceRecord) -> Bool) -> InstanceRecord? {
        let found = filter(condition)
        return found.count == 1 ? found[0] : nil
    }
}

extension InstanceActivity {
    func lastAnswer(at now: Timestamp) -> Timestamp? {
        sinceLastAnswer.map { now + Seconds(milliseconds: -Int64($0 / .milliseconds(1))) }
    }
}
