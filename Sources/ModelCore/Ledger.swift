/// What is taken of the host, and what there is.
package struct Ledger: Hashable, Sendable {
    package var limits: HostLimits
    /// Every live instance.
    package var holders: [Holder]
    /// Leased ports and the models that hold them.
    package var ports: [Int: ModelKey]

    package init(limits: HostLimits, holders: [Holder], ports: [Int: ModelKey]) {
        self.limits = limits
        self.holders = holders
        self.ports = ports
    }

    /// - Parameters:
    ///   - models: at least those that have a live instance.
    ///   - uses: what is known of instances beside what is recorded.
    package init(
        limits: HostLimits, ports: [Int: ModelKey], instances: [InstanceRecord], models: [ModelKey: ModelRecord],
        uses: [InstanceID: InstanceUse], now: Timestamp
    ) {
        let holders = instances.filter(\.phase.isLive).map {
            Holder($0, of: models[$0.key], use: uses[$0.id] ?? InstanceUse(), now: now)
        }
        self.init(limits: limits, holders: holders, ports: ports)
    }

    /// What all instances take together, in bytes.
    package var memory: Int64 { holders.reduce(0) { $0 + $1.memory } }
}

/// A live instance and what it takes.
package struct Holder: Hashable, Sendable {
    package var instance: InstanceID
    package var key: ModelKey
    /// In bytes: as measured, or as its manifest says where that is more.
    package var memory: Int64
    /// How long ago it was granted its start; `nil` where it is not starting any more.
    package var startingFor: Seconds?
    package var tenure: Tenure

    package init(
        instance: InstanceID, key: ModelKey, memory: Int64 = 0, startingFor: Seconds? = nil, tenure: Tenure
    ) {
        self.instance = instance
        self.key = key
        self.memory = memory
        self.startingFor = startingFor
        self.tenure = tenure
    }

    fileprivate init(_ instance: InstanceRecord, of model: ModelRecord?, use: InstanceUse, now: Timestamp) {
        let isStarting = [.intent, .gated, .starting].contains(instance.phase)
        let declared = Self.declaredMemory(of: instance, model, use)
        let last = model?.memory ?? 0
        // What is loading has not taken yet what it will take.
        let measured = isStarting ? max(use.memory ?? 0, last) : use.memory ?? last
        self.init(
            instance: instance.id, key: instance.key, memory: max(declared, measured),
            startingFor: isStarting ? now - instance.createdAt : nil, tenure: Self.tenure(of: instance, model, use))
    }

    /// What an instance of a former generation takes is not what the next one will.
    private static func declaredMemory(of instance: InstanceRecord, _ model: ModelRecord?, _ use: InstanceUse) -> Int64
    {
        guard let model else { return 0 }
        let wanted = model.spec.declaredMemory ?? 0
        if model.isFulfilled(by: instance) { return wanted }
        return use.declared ?? instance.source.container?.memory ?? wanted
    }

    private static func tenure(of instance: InstanceRecord, _ model: ModelRecord?, _ use: InstanceUse) -> Tenure {
        if !instance.phase.isCurrent || use.tenure == .leaving { return .leaving }
        guard let model, model.mayMakeRoom, instance.unknownReason == nil,
            instance.phase == .ready || instance.phase == .unready
        else { return .fixed }
        return use.tenure
    }
}

/// Whether an instance may be unloaded to make room.
package enum Tenure: Hashable, Sendable {
    /// Never: it is loading, eager, pinned, or not yet known to have answered those who waited for it.
    case fixed
    /// Nothing has been in flight since then.
    case idle(since: Timestamp)
    /// Something is in flight; it serves since then. It may be asked to take nothing more, and to make room once all
    /// is answered.
    case busy(since: Timestamp)
    /// It is on its way out.
    case leaving

    /// Whether it may be in use, and is not asked to leave yet.
    package var isInUse: Bool {
        switch self {
        case .busy, .fixed: true
        case .idle, .leaving: false
        }
    }
}

/// What is known of an instance beside what is recorded of it.
package struct InstanceUse: Hashable, Sendable {
    /// As measured just now, in bytes.
    package var memory: Int64?
    /// What it was expected to take when it was accepted, in bytes, where its model has been edited since; `nil` where
    /// that is not known.
    package var declared: Int64?
    package var tenure: Tenure

    package init(memory: Int64? = nil, declared: Int64? = nil, tenure: Tenure = .fixed) {
        self.memory = memory
        self.declared = declared
        self.tenure = tenure
    }
}

extension ModelRecord {
    /// Whether it may be unloaded to make room for another one. An eager model would come straight back, so it stays.
    package var mayMakeRoom: Bool { spec.effective.load == .onDemand && !spec.effective.pinned }

    /// What an instance of it is expected to take, in bytes; 0 where nothing is known.
    package var expectedMemory: Int64 { max(spec.declaredMemory ?? 0, memory ?? 0) }
}

extension ModelSpec {
    /// What its manifest says that it takes, in bytes: `memory`; where that is not given, the limit of its container, as
    /// Kubernetes takes a limit without a request. The container can never take more, so the budget holds from the first
    /// load on; a smaller `memory` beside it lets more models share the host.
    package var declaredMemory: Int64? { memory ?? source?.container?.memory }
}
