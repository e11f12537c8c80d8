import ModelCore

/// Several models on a host that is too small for all of them, with callers who come as they like. Decisions are
/// those of `decide` and `admit`; carried out as the controller and the gateway do it, in steps of ``tick``.
struct HostWorld {
    /// A model with all that is known of it.
    struct Tenant {
        var model: ModelRecord
        var instance: InstanceRecord?
        /// How long a load and one answer take.
        let loadTime: Seconds
        let answerTime: Seconds
        /// How often a caller comes: once in so many ticks; 1 keeps it always in use.
        let rarity: Int
        /// When each request in flight is answered.
        var inFlight: [Timestamp] = []
        /// When each held caller came.
        var held: [Timestamp] = []
        var servingSince: Timestamp?
        var lastUse = Situation.now
        var waitingSince: Timestamp?
        /// Why it is to make room, and whether it ends what it has begun first.
        var eviction: (cause: String, waits: Bool)?
        /// Taken out of its route: whoever comes is held.
        var isClosed = false
        var answers = 0

        /// The first of the callers who are held now.
        var calledSince: Timestamp? { held.first }
    }

    static let tick = Seconds(milliseconds: 50)
    /// From the end of the route to the end of the instance.
    private static let stopTime = Seconds(milliseconds: 200)

    let limits: HostLimits
    private(set) var tenants: [ModelKey: Tenant]
    private(set) var now = Situation.now
    private(set) var violations: [String] = []
    private(set) var longestWaits: [ModelKey: Seconds] = [:]
    var longestWait: Seconds { longestWaits.values.max() ?? .zero }
    private(set) var answered = 0
    private var launches = 0

    init(limits: HostLimits, _ tenants: [Tenant]) {
        self.limits = limits
        self.tenants = Dictionary(uniqueKeysWithValues: tenants.map { ($0.model.key, $0) })
    }

    private mutating func violate(_ rule: String, _ key: ModelKey) {
        violations.append("\(now.milliseconds - Situation.now.milliseconds)ms \(key): \(rule)")
    }

    var isQuiet: Bool { tenants.values.allSatisfy { $0.held.isEmpty && $0.inFlight.isEmpty } }

    /// One tick: answers end, callers come, and every model is looked at, in any order.
    mutating func pass(_ random: inout SeededGenerator, hasCallers: Bool) {
        now = now + Self.tick
        for key in tenants.keys.sorted() {
            answer(key)
            if hasCallers, let rarity = tenants[key]?.rarity, random.oneIn(rarity) { call(key) }
        }
        for key in tenants.keys.sorted().shuffled(using: &random) { look(at: key) }
        checkLimits()
    }

    // MARK: - The gateway

    private mutating func call(_ key: ModelKey) {
        guard let tenant = tenants[key] else { return }
        guard tenant.servingSince != nil, !tenant.isClosed else {
            tenants[key]?.held.append(now)
            return
        }
        tenants[key]?.inFlight.append(now + tenant.answerTime)
    }

    private mutating func answer(_ key: ModelKey) {
        guard let tenant = tenants[key] else { return }
        let done = tenant.inFlight.count { $0 <= now }
        if done > 0 { tenants[key]?.lastUse = now }
        tenants[key]?.inFlight.removeAll { $0 <= now }
        tenants[key]?.answers += done
        answered += done
    }

    /// A published route takes everyone along who is held.
    private mutating func publish(_ key: ModelKey) {
        guard let tenant = tenants[key] else { return }
        for since in tenant.held {
            longestWaits[key] = max(longestWaits[key] ?? .zero, now - since)
            tenants[key]?.inFlight.append(now + tenant.answerTime)
        }
        tenants[key]?.held = []
        tenants[key]?.isClosed = false
        if tenant.servingSince == nil { tenants[key]?.lastUse = now }
        tenants[key]?.servingSince = tenant.servingSince ?? now
    }

    // MARK: - The controller

    private mutating func look(at key: ModelKey) {
        for _ in 0..<8 {
            guard var tenant = tenants[key] else { return }
            if !tenant.held.isEmpty, !tenant.model.isDemanded {
                tenant.model.demand = tenant.model.demand(by: "request", at: now)
            }
            progress(&tenant)
            tenants[key] = tenant
            let idleSince = tenant.inFlight.isEmpty ? tenant.lastUse : nil
            let observation = Observation(
                model: tenant.model, instances: tenant.instance.map { [$0] } ?? [], idleSince: idleSince,
                eviction: tenant.eviction?.cause)
            guard case .operate(let step, _) = decide(observation, now: now) else {
                if tenants[key]?.instance != nil { tenants[key]?.waitingSince = nil }
                return
            }
            guard perform(step, key) else { return }
        }
        violate("does not settle", key)
    }

    /// A load ends after its time.
    private func progress(_ tenant: inout Tenant) {
        guard let instance = tenant.instance, instance.phase == .starting, let start = instance.startedAt,
            now >= start + tenant.loadTime
        else { return }
        tenant.instance?.phase = .ready
        tenant.instance?.phaseSince = now
        tenant.instance?.readyAt = now
    }

