/// Everything that a decision about one model may depend on.
package struct Observation: Hashable, Sendable {
    package var model: ModelRecord
    /// Its live instances, oldest first.
    package var instances: [InstanceRecord]
    /// Whether the controller has been told to stop everything.
    package var isShuttingDown: Bool
    /// Since when nothing has been in flight at its instance; `nil` while something is, or where that is not known.
    package var idleSince: Timestamp?
    /// Why its instance is to make room; `nil` where it is not.
    package var eviction: String?
    /// Whether the next generation can be launched; only asked before ``replaced`` is ended for it.
    package var outlook = SuccessorOutlook.ready
    /// Instances on their way out that somebody sees to already: what they have in flight is waited for, or their end is.
    package var attended: Set<InstanceID> = []
    /// Whether the next generation has found no room beside the instance that serves.
    package var lacksRoomBeside = false
    /// What instances were accepted with that are not what is wanted any more, as far as that is known: what they are
    /// given time by.
    package var formerSpecs: [InstanceID: ModelSpec] = [:]
    /// What is started again where the current generation is rejected: the last one that was ready. `nil` where there is
    /// none, and where that has failed, too.
    package var restorable: InstanceRecord?

    package init(
        model: ModelRecord, instances: [InstanceRecord], isShuttingDown: Bool = false, idleSince: Timestamp? = nil,
        eviction: String? = nil
    ) {
        self.model = model
        self.instances = instances
        self.isShuttingDown = isShuttingDown
        self.idleSince = idleSince
        self.eviction = eviction
    }
}

/// What to do next about a model: one step, or nothing yet.
package enum Decision: Hashable, Sendable {
    case operate(Step, cause: String)
    /// Nothing to do before `until`, or before something is observed where that is `nil`.
    case wait(until: Timestamp?, reason: String)
    /// Desired and observed agree.
    case settled
}

package enum Step: Hashable, Sendable {
    /// Launch an instance of the current generation.
    case start
    /// Launch the last one that was ready once more, in place of the current generation.
    case restore
    /// Send predictions to a ready instance.
    case `switch`(InstanceID)
    /// Take an instance out of the route, without ending it.
    case unroute(InstanceID)
    /// Take an instance out of the route for good and let requests in flight finish.
    case drain(InstanceID)
    /// Return an instance's model to standby, unless a request turns out to be in flight or to have come meanwhile.
    case unload(InstanceID)
    /// End an instance.
    case stop(InstanceID)
    /// End an instance that did not become ready in time: a failed load.
    case giveUp(InstanceID)
    /// Forget failed loads: the current one has lasted.
    case forgetBackoff
    /// Forget the model: its manifest is gone and nothing of it runs.
    case remove
}

/// Decides the next step for one model. Pure: the same observation at the same time gives the same answer, and every
/// answer says why.
///
/// A change of run fields starts the new instance beside the old one, which serves until the new one is ready, or ends
/// the old one first, as the model's ``UpdatePolicy`` says and as far as ports and memory allow. Steps are taken one at a
/// time: the caller performs one, observes again, and asks again.
package func decide(_ observed: Observation, now: Timestamp) -> Decision {
    if let unknown = observed.instances.first(where: { $0.unknownReason != nil }) {
        return .wait(until: nil, reason: unknown.unknownReason ?? "")
    }
    if let next = observed.leaving.first(where: { !observed.attended.contains($0.id) }) {
        return .operate(.stop(next.id), cause: next.stopCause ?? "stop was interrupted")
    }
    let current = observed.current
    if let cause = causeToEndAll(of: observed), let next = current.first(where: \.isRouted) ?? current.first {
        return .operate(end(next), cause: cause)
    }
    if let wanted = observed.fulfilling {
        let others = current.filter { $0.id != wanted.id }
        guard let former = others.first(where: \.isRouted) ?? others.first else {
            return decide(about: wanted, of: observed, now: now)
        }
        return decide(about: wanted, beside: former, of: observed, now: now)
    }
    if !current.isEmpty { return decideAboutReplacing(current, of: observed, now: now) }
    if let last = observed.awaitedEnd {
        let cause = last.stopCause ?? "it is stopping"
        return .wait(until: nil, reason: "waits for the end of the former instance: \(cause)")
    }
    return decideWithoutInstance(observed, now: now)
}

/// Why nothing of the model may go on; `nil` where something may.
private func causeToEndAll(of observed: Observation) -> String? {
    let model = observed.model
    if observed.isShuttingDown { return "modelet is shutting down" }
    if model.isRemoved { return "removed from its manifest" }
    if let hold = model.hold { return "unloaded by \(hold.by)" }
    if model.spec.isRemote { return "source was removed from its manifest" }
    return model.isDemanded ? nil : "unloaded: nothing demands it"
}

/// The step that ends an instance: what was ready may have requests in flight, with a route or without.
func end(_ instance: InstanceRecord) -> Step {
    instance.phase == .ready || instance.phase == .unready ? .drain(instance.id) : .stop(instance.id)
}

