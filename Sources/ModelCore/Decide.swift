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
    /// Whether what an instance of the current generation needs is on this host; only asked of one that would take the place
    /// of another (``replaced``).
    package var isSupplied = true

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

    /// The instance that serves although a new one is to take its place; `nil` where none does.
    package var replaced: InstanceRecord? {
        guard !isShuttingDown, model.isDemanded,
            let instance = instances.first, instances.count == 1, instance.isRouted, instance.phase == .ready,
            instance.unknownReason == nil, instance.generation != model.generation
        else { return nil }
        return instance
    }

    /// Why a new instance is to take the place of ``replaced``.
    package var causeToReplace: String {
        replaced.flatMap { causeToEnd($0, of: self) } ?? ""
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
/// A change of run fields stops the old instance before the new one starts, and once the image of that is there. Steps are
/// taken one at a time: the caller performs one, observes again, and asks again.
package func decide(_ observed: Observation, now: Timestamp) -> Decision {
    if let unknown = observed.instances.first(where: { $0.unknownReason != nil }) {
        return .wait(until: nil, reason: unknown.unknownReason ?? "")
    }
    if let leaving = observed.instances.first(where: { !$0.phase.isCurrent }) {
        return .operate(.stop(leaving.id), cause: leaving.stopCause ?? "stop was interrupted")
    }
    if let current = observed.instances.first {
        return decide(about: current, of: observed, now: now)
    }
    return decideWithoutInstance(observed, now: now)
}

private func decide(about instance: InstanceRecord, of observed: Observation, now: Timestamp) -> Decision {
    let model = observed.model
    if let cause = causeToEnd(instance, of: observed) {
        // What serves is not ended for something that is not even here yet.
        if observed.replaced == instance, !observed.isSupplied {
            return decideAboutWaiting(instance, forSupplyOf: observed, now: now)
        }
        return .operate(instance.isRouted ? .drain(instance.id) : .stop(instance.id), cause: cause)
    }
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
        return earlier(idleness, decideAboutBackoff(of: model, readySince: instance.phaseSince, now: now))
    case .intent:
        // Launches are not seen half way: this one was interrupted, and nothing of it is left to wait for.
        return .operate(.stop(instance.id), cause: "its launch was interrupted")
    case .gated, .starting:
        let deadline = (instance.startedAt ?? instance.createdAt) + model.spec.effective.startTimeout
        if now >= deadline {
            let limit = model.spec.effective.startTimeout
            return .operate(.giveUp(instance.id), cause: "not ready within start_timeout (\(limit))")
        }
        return .wait(until: deadline, reason: "waits for readiness")
    case .unready:
        let idleness = decideAboutIdleness(of: instance, observed, now: now)
        return idleness == .settled ? .wait(until: nil, reason: "waits for readiness") : idleness
    case .draining, .stopping, .exited, .lost:
        return .settled
    }
}

/// What waits for the image of its successor may be unloaded like any other.
private func decideAboutWaiting(
    _ instance: InstanceRecord, forSupplyOf observed: Observation, now: Timestamp
) -> Decision {
    if observed.model.mayMakeRoom, let eviction = observed.eviction {
        return .operate(.unload(instance.id), cause: eviction)
    }
    let idleness = decideAboutIdleness(of: instance, observed, now: now)
    if case .operate = idleness { return idleness }
    return earlier(idleness, waitForSupply(of: observed.model, now: now))
}

private func waitForSupply(of model: ModelRecord, now: Timestamp) -> Decision {
    if let backoff = model.backoff, backoff.isPending(at: now) {
        return .wait(until: backoff.nextAttempt, reason: backoff.lastFailure.message)
    }
    return .wait(until: nil, reason: "the image of the new generation is being fetched")
}

private func causeToEnd(_ instance: InstanceRecord, of observed: Observation) -> String? {
    let model = observed.model
    if observed.isShuttingDown { return "modelet is shutting down" }
    if model.isRemoved { return "removed from its manifest" }
    if let hold = model.hold { return "unloaded by \(hold.by)" }
    if model.spec.isRemote { return "source was removed from its manifest" }
    if instance.generation != model.generation {
        return causeToReplace(instance, of: model)
    }
    return model.isDemanded ? nil : "unloaded: nothing demands it"
}

private func causeToReplace(_ instance: InstanceRecord, of model: ModelRecord) -> String {
    let changed = model.spec.source.map { fieldChanges(from: instance.source, to: $0.runFields) } ?? []
    var causes = changed.map(\.description)
    if model.followsDrift, let drift = Drift(of: model, running: instance) { causes.append(drift.description) }
    return causes.isEmpty ? "restart was requested" : causes.joined(separator: ", ")
}

/// Idle time counts from the last completed request. While one is in flight, the model can be idle for long enough
/// after `idle_timeout` from now at the earliest.
private func decideAboutIdleness(of instance: InstanceRecord, _ observed: Observation, now: Timestamp) -> Decision {
    let spec = observed.model.spec.effective
    guard case .after(let limit) = spec.idleTimeout, spec.load == .onDemand else { return .settled }
    guard let idleSince = observed.idleSince else { return .wait(until: now + limit, reason: "it is in use") }
    if now >= idleSince + limit { return .operate(.unload(instance.id), cause: "idle for \(limit) (idle_timeout)") }
    return .wait(until: idleSince + limit, reason: "it is unloaded after being idle for \(limit)")
}

/// Of two decisions about something that runs as it should, the one that has to be acted on first.
private func earlier(_ one: Decision, _ other: Decision) -> Decision {
    switch (one, other) {
    case (.wait(let a?, _), .wait(let b?, _)): a <= b ? one : other
    case (.settled, _), (_, .operate): other
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
    if let backoff = model.backoff, backoff.isPending(at: now) {
        return .wait(until: backoff.nextAttempt, reason: backoff.lastFailure.message)
    }
    if let backoff = model.backoff {
        return .operate(.start, cause: "try \(backoff.failures + 1) after: \(backoff.lastFailure.message)")
    }
    if case .loaded(_, let by) = model.demand, model.spec.effective.load == .onDemand {
        return .operate(.start, cause: "demanded by \(by)")
    }
    return .operate(.start, cause: "load: eager")
}
