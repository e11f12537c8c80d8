import Logging
import ModelCore
import Synchronization

/// Whether an instance that was ready once is still alive, where its manifest asks for that.
extension Controller {
    /// Asks the instance as its manifest's `liveness` says now, until it is found dead, or the task is cancelled. An
    /// edit of the manifest counts at once.
    func watchLiveness(of instance: InstanceRecord, runtime: any Runtime) async {
        var tally = LivenessTally()
        var lastProbe = parts.time.now()
        while !Task.isCancelled {
            // First of all: no look at the model may be missed after its spec was read.
            let (changes, ticket) = listen(to: instance.key)
            defer { stopListening(to: instance.key, ticket) }
            guard let spec = effectiveSpec(of: instance) else { return }
            guard let probe = spec.liveness else {
                for await _ in changes { break }
                tally = LivenessTally()
                lastProbe = parts.time.now()
                continue
            }
            let due = lastProbe + probe.effectiveInterval
            if parts.time.now() < due {
                _ = await nextChange(in: changes, before: due)
                continue
            }
            let death = await askForLife(instance, runtime, probe, spec, &tally)
            lastProbe = parts.time.now()
            guard let death, !Task.isCancelled else { continue }
            return report(.dead(instance, death), of: instance.key)
        }
    }

    private func askForLife(
        _ instance: InstanceRecord, _ runtime: any Runtime, _ probe: ProbeSpec, _ spec: EffectiveSpec,
        _ tally: inout LivenessTally
    ) async -> LivenessTally.Death? {
        let verdict = await runtime.probe(instance, .http(probe), with: parts.prober)
        // After the probe: a prediction that was answered meanwhile counts.
        let activity = await parts.routes.activity(of: instance.id)
        return tally.note(verdict, activity: activity, rules: LivenessRules(probe, spec), at: parts.time.now())
    }

    /// Ends an instance that is not alive, as a failed one: requests go to the fallback from now on, those in flight may
    /// finish where the server still says anything, and the failure counts for the backoff. ``decide(_:now:)`` then has
    /// it stopped, and a new one started where the model is demanded.
    func bury(_ instance: InstanceRecord, _ death: LivenessTally.Death) async throws(StoreError) {
        guard let (model, instance) = try await current(instance, in: [.ready, .unready]) else { return }
        parts.logger.warning(
            "instance is not alive",
            metadata: [
                "model.key": "\(instance.key)", "instance.id": "\(instance.id)", "reason": "\(death.cause)",
            ])
        let now = parts.time.now()
        let failure = LoadFailure(.retryable, death.cause, at: now)
        let setback = try await setback(to: model, by: failure, of: .instance(instance))
        if instance.isRouted {
            _ = state.withLock { $0.buried.insert(instance.id) }
            // Nothing else is published for the model until the instance has ended, or another one serves.
            let reason = unavailability(of: model, condition: ModelCondition(.unhealthy, death.cause), now: now)
            await publish(Route(model, target: .unavailable(reason)))
        }
        try await commit(
            .unloading(
                instance.id, cause: death.cause, ending: setback.isFelt ? model.demand : .none,
                backoff: setback.backoff))
        guard !death.isSilent else { return }
        let spec = effectiveSpec(of: instance) ?? model.spec.effective
        attend(instance, by: .awaitDrain(instance, timeout: spec.drainTimeout))
    }
}
