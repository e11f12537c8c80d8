/// What is between the instance that serves and the generation that is wanted.
package struct Transition: Codable, Hashable, Sendable {
    package enum State: String, Codable, Hashable, Sendable, CaseIterable {
        /// The next generation is on its way; the former one serves meanwhile.
        case replacing = "Replacing"
        /// The next generation has failed. The former one serves on, or is started again.
        case blocked = "BlockedByFailedLoad"
    }

    package var state: State
    /// The generation that serves, or is started to serve.
    package var from: Int
    /// The generation that is wanted.
    package var to: Int
    /// Why it has failed, or what it waits for.
    package var reason: String?
    /// When it is tried again by itself; `nil` where it is under way, or is only tried again once somebody has changed
    /// something.
    package var nextAttempt: Timestamp?
    /// Whether it is only tried again once somebody has changed something, or after a long time.
    package var isFinal = false
    /// For people: all of this.
    package var sentence: String

    /// `nil` where what runs is what is wanted, or nothing serves and nothing is started in place of what is wanted.
    /// - Parameter instances: its live instances, oldest first.
    package init?(of model: ModelRecord, instances: [InstanceRecord]) {
        guard let instance = instances.principal, instance.phase.isCurrent, !model.isFulfilled(by: instance),
            let transition = Self.blocked(instance, by: model, instances)
                ?? Self.replacing(instance, by: model, instances)
        else { return nil }
        self = transition
    }

    private init(
        _ state: State, from instance: InstanceRecord, to model: ModelRecord, _ reason: String?, _ sentence: String
    ) {
        self.state = state
        from = instance.generation
        to = model.generation
        self.reason = reason
        self.sentence = sentence
    }

    private static func blocked(
        _ instance: InstanceRecord, by model: ModelRecord, _ instances: [InstanceRecord]
    ) -> Transition? {
        let standsIn = instance.standsIn(for: model)
        guard let failure = model.backoff?.lastFailure, instance.hasBeenReady || standsIn else { return nil }
        let becomes =
            switch instance.phase {
            case .ready: "serves"
            case .unready: "is unhealthy"
            default: "is started again"
            }
        var transition = Transition(
            .blocked, from: instance, to: model, failure.message,
            "\(State.blocked.rawValue): generation \(model.generation) has failed: \(failure.message); "
                + "generation \(instance.generation) \(becomes)")
        if !model.hasSuccessor(among: instances) {
            // What stands in, and would have to end for another try, is left alone.
            let isLeft = standsIn && model.isReplacedInTurn(instance)
            transition.isFinal = isLeft || failure.classification == .terminal
            transition.nextAttempt = isLeft ? nil : model.backoff?.nextAttempt
        }
        return transition
    }

    private static func replacing(
        _ instance: InstanceRecord, by model: ModelRecord, _ instances: [InstanceRecord]
    ) -> Transition? {
        guard instance.phase == .ready else { return nil }
        let serves = "generation \(instance.generation) serves"
        if model.hasSuccessor(among: instances) {
            return Transition(
                .replacing, from: instance, to: model, model.waiting,
                "\(serves) until generation \(model.generation) is ready" + (model.waiting.map { ": \($0)" } ?? ""))
        }
        guard let reason = model.pull?.description ?? model.waiting else { return nil }
        return Transition(.replacing, from: instance, to: model, reason, "\(serves): \(reason)")
    }
}

extension ModelRecord {
    fileprivate func hasSuccessor(among instances: [InstanceRecord]) -> Bool {
        instances.contains { $0.generation == generation && $0.phase.isCurrent }
    }
}

extension Transition {
    /// The line that tries at once again what has failed. Not a restart: that asks for a new instance in any case, and an
    /// edit that is taken back after it ends what serves.
    package static func retry(_ key: ModelKey) -> String { "modelet load \(key)" }
}
