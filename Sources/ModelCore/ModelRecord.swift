/// Whether a model should be loaded now, since when, and by whom.
package enum Demand: Codable, Hashable, Sendable {
    case none
    case loaded(since: Timestamp, by: String)
}

/// An operator's word that a model shall not be loaded, until `load` or a change of its run fields.
package struct Hold: Codable, Hashable, Sendable {
    package var since: Timestamp
    package var by: String

    package init(since: Timestamp, by: String) {
        self.since = since
        self.by = by
    }
}

/// A model as the database keeps it: what has been accepted, and what is remembered about it between instances.
package struct ModelRecord: Hashable, Sendable {
    package let key: ModelKey
    package var spec: ModelSpec
    /// Grows by one with every change of the run fields, every restart, and every new image that is followed; the first
    /// is 1.
    package var generation: Int
    /// The root directory whose manifests define it.
    package var root: String
    /// The manifest that defines it, relative to ``root``.
    package var file: String
    package var demand: Demand
    package var hold: Hold?
    package var backoff: Backoff?
    /// When an instance of it last ended without having been asked to, or at a shutdown. Demand from before then has
    /// been served, and counts no longer.
    package var lastExitAt: Timestamp?
    /// How long its successful loads took.
    package var loads: LoadTimes?
    /// What its instance took when it was last measured, in bytes.
    package var memory: Int64?
    /// Why nothing happens although something should; shown to people.
    package var waiting: String?
    /// How far the image is that it needs; `nil` while none is being fetched for it.
    package var pull: PullProgress?
    /// What its image's name stands for now, fixed as ``InstanceRecord/image`` is, where that is not what its instance
    /// was launched with.
    package var drift: String?
    /// Whether the generation was advanced so that a new instance takes ``drift``.
    package var followsDrift = false
    /// Its manifest is gone: it is removed as soon as nothing of it runs.
    package var isRemoved: Bool

    package init(key: ModelKey, spec: ModelSpec, generation: Int = 1, root: String, file: String) {
        self.key = key
        self.spec = spec
        self.generation = generation
        self.root = root
        self.file = file
        demand = .none
        isRemoved = false
    }

    /// Whether someone wants it loaded: eager models always, others from a request or `load` until the instance that
    /// served it ends.
    package var isDemanded: Bool {
        guard !spec.isRemote, !isRemoved, hold == nil else { return false }
        if spec.effective.load == .eager { return true }
        guard case .loaded(let since, _) = demand else { return false }
        return lastExitAt.map { since > $0 } ?? true
    }

    /// An operator lifts what holds it up: a hold, and earlier failures. Where its size may have been the reason, it is
    /// measured anew.
    package mutating func forgetFailures() {
        if backoff != nil { memory = nil }
        backoff = nil
        hold = nil
    }

    /// Notes what the name of its instance's image stands for now; `nil` where that is what runs, or nothing does.
    package mutating func setDrift(to image: String?) {
        guard drift != image else { return }
        drift = image
        followsDrift = false
    }

    /// Demand that begins `now`, and counts even where the latest end was in the same millisecond.
    package func demand(by: String, at now: Timestamp) -> Demand {
        let earliest = lastExitAt.map { $0 + Seconds(milliseconds: 1) } ?? now
        return .loaded(since: max(now, earliest), by: by)
    }
}

/// One step of the journal.
package enum OperationKind: String, Codable, Hashable, Sendable, CaseIterable {
    case pull, start, adopt, `switch`, drain, stop, remove
}
