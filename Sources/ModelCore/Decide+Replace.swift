extension Observation {
    /// Its instances that are not on their way out, oldest first.
    var current: [InstanceRecord] { instances.filter(\.phase.isCurrent) }

    /// The instance that is what is wanted, on its way or there; `nil` where there is none.
    package var fulfilling: InstanceRecord? { current.first(where: model.isFulfilled) }

    /// Its instances that are on their way out, oldest first.
    var leaving: [InstanceRecord] { instances.filter { !$0.phase.isCurrent } }

    /// How many instances of a model may be on their way out when another one is started. Each edit of what is run leaves
    /// one behind, and one that ignores TERM, or has a long request in flight, stays for a while: without a bound the
    /// host would be full of them.
    package static let mostLeaving = 2

    /// Where no instance is current, the one whose end comes before anything else; `nil` where nothing need wait for one.
    /// What serves nobody any more keeps its successor waiting only where the two cannot be there together: its requests
    /// may take long, and until then nothing would serve.
    var awaitedEnd: InstanceRecord? {
        guard model.isDemanded, !isShuttingDown, leaving.count <= Self.mostLeaving,
            model.spec.effective.update == .availability, !lacksRoomBeside
        else { return leaving.first }
        let isRestoring = model.backoff?.isRejection == true && restorable != nil
        guard let port = (isRestoring ? restorable?.source : model.spec.source)?.fixedPort else { return nil }
        return leaving.first { $0.port == port }
    }

    /// What the instance was accepted with: neither is a former one hurried, nor is it kept, as the next one is to be.
    package func spec(of instance: InstanceRecord) -> EffectiveSpec {
        (model.isFulfilled(by: instance) ? model.spec : formerSpecs[instance.id] ?? model.spec).effective
    }

    /// The instance that serves and has to end before the next generation is started; `nil` where there is none, or
    /// nothing is to be started.
    package var replaced: InstanceRecord? {
        guard !isShuttingDown, model.isDemanded, current.count == 1, let instance = current.first,
            instance.isRouted, instance.phase == .ready, instance.unknownReason == nil,
            !model.isFulfilled(by: instance), !mayStandBesideNext(instance), !instance.standsIn(for: model)
        else { return nil }
        return instance
    }

    /// Why a new instance is to take the place of ``replaced``.
    package var causeToReplace: String {
        replaced.map { ModelCore.causeToReplace($0, of: model) } ?? ""
    }

    /// Whether an instance of a former generation may serve on, or recover, while the next one loads.
    func mayStandBesideNext(_ instance: InstanceRecord) -> Bool {
        !model.isReplacedInTurn(instance) && !lacksRoomBeside && instance.hasBeenReady
    }
}

/// Decides about instances of former generations where none of the current one exists yet.
func decideAboutReplacing(_ former: [InstanceRecord], of observed: Observation, now: Timestamp) -> Decision {
    let model = observed.model
    let instance = former.first(where: \.isRouted) ?? former.first { $0.phase == .ready } ?? former[0]
    if let idle = former.first(where: { $0.id != instance.id }) {
        return .operate(end(idle), cause: causeToReplace(idle, of: model))
    }
    if isBlocked(instance, in: observed, now: now) { return decideAboutBlocked(instance, of: observed, now: now) }
    if observed.mayStandBesideNext(instance) {
        if observed.leaving.count > Observation.mostLeaving {
            let wait = Decision.wait(until: nil, reason: "waits for the end of former instances")
            return decideAboutServing(instance, of: observed, whileItWaits: wait, now: now)
        }
        // What is idle or makes room need not be replaced.
        let own = decide(about: instance, of: observed, now: now)
        if case .operate = own { return own }
        return .operate(.start, cause: model.backoff?.causeToTryAgain ?? causeToReplace(instance, of: model))
    }
    if observed.replaced == instance, let reason = observed.outlook.reasonToWait {
        // What serves is not ended for something that could not even be launched.
        let wait = Decision.wait(until: nil, reason: reason)
        return decideAboutServing(instance, of: observed, whileItWaits: wait, now: now)
    }
    return .operate(end(instance), cause: causeToReplace(instance, of: model))
}

/// Whether the next generation has failed and is not to be tried now: not before its backoff is over, nor as long as what
/// was started in its place would have to end for it.
private func isBlocked(_ instance: InstanceRecord, in observed: Observation, now: Timestamp) -> Bool {
    guard let backoff = observed.model.backoff else { return false }
    if backoff.isPending(at: now) { return true }
    return instance.standsIn(for: observed.model) && !observed.mayStandBesideNext(instance)
}

/// What runs goes on, though it is not what is wanted.
private func decideAboutBlocked(_ instance: InstanceRecord, of observed: Observation, now: Timestamp) -> Decision {
    guard let backoff = observed.model.backoff else { return .settled }
    let wait = Decision.wait(
        until: backoff.isPending(at: now) ? backoff.nextAttempt : nil,
        reason: "BlockedByFailedLoad: \(backoff.lastFailure.message)")
    return decideAboutServing(instance, of: observed, whileItWaits: wait, now: now)
}

/// What waits for its successor is treated as any other: it is switched to, unloaded when it is idle, makes room.
private func decideAboutServing(
    _ instance: InstanceRecord, of observed: Observation, whileItWaits wait: Decision, now: Timestamp
) -> Decision {
    let own = decide(about: instance, of: observed, now: now)
    if case .operate = own { return own }
    return earlier(own, wait)
}

/// Why a new instance takes the place of this one: what differs.
package func causeToReplace(_ instance: InstanceRecord, of model: ModelRecord) -> String {
    let changed = model.spec.source.map { fieldChanges(from: instance.source, to: $0.runFields) } ?? []
    var causes = changed.map(\.description)
    if model.followsDrift, let drift = Drift(of: model, running: instance) { causes.append(drift.description) }
    return causes.isEmpty ? "restart was requested" : causes.joined(separator: ", ")
}

/// Decides about the instance that is wanted while one of a former generation is still there.
func decide(
    about wanted: InstanceRecord, beside former: InstanceRecord, of observed: Observation, now: Timestamp
) -> Decision {
    if wanted.isRouted || !former.hasBeenReady {
        return .operate(end(former), cause: causeToReplace(former, of: observed.model))
    }
    if wanted.phase != .ready || former.phase != .ready, let step = routing(former) { return step }
    // Whether it is idle, or is to make room, is asked of the one that serves, once it is alone.
    var alone = observed
    alone.eviction = nil
    alone.model.spec.idleTimeout = nil
    return decide(about: wanted, of: alone, now: now)
}

/// What is to be done so that a former instance serves as long as it can; `nil` where nothing is.
private func routing(_ former: InstanceRecord) -> Decision? {
    switch (former.phase, former.isRouted) {
    case (.ready, false): .operate(.switch(former.id), cause: "instance is ready, and serves until it is replaced")
    case (.unready, true): .operate(.unroute(former.id), cause: "readiness probe fails")
    default: nil
    }
}

extension ModelRecord {
    /// Whether the instance has to end before one of the current generation can be started, wherever there is room.
    func isReplacedInTurn(_ instance: InstanceRecord) -> Bool {
        spec.effective.update == .resource || spec.source?.fixedPort == instance.port
    }
}

extension InstanceRecord {
    /// Whether it serves, or would if its probes did not fail.
    var hasBeenReady: Bool { phase == .ready || phase == .unready }

    /// Whether it was started because the generation that is wanted had failed, and that has not been given another chance.
    package func standsIn(for model: ModelRecord) -> Bool {
        model.backoff != nil && insteadOf == model.generation
    }
}
