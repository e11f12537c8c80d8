package import ModelCore

/// What somebody waits for.
package enum WaitGoal: String, Codable, Hashable, Sendable, CaseIterable {
    /// Answers predictions.
    case ready
    /// Nothing of it runs.
    case standby
    /// Its manifest defines it no more, and nothing of it is left.
    case gone
}

/// Whether a wait is over.
package enum WaitVerdict: Hashable, Sendable {
    case reached
    /// It cannot become so by itself: why, and where there is one, what would help.
    case impossible(String)
    /// It may still become so.
    case open
}

/// How a wait ended.
package struct WaitOutcome: Codable, Hashable, Sendable {
    package var condition: ModelCondition
    package var reached: Bool
    /// Why it cannot become so by itself; `nil` where it has, or where the time was over first.
    package var impossible: String?

    package init(condition: ModelCondition, reached: Bool, impossible: String? = nil) {
        self.condition = condition
        self.reached = reached
        self.impossible = impossible
    }
}

/// A model as who waits for it sees it.
package struct AwaitedModel: Sendable {
    package var key: ModelKey
    /// `nil` where there is none (any more).
    package var model: ModelRecord?
    /// Its live instances, oldest first.
    package var instances: [InstanceRecord]
    /// Whether it may have to make room for another one.
    package var mayMakeRoom: Bool

    package init(key: ModelKey, model: ModelRecord?, instances: [InstanceRecord], mayMakeRoom: Bool) {
        self.key = key
        self.model = model
        self.instances = instances
        self.mayMakeRoom = mayMakeRoom
    }

    package func condition(at now: Timestamp) -> ModelCondition {
        guard let model else { return ModelCondition(.standby, Self.isRemoved) }
        return ModelCore.condition(of: model, instances: instances, now: now)
    }

    private static let isRemoved = "removed from its manifest"

    /// Whether `goal` is reached, and if not, whether it can be by itself: by what manifests, requests and clocks have
    /// already set going, without a word from an operator. Pure.
    package func verdict(on goal: WaitGoal, at now: Timestamp) -> WaitVerdict {
        // A model that is still defined may be removed at any moment: whoever waits for that has usually just edited a
        // manifest, and the watch needs a moment to see it.
        guard let model else { return goal == .ready ? .impossible(Self.isRemoved) : .reached }
        switch goal {
        case .gone: return model.heldRemoval.map { .impossible($0.message) } ?? .open
        case .standby: return verdictOnStandby(of: model, at: now)
        case .ready: return verdictOnReady(of: model, at: now)
        }
    }

    private func verdictOnReady(of model: ModelRecord, at now: Timestamp) -> WaitVerdict {
        if model.isRemoved { return .impossible(Self.isRemoved) }
        let condition = condition(at: now)
        switch condition.state {
        case .remote: return .reached
        case .failed, .held: return .impossible(condition.reason ?? "")
        case .backoff where !model.isDemanded: return .impossible(join(condition.reason, wish))
        case .standby: return .impossible(join(condition.reason, wish))
        case .unknown: return .open
        case .ready, .pending, .pulling, .starting, .unhealthy, .draining, .stopping, .backoff:
            return verdictOnGeneration(of: model, isReady: condition.state == .ready, at: now)
        }
    }

    /// An instance that is yet to be replaced does not count.
    private func verdictOnGeneration(of model: ModelRecord, isReady: Bool, at now: Timestamp) -> WaitVerdict {
        if let wanted = instances.first(where: { $0.phase.isCurrent && model.isFulfilled(by: $0) }) {
            return isReady && wanted.isRouted ? .reached : .open
        }
        // The new one cannot be had before somebody has changed something, whatever becomes of the former.
        if let transition = Transition(of: model, instances: instances), transition.isFinal {
            return .impossible(transition.sentence)
        }
        guard let backoff = model.backoff, backoff.lastFailure.classification == .terminal, backoff.isPending(at: now)
        else { return .open }
        return .impossible("generation \(model.generation) has failed: \(backoff.lastFailure.message)")
    }

    private func verdictOnStandby(of model: ModelRecord, at now: Timestamp) -> WaitVerdict {
        if instances.isEmpty, !model.isDemanded { return .reached }
        // What nobody wants is on its way.
        guard model.isDemanded else { return .open }
        if model.spec.effective.load == .eager {
            return .impossible("it is eager, and is loaded again by itself; `modelet unload \(key)` holds it")
        }
        if model.spec.effective.idleTimeout == .never, !mayMakeRoom {
            return .impossible("nothing unloads it: its idle_timeout is never; `modelet unload \(key)` does")
        }
        return .open
    }

    private var wish: String { "nothing demands it; a request or `modelet load \(key)` does" }

    private func join(_ reason: String?, _ more: String) -> String {
        reason.map { "\($0); \(more)" } ?? more
    }
}
