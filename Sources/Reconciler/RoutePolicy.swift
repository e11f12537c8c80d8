package import ModelCore

/// Where predictions for a model go. Pure.
/// - Parameters:
///   - instances: its live instances, oldest first.
///   - isRestorable: whether something else is to serve where its generation has failed: callers are held for that.
package func routeTarget(
    of model: ModelRecord, instances: [InstanceRecord], isRestorable: Bool, now: Timestamp
) -> Route.Target {
    if model.spec.isRemote { return .remote }
    if let instance = instances.first(where: { $0.isRouted && $0.phase == .ready && $0.unknownReason == nil }),
        let address = instance.address
    {
        return .instance(instance.id, address: address, port: instance.port)
    }
    let condition = condition(of: model, instances: instances, now: now)
    switch condition.state {
    case .backoff where isRestorable, .failed where isRestorable: return .cold(state: condition.state)
    case .unknown, .unhealthy, .held, .backoff, .failed:
        return .unavailable(unavailability(of: model, condition: condition, now: now))
    case .standby, .pending, .pulling, .starting, .ready, .draining, .stopping, .remote:
        return .cold(state: condition.state)
    }
}

/// What callers of a model are told when a load of it has just failed. Pure.
package func unavailability(of model: ModelRecord, after failure: LoadFailure, now: Timestamp) -> Unavailability {
    let isFinal = failure.classification == .terminal
    return Unavailability(
        code: isFinal ? "model_failed" : "model_load_failed", state: isFinal ? .failed : .backoff,
        message: failure.message, log: failure.exit?.logTail ?? [], retryAfter: retryAfter(of: model, now: now))
}

func unavailability(of model: ModelRecord, condition: ModelCondition, now: Timestamp) -> Unavailability {
    let code =
        switch condition.state {
        case .failed: "model_failed"
        case .backoff: "model_backoff"
        case .held: "model_held"
        case .unhealthy: "model_unhealthy"
        default: "model_unknown"
        }
    let showsLog = condition.state == .failed || condition.state == .backoff
    return Unavailability(
        code: code, state: condition.state, message: condition.reason ?? "the model is \(condition.state.rawValue)",
        log: showsLog ? model.backoff?.lastFailure.exit?.logTail ?? [] : [],
        retryAfter: retryAfter(of: model, now: now))
}

/// What callers are told who waited for a load that an operator has called off. Pure.
func dismissal(of model: ModelRecord, by: String, now: Timestamp) -> Unavailability {
    Unavailability(
        code: model.hold == nil ? "model_unloaded" : "model_held", state: model.hold == nil ? .standby : .held,
        message: "the model was unloaded by \(by) while it was being loaded",
        retryAfter: retryAfter(of: model, now: now))
}

/// When asking again makes sense: after the backoff and one more load of the usual length.
private func retryAfter(of model: ModelRecord, now: Timestamp) -> Seconds {
    let wait = model.backoff.map { $0.nextAttempt - now } ?? .zero
    return max(max(wait, .zero) + (model.loads?.usual ?? .zero), 1)
}

extension Seconds {
    fileprivate static func + (a: Seconds, b: Seconds) -> Seconds {
        Seconds(milliseconds: a.milliseconds + b.milliseconds)
    }
}
