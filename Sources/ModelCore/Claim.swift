/// Bounds that hold for the host as a whole.
package struct HostLimits: Hashable, Sendable {
    /// How many instances may be starting at once.
    package var startSlots: Int
    /// How many models may be loaded at once; `nil`: any number.
    package var maxLoaded: Int?
    /// What all instances together may take of the memory, in bytes; `nil`: any amount.
    package var memory: Int64?

    package init(startSlots: Int = 4, maxLoaded: Int? = nil, memory: Int64? = nil) {
        self.startSlots = startSlots
        self.maxLoaded = maxLoaded
        self.memory = memory
    }

    /// Whether a start may have to wait until another model is unloaded.
    package var areAboutRoom: Bool { maxLoaded != nil || memory != nil }
}

/// What one start asks for, and when its turn is.
package struct Claim: Hashable, Sendable {
    /// Who goes first where not all can: from first to last.
    package enum Priority: Int, Hashable, Sendable, Comparable {
        /// A caller is held for it.
        case caller
        case eager
        case rest

        package static func < (a: Priority, b: Priority) -> Bool { a.rawValue < b.rawValue }
    }

    package var key: ModelKey
    package var port: Int
    /// What it is expected to take, in bytes; 0 where nothing is known of it.
    package var memory: Int64
    package var priority: Priority
    /// Since when it waits.
    package var since: Timestamp
    /// Whether it has waited so long that a busy model is asked to make room once what it has in flight is answered.
    package var mayDisturb: Bool
    /// Whether an instance of its own ends, or has ended, so that this one takes its place.
    package var isSuccession = false

    package init(
        key: ModelKey, port: Int, memory: Int64 = 0, priority: Priority = .rest,
        since: Timestamp = Timestamp(milliseconds: 0), mayDisturb: Bool = false
    ) {
        self.key = key
        self.port = port
        self.memory = memory
        self.priority = priority
        self.since = since
        self.mayDisturb = mayDisturb
    }

    /// The claim of a model that is to be started.
    /// - Parameters:
    ///   - calledSince: when the first of the callers came that are held for it now.
    ///   - waitingSince: when it first asked to be started.
    package init(
        of model: ModelRecord, port: Int = 0, calledSince: Timestamp?, waitingSince: Timestamp, now: Timestamp
    ) {
        let loadTimeout = model.spec.effective.loadTimeout
        // After that time every caller has had an answer.
        let call = calledSince.flatMap { now - $0 < loadTimeout ? $0 : nil }
        let isEager = model.spec.effective.load == .eager
        self.init(
            key: model.key, port: port, memory: model.expectedMemory,
            priority: call != nil ? .caller : isEager ? .eager : .rest, since: call ?? waitingSince,
            mayDisturb: call.map { now >= $0 + Self.patience(loadTimeout: loadTimeout) } ?? false)
    }

    /// How long a caller's model waits for another one to become idle by itself. It is also the least time that two
    /// models serve in turn where both are always wanted, so it is long beside a usual prediction; and a caller who is
    /// held only shortly has most of that time left for the load.
    package static func patience(loadTimeout: Seconds) -> Seconds {
        min(longestPatience, Seconds(milliseconds: loadTimeout.milliseconds / 4))
    }

    private static let longestPatience: Seconds = 2

    /// Whether its turn is before the other's. Whoever has made way for itself goes first: an edit of what serves costs it
    /// no more than the time of a load.
    package func goes(before other: Claim) -> Bool {
        if isSuccession != other.isSuccession { return isSuccession }
        return (priority, since, key) < (other.priority, other.since, other.key)
    }
}
