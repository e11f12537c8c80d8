/// Why a root has a new revision.
package enum RevisionCause: Hashable, Sendable {
    /// Its manifests were read again, and something in them had changed. Never of a pinned root.
    case edited
    /// An operator applied its manifests. Unpins the root.
    case applied(by: String)
    /// An operator went back to an earlier revision of it. Pins the root there.
    case rollback(to: Int, by: String)

    /// The earlier revision that it goes back to.
    package var restored: Int? {
        if case .rollback(let revision, _) = self { revision } else { nil }
    }
}

extension RevisionCause: CustomStringConvertible {
    package var description: String {
        switch self {
        case .edited: "manifests edited"
        case .applied(let by): "applied by \(by)"
        case .rollback(let revision, let by): "rollback to revision \(revision) by \(by)"
        }
    }
}

/// One accepted change of a root.
package struct RevisionRecord: Hashable, Sendable {
    /// What it did about one model.
    package struct Change: Hashable, Sendable {
        package var key: ModelKey
        /// `create`, `replace`, `update` or `remove`.
        package var action: String
        /// The fields that changed, each with its old and its new value; empty where there were none to compare.
        package var fields: String

        package init(key: ModelKey, action: String, fields: String) {
            self.key = key
            self.action = action
            self.fields = fields
        }
    }

    /// Counts over all roots, so that a number alone names a revision.
    package var number: Int
    package var root: String
    package var acceptedAt: Timestamp
    /// A clause for people; empty where an earlier version of this program did not write it down.
    package var cause: String
    /// The revision that it went back to, where it was a rollback.
    package var restored: Int?
    /// In the order of the keys.
    package var changes: [Change]

    package init(
        number: Int, root: String, acceptedAt: Timestamp, cause: String, restored: Int? = nil, changes: [Change] = []
    ) {
        self.number = number
        self.root = root
        self.acceptedAt = acceptedAt
        self.cause = cause
        self.restored = restored
        self.changes = changes
    }
}

/// That a root is held at a revision: later edits of its manifests are shown, and not acted on.
package struct RootPin: Codable, Hashable, Sendable {
    package var revision: Int
    package var since: Timestamp
    package var by: String
    /// What the manifests have come to say meanwhile, in short; `nil` where that is nothing else.
    package var pending: String?

    package init(revision: Int, since: Timestamp, by: String, pending: String? = nil) {
        self.revision = revision
        self.since = since
        self.by = by
        self.pending = pending
    }
}
