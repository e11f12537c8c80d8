/// What users see of a model.
package enum ModelState: String, Codable, Hashable, Sendable, CaseIterable {
    case standby, pending, pulling, starting, ready, unhealthy, draining, stopping, backoff, failed, held, unknown
    case remote
}

/// A model's state and the sentence that explains it, where one is needed.
package struct ModelCondition: Codable, Hashable, Sendable {
    package let state: ModelState
    package let reason: String?

    package init(_ state: ModelState, _ reason: String? = nil) {
        self.state = state
        self.reason = reason
    }
}

/// The state of a model as users see it. Pure.
/// - Parameter instances: its live instances, oldest first.
package func condition(of model: ModelRecord, instances: [InstanceRecord], now: Timestamp) -> ModelCondition {
    if let reason = instances.lazy.compactMap(\.whyUnknown).first { return ModelCondition(.unknown, reason) }
    if let instance = instances.principal {
        let transition = Transition(of: model, instances: instances)
        switch instance.phase {
        case .intent, .gated, .starting: return ModelCondition(.starting, transition?.sentence ?? model.waiting)
        case .ready: return ModelCondition(.ready, transition?.sentence ?? model.pull?.description)
        case .unready:
            return ModelCondition(.unhealthy, transition?.sentence ?? model.waiting ?? "readiness probe fails")
        case .draining: return ModelCondition(.draining, instance.stopCause)
        case .stopping: return ModelCondition(.stopping, instance.stopCause)
        case .exited, .lost: break
        }
    }
    if model.spec.isRemote { return ModelCondition(.remote) }
    if let hold = model.hold { return ModelCondition(.held, "unloaded by \(hold.by); `modelet load` lifts it") }
    // Where the generation is rejected, what was ready last is fetched.
    let isTried = model.backoff.map { $0.isRejection || !$0.isPending(at: now) } ?? true
    if model.isDemanded, isTried, let pull = model.pull { return ModelCondition(.pulling, pull.description) }
    if let backoff = model.backoff, backoff.isPending(at: now) {
        let state: ModelState = backoff.lastFailure.classification == .terminal ? .failed : .backoff
        return ModelCondition(state, backoff.lastFailure.message)
    }
    if model.isDemanded { return ModelCondition(.pending, model.waiting) }
    return ModelCondition(.standby, model.backoff.map { "last load failed: \($0.lastFailure.message)" })
}
