import ModelCore
import Synchronization

/// What the gateway is told.
extension Controller {
    /// Tells the gateway where predictions for a model go, where that has changed.
    func publish(_ model: ModelRecord, _ instances: [InstanceRecord]) async {
        await publish(Route(model, target: routeTarget(of: model, instances: instances, now: parts.time.now())))
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
            state.serving[key] = nil
            state.evictions[key] = nil
            state.dismissed[key] = nil
            state.pulls[key] = nil
            state.supplies[key] = nil
            state.following.remove(key)
            return state.published.removeValue(forKey: key) != nil
        }
        if wasKnown { await parts.routes.publish([.remove(key)]) }
    }
}
