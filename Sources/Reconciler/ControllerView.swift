package import ModelCore

/// What a running controller makes of a model at one moment, with what it knows and the database does not.
package struct ControllerView: Hashable, Sendable {
    package var decision: DecisionReport
    package var isShuttingDown = false
    /// Since when nothing has been in flight; `nil` while something is, or where the decision does not depend on it.
    package var idleSince: Timestamp?
    /// Why its instance is to make room.
    package var eviction: String?
    /// Whether what a new instance needs is on this host, where one is to take the place of another.
    package var isSupplied = true
    /// When it looks at the model again, if nothing happens before.
    package var nextLook: Timestamp?
    /// Since when its start stands in line for a slot, memory or room.
    package var inLineSince: Timestamp?
    /// Since when callers are held for it.
    package var calledSince: Timestamp?
    /// Of each live instance, oldest first.
    package var instances: [InstanceView] = []

    package init(decision: DecisionReport) {
        self.decision = decision
    }
}

/// What a controller knows of a live instance beside what is recorded.
package struct InstanceView: Hashable, Sendable {
    package var id: InstanceID
    /// Predictions of clients that it has to answer.
    package var inFlight: Int
    /// When a prediction last ended; `nil` where none has.
    package var lastAnswer: Timestamp?
    /// What its last probe said, while it is not ready.
    package var lastProbe: String?

    package init(id: InstanceID, inFlight: Int, lastAnswer: Timestamp? = nil, lastProbe: String? = nil) {
        self.id = id
        self.inFlight = inFlight
        self.lastAnswer = lastAnswer
        self.lastProbe = lastProbe
    }
}

/// A ``Decision`` to be told to people and programs.
package struct DecisionReport: Hashable, Sendable {
    package enum Kind: String, Codable, Hashable, Sendable {
        case operate, wait, settled
        /// A step is being carried out; it is decided anew when that is done.
        case underway
    }

    package var kind: Kind
    /// What is to be done: the name of a ``Step``.
    package var step: String?
    /// The instance that it is done to.
    package var instance: InstanceID?
    /// Why it is done, or what is waited for.
    package var reason: String?
    /// When it is decided anew if nothing is observed before.
    package var until: Timestamp?

    package init(
        _ kind: Kind, step: String? = nil, instance: InstanceID? = nil, reason: String? = nil, until: Timestamp? = nil
    ) {
        self.kind = kind
        self.step = step
        self.instance = instance
        self.reason = reason
        self.until = until
    }

    package init(_ decision: Decision) {
        switch decision {
        case .operate(let step, let cause):
            let (word, instance) = step.told
            self.init(.operate, step: word, instance: instance, reason: cause)
        case .wait(let until, let reason): self.init(.wait, reason: reason, until: until)
        // Spelled out: `.settled` alone would be a decision, and this initializer without end.
        case .settled: self.init(Kind.settled)
        }
    }
}

extension Step {
    /// Its name, and the instance that it is done to.
    fileprivate var told: (String, InstanceID?) {
        switch self {
        case .start: ("start", nil)
        case .restore: ("restore", nil)
        case .switch(let id): ("switch", id)
        case .unroute(let id): ("unroute", id)
        case .drain(let id): ("drain", id)
        case .unload(let id): ("unload", id)
        case .stop(let id): ("stop", id)
        case .giveUp(let id): ("give_up", id)
        case .forgetBackoff: ("forget_backoff", nil)
        case .remove: ("remove", nil)
        }
    }
}
