package import ModelCore

/// One step of the journal, as the view `operations` has it.
package struct OperationRecord: Hashable, Sendable {
    package enum Outcome: String, Hashable, Sendable {
        case open, succeeded, failed
    }

    package var id: Int64
    package var key: ModelKey
    package var instance: InstanceID?
    package var kind: OperationKind
    package var cause: String
    package var openedAt: Timestamp
    /// `nil` while it is open.
    package var closedAt: Timestamp?
    package var outcome: Outcome
    /// What came of it, where there is more to say.
    package var message: String?

    package init(
        id: Int64, key: ModelKey, instance: InstanceID? = nil, kind: OperationKind, cause: String,
        openedAt: Timestamp, closedAt: Timestamp? = nil, outcome: Outcome = .open, message: String? = nil
    ) {
        self.id = id
        self.key = key
        self.instance = instance
        self.kind = kind
        self.cause = cause
        self.openedAt = openedAt
        self.closedAt = closedAt
        self.outcome = outcome
        self.message = message
    }
}

/// What was done about a model.
package struct ModelPast: Hashable, Sendable {
    /// The latest steps, newest first.
    package var operations: [OperationRecord] = []
    /// The instance that was ready last, whether or not it still runs.
    package var lastReady: InstanceRecord?

    package init(operations: [OperationRecord] = [], lastReady: InstanceRecord? = nil) {
        self.operations = operations
        self.lastReady = lastReady
    }
}

/// Something that happened, as the view `events` has it.
package struct EventRecord: Hashable, Sendable {
    /// Grows by one with each event.
    package var id: Int64
    package var at: Timestamp
    /// `nil` where it is about no model.
    package var key: ModelKey?
    package var instance: InstanceID?
    package var kind: String
    package var message: String

    package init(
        id: Int64, at: Timestamp, key: ModelKey? = nil, instance: InstanceID? = nil, kind: String, message: String
    ) {
        self.id = id
        self.at = at
        self.key = key
        self.instance = instance
        self.kind = kind
        self.message = message
    }
}

/// Which events somebody asks for.
package struct EventQuery: Hashable, Sendable {
    /// A domain, `domain/source` or a key, as the beginning of what is asked for; `nil`: everything.
    package var scope: String?
    /// Empty: every kind.
    package var kinds: Set<String>
    package var since: Timestamp?

    package init(scope: String? = nil, kinds: Set<String> = [], since: Timestamp? = nil) {
        self.scope = scope
        self.kinds = kinds
        self.since = since
    }
}

/// The ids of the events that are kept.
package struct EventRange: Hashable, Sendable {
    /// 0 where none is kept.
    package var oldest: Int64
    /// The one that was written last; 0 where none has been.
    package var newest: Int64
    /// When the oldest happened.
    package var since: Timestamp?

    package init(oldest: Int64, newest: Int64, since: Timestamp? = nil) {
        self.oldest = oldest
        self.newest = newest
        self.since = since
    }
}
