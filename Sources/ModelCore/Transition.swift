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
        guard let instance = instances.principal, instance.generation != model.generation else { return nil }
        let standsIn = instance.insteadOf == model.generation
        guard instance.phase == .ready || (standsIn && instance.phase.isCurrent) else { return nil }
        from = instance.generation
        to = model.generation
        let hasSuccessor = instances.contains { $0.generation == model.generation && $0.phase.isCurrent }
        if let backoff = model.backoff {
            state = .blocked
            reason = backoff.lastFailure.message
            // What stands in, and would have to end for another try, is left alone.
            let isInTurn = model.spec.effective.update == .resource || model.spec.source?.fixedPort == instance.port
            let isLeft = standsIn && isInTurn
            isFinal = !hasSuccessor && (isLeft || backoff.lastFailure.classification == .terminal)
            nextAttempt = hasSuccessor || isLeft ? nil : backoff.nextAttempt
            let serves = instance.phase == .ready ? "generation \(from) serves" : "generation \(from) is started again"
            sentence =
                "\(State.blocked.rawValue): generation \(to) has failed: \(backoff.lastFailure.message); \(serves)"
            return
        }
        guard instance.phase == .ready else { return nil }
        state = .replacing
        if hasSuccessor {
            reason = model.waiting
            sentence = "generation \(from) serves until generation \(to) is ready" + (reason.map { ": \($0)" } ?? "")
        } else {
            reason = model.pull?.description ?? model.waiting
            guard let reason else { return nil }
            sentence = "generation \(from) serves: \(reason)"
        }
    }
}

extension Transition {
    /// What somebody can do about it: a clause; `nil` where it takes its course.
    package func remedy(for key: ModelKey) -> String? {
        guard state == .blocked else { return nil }
        return "the next edit is tried at once, and `modelet restart \(key)` tries this one again; an edit that is "
            + "taken back costs nothing"
    }
}
