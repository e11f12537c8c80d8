import ModelCore
import Synchronization

/// What the gateway is told.
extension Controller {
    /// Tells the gateway where predictions for a model go, where that has changed.
    func publish(_ model: ModelRecord, _ instances: [InstanceRecord]) async {
        let (isRestorable, buried) = state.withLock { ($0.restorable[model.key] != nil, $0.buried) }
        if let instance = instances.principal, !instance.phase.isCurrent, buried.contains(instance.id) { return }
        let target = routeTarget(of: model, instances: instances, isRestorable: isRestorable, now: parts.time.now())
        let served = state.withLock { $0.asServed(model, by: target) }
        await publish(Route(served, target: target))
    }

    func publish(_ route: Route) async { await publish([route]) }

    func publish(_ routes: [Route]) async {
        let news = state.withLock { state in
            routes.filter { route in
                if state.published[route.key] == route { return false }
                state.published[route.key] = route
                return true
            }
        }
        if !news.isEmpty { await parts.routes.publish(news.map { .set($0) }) }
        for route in routes { noteServing(route) }
    }

    /// The model does not exist any more.
    func forget(_ key: ModelKey) async {
        let wasKnown = state.withLock { state in
            state.models[key] = nil
            state.demanded.remove(key)
            state.calls[key] = nil
            state.waitingForRoom[key] = nil
            state.standInMemory[key] = nil
            state.successions[key] = nil
            state.serving[key] = nil
            state.evictions[key] = nil
            state.dismissed[key] = nil
            state.pulls[key] = nil
            state.supplies[key] = nil
            state.outlooks[key] = nil
            state.following.remove(key)
            state.lackingRoomBeside[key] = nil
            state.awaitedPorts[key] = nil
            state.restorable[key] = nil
            state.parked.remove(key)
            state.unwritten.remove(key)
            state.obstructed[key] = nil
            state.unobstructed.remove(key)
            return state.published.removeValue(forKey: key) != nil
        }
        if wasKnown { await parts.routes.publish([.remove(key)]) }
    }
}

extension Controller.State {
    /// A former instance is asked as it was asked before the edit that is to replace it.
    func asServed(_ model: ModelRecord, by target: Route.Target) -> ModelRecord {
        guard case .instance(let id, _, _) = target, let spec = formerSpecs[id] else { return model }
        var served = model
        served.spec = spec
        return served
    }
}