/// Decides about the one instance that is to run.
func decide(about instance: InstanceRecord, of observed: Observation, now: Timestamp) -> Decision {
    let model = observed.model
    switch instance.phase {
    case .ready where !instance.isRouted:
        return .operate(.switch(instance.id), cause: "instance is ready")
    case .unready where instance.isRouted:
        return .operate(.unroute(instance.id), cause: "readiness probe fails")
    case .ready where model.mayMakeRoom && observed.eviction != nil,
        .unready where model.mayMakeRoom && observed.eviction != nil:
        return .operate(.unload(instance.id), cause: observed.eviction ?? "")
    case .ready:
        let idleness = decideAboutIdleness(of: instance, observed, now: now)
        if case .operate = idleness { return idleness }
        // What the next generation failed at is not forgotten because an older one runs.
        guard model.isFulfilled(by: instance) else { return idleness }
        return earlier(idleness, decideAboutBackoff(of: model, readySince: instance.phaseSince, now: now))
    case .intent:
        // Launches are not seen half way: this one was interrupted, and nothing of it is left to wait for.
        return .operate(.stop(instance.id), cause: "its launch was interrupted")
    case .gated, .starting:
        let limit = observed.spec(of: instance).startTimeout
        let deadline = (instance.startedAt ?? instance.createdAt) + limit
        if now >= deadline {
            return .operate(.giveUp(instance.id), cause: "\(LoadFailure.tooSlow) (\(limit))")
        }
        return .wait(until: deadline, reason: "waits for readiness")
    case .unready:
        let idleness = decideAboutIdleness(of: instance, observed, now: now)
        return idleness == .settled ? .wait(until: nil, reason: "waits for readiness") : idleness
    case .draining, .stopping, .exited, .lost:
        return .settled
    }
}

/// Idle time counts from the last completed request. While one is in flight, the model can be idle for long enough
/// after `idle_timeout` from now at the earliest.
func decideAboutIdleness(of instance: InstanceRecord, _ observed: Observation, now: Timestamp) -> Decision {
    let spec = observed.model.spec.effective
    guard case .after(let limit) = spec.idleTimeout, spec.load == .onDemand else { return .settled }
    guard let idleSince = observed.idleSince else { return .wait(until: now + limit, reason: "it is in use") }
    if now >= idleSince + limit { return .operate(.unload(instance.id), cause: "idle for \(limit) (idle_timeout)") }
    return .wait(until: idleSince + limit, reason: "it is unloaded after being idle for \(limit)")
}

/// Of two decisions about something that runs as it should, the one that has to be acted on first.
func earlier(_ one: Decision, _ other: Decision) -> Decision {
    switch (one, other) {
    case (.wait(let a?, _), .wait(let b?, _)): a <= b ? one : other
    case (.settled, _), (_, .operate), (.wait(nil, _), .wait(_?, _)): other
    default: one
    }
}

private func decideAboutBackoff(of model: ModelRecord, readySince: Timestamp, now: Timestamp) -> Decision {
    guard model.backoff != nil else { return .settled }
    let forgotten = readySince + Backoff.forgottenAfter
    if now >= forgotten { return .operate(.forgetBackoff, cause: "ready for \(Backoff.forgottenAfter)") }
    return .wait(until: forgotten, reason: "earlier failures are forgotten once it has been ready for a while")
}

private func decideWithoutInstance(_ observed: Observation, now: Timestamp) -> Decision {
    let model = observed.model
    if model.isRemoved { return .operate(.remove, cause: "removed from its manifest") }
    guard model.isDemanded, !observed.isShuttingDown else {
        // A standby model leaves its backoff by time alone: whoever shows it must look again then.
        if let backoff = model.backoff, backoff.isPending(at: now) {
            return .wait(until: backoff.nextAttempt, reason: backoff.lastFailure.message)
        }
        return .settled
    }
    if let backoff = model.backoff {
        if backoff.isRejection, observed.restorable != nil { return decideAboutRestoring(model, backoff, now: now) }
        if backoff.isPending(at: now) {
            return .wait(until: backoff.nextAttempt, reason: backoff.lastFailure.message)
        }
        return .operate(.start, cause: backoff.causeToTryAgain)
    }
    if case .loaded(_, let by) = model.demand, model.spec.effective.load == .onDemand {
        return .operate(.start, cause: "demanded by \(by)")
    }
    return .operate(.start, cause: "load: eager")
}

/// Nothing runs, and the current generation has failed too often: the last one that was ready serves in its place.
private func decideAboutRestoring(_ model: ModelRecord, _ backoff: Backoff, now: Timestamp) -> Decision {
    if let restoration = model.restoration, restoration.isPending(at: now) {
        return .wait(until: restoration.nextAttempt, reason: restoration.lastFailure.message)
    }
    let failure = backoff.lastFailure
    let verdict = failure.classification == .terminal ? "for good" : "\(backoff.failures) times"
    return .operate(.restore, cause: "generation \(model.generation) has failed \(verdict): \(failure.message)")
}

extension Backoff {
    var causeToTryAgain: String { "try \(failures + 1) after: \(lastFailure.message)" }
}