    private mutating func perform(_ step: Step, _ key: ModelKey) -> Bool {
        guard let tenant = tenants[key] else { return false }
        switch step {
        case .start:
            return start(key)
        case .switch:
            tenants[key]?.instance?.isRouted = true
            publish(key)
            return true
        case .unload:
            return unload(key)
        case .stop:
            guard let since = tenant.instance?.phaseSince, now >= since + Self.stopTime else { return false }
            tenants[key]?.instance = nil
            return true
        default:
            violate("\(step)", key)
            return false
        }
    }

    private mutating func unload(_ key: ModelKey) -> Bool {
        guard let tenant = tenants[key] else { return false }
        let isEager = tenant.model.spec.effective.load == .eager
        if isEager || (tenant.eviction != nil && !tenant.model.mayMakeRoom) {
            violate("an eager or pinned model makes room", key)
        }
        tenants[key]?.isClosed = true
        guard tenant.inFlight.isEmpty else {
            if tenant.eviction?.waits != true {
                tenants[key]?.eviction = nil
                tenants[key]?.isClosed = false
            }
            return false
        }
        if tenant.answers == 0 { violate("unloaded before it has answered anybody", key) }
        tenants[key]?.eviction = nil
        tenants[key]?.servingSince = nil
        tenants[key]?.model.demand = .none
        tenants[key]?.instance?.isRouted = false
        tenants[key]?.instance?.phase = .draining
        tenants[key]?.instance?.phaseSince = now
        return true
    }

    private mutating func start(_ key: ModelKey) -> Bool {
        guard let tenant = tenants[key] else { return false }
        tenants[key]?.waitingSince = tenant.waitingSince ?? now
        let waiting = tenants.values.filter { $0.waitingSince != nil }.map(claim)
        let ledger = Ledger(
            limits: limits, ports: [:], instances: tenants.values.compactMap(\.instance),
            models: tenants.mapValues(\.model), uses: uses, now: now)
        switch admit(claim(tenant), waiting: waiting, ledger: ledger) {
        case .granted:
            launch(key)
            return true
        case .wait:
            return false
        case .evict(let ids, _):
            for victim in tenants.values where ids.contains(victim.instance?.id ?? InstanceID("")) {
                guard victim.eviction == nil else { continue }
                tenants[victim.model.key]?.eviction = ("makes room for \(key)", waits: !victim.inFlight.isEmpty)
            }
            return false
        case .yieldFirst(let reason), .refused(let reason):
            violate(reason, key)
            return false
        }
    }

    private func claim(_ tenant: Tenant) -> Claim {
        Claim(
            of: tenant.model, calledSince: tenant.calledSince, waitingSince: tenant.waitingSince ?? now, now: now)
    }

    private var uses: [InstanceID: InstanceUse] {
        tenants.values.reduce(into: [:]) { uses, tenant in
            guard let id = tenant.instance?.id else { return }
            uses[id] = InstanceUse(tenure: tenure(tenant))
        }
    }

    private func tenure(_ tenant: Tenant) -> Tenure {
        if tenant.eviction != nil { return .leaving }
        guard let since = tenant.servingSince else { return .fixed }
        return tenant.inFlight.isEmpty ? .idle(since: tenant.lastUse) : .busy(since: since)
    }

    private mutating func launch(_ key: ModelKey) {
        guard let tenant = tenants[key], let source = tenant.model.spec.source else { return }
        launches += 1
        var instance = InstanceRecord(
            id: InstanceID("i\(launches)"), key: key, generation: 1, attempt: launches, source: source.runFields,
            host: "localhost", port: 20000 + launches, createdAt: now)
        instance.phase = .starting
        instance.startedAt = now
        instance.phaseSince = now
        tenants[key]?.instance = instance
        tenants[key]?.waitingSince = nil
        tenants[key]?.answers = 0
    }

    // MARK: - What must hold

    private mutating func checkLimits() {
        let loaded = tenants.values.filter { $0.instance != nil }
        // Slow ones give their slots back; but however many wait, no more than there are slots begin at once.
        let starting = loaded.count {
            guard let instance = $0.instance, instance.phase == .starting else { return false }
            return now - instance.createdAt < StartSlot.longestForCaller
        }
        let memory = loaded.reduce(0) { $0 + $1.model.expectedMemory }
        let first = Situation.key
        if let most = limits.maxLoaded, loaded.count > most { violate("\(loaded.count) are loaded", first) }
        if starting > limits.startSlots { violate("\(starting) are starting", first) }
        if let budget = limits.memory, memory > budget { violate("\(memory) of memory are taken", first) }
        for tenant in loaded where !tenant.inFlight.isEmpty && tenant.instance?.phase.isCurrent != true {
            violate("stopped while it answers", tenant.model.key)
        }
    }
}
