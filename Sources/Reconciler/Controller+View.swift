package import ModelCore
import Synchronization

/// Saying what is seen and decided, without doing anything about it.
extension Controller {
    package func view(of key: ModelKey) async throws(ControlError) -> ControllerView {
        let found: (model: ModelRecord, instances: [InstanceRecord])?
        do throws(StoreError) {
            found = try await parts.store.model(key)
        } catch {
            throw ControlError(error)
        }
        guard let (model, instances) = found else {
            _ = try await existing(key)
            throw .noSuchModel(key, suggestion: nil)
        }
        let activity = await parts.routes.activity(of: instances.map(\.id))
        let idleSince = await idleSince(of: model, instances)
        let now = parts.time.now()
        return state.withLock { state in
            let observed = state.observation(of: model, instances, idleSince: idleSince)
            // What is recorded half way through a step would be decided on as what a crash has left.
            let isInWork = state.queue.isInWork(key)
            var view = ControllerView(
                decision: isInWork ? DecisionReport(.underway) : DecisionReport(decide(observed, now: now)))
            view.isShuttingDown = observed.isShuttingDown
            view.idleSince = idleSince
            view.eviction = observed.eviction
            view.isSupplied = observed.outlook != .awaitsImage
            view.nextLook = state.timers[key]
            view.inLineSince = state.waitingForRoom[key]
            view.calledSince = state.calls[key]
            view.instances = instances.map { instance in
                InstanceView(
                    id: instance.id, inFlight: activity[instance.id]?.inFlight ?? 0,
                    lastAnswer: activity[instance.id]?.lastAnswer(at: now), lastProbe: state.lastProbe[instance.id])
            }
            return view
        }
    }
}
