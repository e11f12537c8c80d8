/// Everything that a decision about one model may depend on.
package struct Observation: Hashable, Sendable {
    package var model: ModelRecord
    /// Its live instances, oldest first.
    package var instances: [InstanceRecord]
    /// Whether the controller has been told to stop everything.
    package var isShuttingDown: Bool

    package init(model: ModelRecord, instances: [InstanceRecord], isShuttingDown: Bool = false) {
        self.model = model
        self.instances = instances
        self.isShuttingDown = isShuttingDown
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
/// A change of run fields stops the old instance before the new one starts. Steps are taken one at a time: the caller
/// performs one, observes again, and asks again.
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
        return .operate(instance.isRouted ? .drain(instance.id) : .stop(instance.id), cause: cause)
    }
    switch instance.phase {
    case .ready where !instance.isRouted:
        return .operate(.switch(instance.id), cause: "instance is ready")
    case .unready where instance.isRouted:
        return .operate(.unroute(instance.id), cause: "readiness probe fails")
    case .ready:
        return decideAboutBackoff(of: model, readySince: instance.phaseSince, now: now)
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
        return .wait(until: nil, reason: "waits for readiness")
    case .draining, .stopping, .exited, .lost:
        return .settled
    }
}

private func causeToEnd(_ instance: InstanceRecord, of observed: Observation) -> String? {
    let model = observed.model
    if observed.isShuttingDown { return "modelet is shutting down" }
    if model.isRemoved { return "removed from its manifest" }
    if let hold = model.hold { return "unloaded by \(hold.by)" }
    if model.spec.isRemote { return "source was removed from its manifest" }
    if instance.generation != model.generation {
        let changed = model.spec.source.map { fieldChanges(from: instance.source, to: $0.runFields) } ?? []
        return changed.isEmpty ? "restart was requested" : changed.map(\.description).joined(separator: ", ")
    }
    return model.isDemanded ? nil : "unloaded: nothing demands it"
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
