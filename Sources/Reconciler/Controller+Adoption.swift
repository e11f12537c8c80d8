import Logging
import ModelCore
import Synchronization

/// Finding again what an earlier run of the controller started.
extension Controller {
    /// Adopts every live instance and publishes the route of every accepted model, before anything is started. When
    /// it returns, the gateway can serve as the earlier controller did.
    package func adoptInstances() async throws(StoreError) {
        try await closeInterruptedPulls()
        let instances = try await parts.store.liveInstances()
        let errors = await withTaskGroup(of: StoreError?.self) { group in
            for instance in instances {
                group.addTask {
                    do throws(StoreError) {
                        try await self.adopt(instance)
                        return nil
                    } catch {
                        return error
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }.compactMap(\.self)
        }
        if let error = errors.first { throw error }
        try await publishAll()
        await pruneRuntimeFiles()
        // Not waited for: an engine that hangs must not keep what is ready from being served.
        submit.yield(.sweep)
    }

    /// Publishes the route of every accepted model, all at once.
    private func publishAll() async throws(StoreError) {
        let models = try await parts.store.models()
        let live = Dictionary(grouping: try await parts.store.liveInstances(), by: \.key)
        for model in models {
            try await noteFormerSpecs(of: model, live[model.key] ?? [])
            try await noteRestorable(model)
        }
        let now = parts.time.now()
        await publish(
            models.map { model in
                let isRestorable = state.withLock { $0.restorable[model.key] != nil }
                let target = routeTarget(
                    of: model, instances: live[model.key] ?? [], isRestorable: isRestorable, now: now)
                return Route(state.withLock { $0.asServed(model, by: target) }, target: target)
            })
        state.withLock { state in
            for model in models {
                state.models[model.key] = model
                state.obstructed[model.key] = model.backoff?.obstacle
                state.noteReadiness(of: model.key)
            }
        }
    }

    /// Deletes the files of instances that ended long ago.
    func pruneRuntimeFiles() async {
        guard let live = try? await parts.store.liveInstances() else { return }
        await parts.pruneFiles(Set(live.map(\.id)))
    }

    /// Takes over one recorded instance, or records that it is gone. Repeats no effect.
    func adopt(_ instance: InstanceRecord) async throws(StoreError) {
        guard let runtime = parts.runtime(instance.source) else {
            let reason = "no runtime for \(instance.source.type) in this version of modelet"
            return try await commit(.unknown(instance.id, reason: reason))
        }
        switch await runtime.adopt(instance) {
        case .ours where instance.phase == .intent:
            // Its gate was closed when its controller died; it is looked at again until it has ended.
            try await commit(.unknown(instance.id, reason: "its launch was interrupted, and it has not ended yet"))
        case .ours(let server, let engine):
            try await commit(.adopted(instance.id, server: server, engine: engine))
            // It was let go, but the controller died before it could say so.
            if instance.phase == .gated { try await commit(.released(instance.id)) }
            try await watchAgain(instance)
            parts.logger.info("instance adopted", metadata: metadata(of: instance))
        case .gone(let exit):
            try await record(.exited(exit), of: instance)
            parts.logger.notice(
                "instance is gone", metadata: metadata(of: instance).merging(["reason": "\(exit.message)"]) { $1 })
        case .unknown(let reason):
            if instance.unknownReason != reason { try await commit(.unknown(instance.id, reason: reason)) }
            parts.logger.warning(
                "instance cannot be identified",
                metadata: metadata(of: instance).merging(["reason": "\(reason)"]) { $1 })
        }
    }

    private func watchAgain(_ instance: InstanceRecord) async throws(StoreError) {
        guard let (_, instances) = try await parts.store.model(instance.key),
            let current = instances.first(where: { $0.id == instance.id })
        else { return }
        startWatching(current)
    }

    private func metadata(of instance: InstanceRecord) -> Logger.Metadata {
        ["model.key": "\(instance.key)", "instance.id": "\(instance.id)", "port": "\(instance.port)"]
    }
}

extension Backoff {
    /// What may have been said of the disk: the failure came before there was an instance, and needs somebody to change
    /// something. Which of those it was is not recorded; to try one of the others once more, too, does no harm.
    fileprivate var obstacle: String? {
        lastFailure.classification == .terminal && lastFailure.exit == nil ? lastFailure.message : nil
    }
}
