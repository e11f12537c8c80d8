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
    /// Of its current generation.
    package var backoff: Backoff? {
        // Whoever fails, or is given another chance, gives one to what stands in for it, too.
        didSet { if backoff != oldValue { restoration = nil } }
    }
    /// What is remembered of failed loads of the generation that was started again in place of the current one, since
    /// that last failed.
    package var restoration: Backoff?
    /// The generation that began with the latest restart, or the latest image that was followed: an instance from before
    /// is to be replaced even where its run fields are those that are wanted.
    package var freshSince: Int
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
    /// Its manifest is gone, and it stays; `nil` where that is not so.
    package var heldRemoval: HeldRemoval?

    package init(key: ModelKey, spec: ModelSpec, generation: Int = 1, root: String, file: String) {
        self.key = key
        self.spec = spec
        self.generation = generation
        freshSince = generation
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

    /// Whether the instance is what is wanted: of the current generation, or launched alike, and no restart has been asked
    /// for since. So an edit that is taken back costs nothing where what it was to replace still runs.
    package func isFulfilled(by instance: InstanceRecord) -> Bool {
        instance.generation == generation
            || (instance.generation >= freshSince && instance.source == spec.source?.runFields)
    }

    /// The generation from which on an instance that is not what is wanted cannot have been that: the current one, or the
    /// restart that it is from before.
    package func endOfFulfilment(by instance: InstanceRecord) -> Int {
        instance.generation < freshSince ? freshSince : generation
    }

    /// A new generation that needs a new instance, whatever its run fields.
    package mutating func beginFreshGeneration() {
        generation += 1
        freshSince = generation
    }

    /// Whether `last`, the instance that was ready last, may be started again in place of the current generation. Never
    /// more than one step back: where that fails as well, there is nothing else.
    package func mayRestore(_ last: InstanceRecord) -> Bool {
        backoff != nil && restoration?.isRejection != true && hasWayBack(to: last)
    }

    /// Whether `last`, the instance that was ready last, could be started again if the current generation failed.
    package func hasWayBack(to last: InstanceRecord) -> Bool {
        guard !spec.isRemote, !isRemoved, hold == nil, last.generation < generation else { return false }
        // A process that was launched alike would fail alike. An image may be another one under the same name.
        return last.image != nil || last.source != spec.source?.runFields
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
