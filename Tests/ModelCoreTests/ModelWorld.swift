import ModelCore

/// One model in a world that does what it is told: the smallest that `decide` can be tried in. Steps are carried out
/// as the controller and the database carry them out; what they must never be asked for is a violation.
struct ModelWorld {
    private(set) var model: ModelRecord?
    private(set) var instances: [InstanceRecord] = []
    private(set) var now = Situation.now
    var isShuttingDown = false
    /// Whether no slot is free: starts have to wait.
    var isFull = false
    /// What went against the rules.
    private(set) var violations: [String] = []
    /// What happened, for the message of a failed test.
    private(set) var history: [String] = []
    private var launches = 0

    private static let root = "/manifests"

    init(_ spec: ModelSpec) {
        accept(spec)
    }

    /// Whether a request is in flight.
    private(set) var isBusy = false
    /// When the last request was answered, or the last instance routed.
    private var lastUse = Situation.now
    /// Why it is to make room.
    var eviction: String?

    var observation: Observation? {
        model.map {
            Observation(
                model: $0, instances: instances, isShuttingDown: isShuttingDown,
                idleSince: isBusy ? nil : lastUse, eviction: eviction)
        }
    }

    /// A request is sent to the instance, or answered by it.
    mutating func use(_ begins: Bool) {
        guard instances.contains(where: \.isRouted) else { return }
        isBusy = begins
        lastUse = now
    }

    /// Another model wants its place, and finds it idle.
    mutating func evict() {
        guard !isBusy, instances.contains(where: { $0.phase == .ready && $0.isRouted }) else { return }
        eviction = "makes room for another one"
    }

    /// What a mistake would look like, with the way that led to it.
    var report: String { "\(violations)\n" + history.suffix(40).joined(separator: "\n") }

    mutating func note(_ event: String) {
        history.append("\(now.milliseconds - Situation.now.milliseconds)ms \(event)")
    }

    mutating func violate(_ rule: String) {
        note("VIOLATION \(rule)")
        violations.append(rule)
    }

    mutating func advance(by span: Seconds) { now = now + span }
    mutating func advance(to time: Timestamp) { now = max(now, time) }

    // MARK: - What people do

    /// A pass over the manifests: with the model in them, or without.
    mutating func accept(_ spec: ModelSpec?) {
        let manifests = spec.map { ManifestModel(key: Situation.key, spec: $0, file: "d.yaml", line: 1) }
        let acceptance = judge(
            ManifestSet(models: manifests.map { [$0] } ?? []), root: Self.root, accepted: model.map { [$0] } ?? [],
            guard: RemovalGuard(prune: true, allowEmpty: true))
        for change in acceptance.changes {
            var next =
                model ?? ModelRecord(key: Situation.key, spec: change.model.spec, root: Self.root, file: "d.yaml")
            if change.replacesInstance || next.isRemoved { next.hold = nil }
            if change.replacesInstance || next.isRemoved || next.spec != change.model.spec { next.backoff = nil }
            next.spec = change.model.spec
            next.generation = change.generation
            next.isRemoved = false
            model = next
            note("accepted \(change.fields.map(\.description)), generation \(change.generation)")
        }
        if !acceptance.removals.isEmpty {
            model?.isRemoved = true
            note("removed from the manifest")
        }
    }

    mutating func request() {
        guard let model, !model.isDemanded, !isShuttingDown else { return }
        let demand = model.demand(by: "request", at: now)
        self.model?.demand = demand
        if self.model?.isDemanded != (model.hold == nil && !model.spec.isRemote && !model.isRemoved) {
            violate("a request that is not heard")
        }
        note("request")
    }

    mutating func load() {
        model?.hold = nil
        model?.backoff = nil
        model = model.map { model in
            var demanded = model
            demanded.demand = model.demand(by: "load", at: now)
            return demanded
        }
        note("load")
    }

    mutating func unload(hold: Bool) {
        model?.demand = .none
        if hold || model?.spec.effective.load == .eager { model?.hold = Hold(since: now, by: "admin") }
        note("unload, hold: \(hold)")
    }

    mutating func restart() {
        model?.generation += 1
        model?.hold = nil
        model?.backoff = nil
        note("restart")
    }

    // MARK: - What happens to instances

    mutating func enter(_ phase: Phase, at index: Int) {
        guard instances[index].phase != phase else { return }
        instances[index].phase = phase
        instances[index].phaseSince = now
        if phase == .ready { instances[index].readyAt = instances[index].readyAt ?? now }
        note("\(instances[index].id) is \(phase)")
    }

    /// It ends, asked to or not.
    mutating func end(at index: Int, jitter: Double) {
        let instance = instances.remove(at: index)
        isBusy = false
        note("\(instance.id) ended while \(instance.phase)")
        guard instance.phase.isCurrent else {
            if isShuttingDown { model?.lastExitAt = now }
            return
        }
        model?.lastExitAt = now
        failed(jitter: jitter)
    }

    private mutating func failed(jitter: Double) {
        let backoff = Backoff.after(Situation.failure(at: now), previous: model?.backoff, jitter: jitter)
        model?.backoff = backoff
    }

    mutating func lose(at index: Int) {
        instances[index].unknownReason = "no /proc"
        note("\(instances[index].id) is unknown")
    }

    mutating func prove(at index: Int) {
        instances[index].unknownReason = nil
        note("\(instances[index].id) is ours")
    }

    // MARK: - What is decided

    /// Carries one step out, and checks that it could be asked for.
    /// - Parameter goesWrong: a launch fails; a stop is begun, but its end is not seen.
    /// - Returns: whether to look again at once.
    mutating func perform(_ step: Step, cause: String, jitter: Double, goesWrong: Bool) -> Bool {
        note("\(step): \(cause)")
        if cause.isEmpty { violate("a step without a cause") }
        if instances.contains(where: { $0.unknownReason != nil }) { violate("a step beside something unknown") }
        switch step {
        case .start: return start(jitter: jitter, fails: goesWrong)
        case .switch(let id):
            withInstance(id) { instance, world in
                if instance.phase != .ready { world.violate("a route to what is \(instance.phase)") }
                instance.isRouted = true
                world.lastUse = world.now
            }
        case .unroute(let id):
            withInstance(id) { instance, _ in instance.isRouted = false }
        case .drain(let id):
            leave(id, .draining, cause: cause)
        case .unload(let id):
            return unload(id, cause: cause, isUsed: goesWrong)
        case .stop(let id):
            leave(id, .stopping, cause: cause)
            if goesWrong { return false }
            if let index = instances.firstIndex(where: { $0.id == id }) { end(at: index, jitter: jitter) }
        case .giveUp(let id):
            failed(jitter: jitter)
            if model?.spec.effective.load == .onDemand { model?.demand = .none }
            withInstance(id) { instance, world in
                let launched = instance.startedAt ?? instance.createdAt
                let limit = world.model?.spec.effective.startTimeout ?? .zero
                if instance.readyAt != nil { world.violate("gave up what was ready") }
                if world.now < launched + limit { world.violate("gave up before its time") }
                instance.phase = .stopping
                instance.stopCause = cause
            }
        case .forgetBackoff:
            if model?.backoff == nil { violate("forgot nothing") }
            model?.backoff = nil
        case .remove:
            if !instances.isEmpty { violate("forgot a model that runs") }
            if model?.isRemoved != true { violate("forgot a model that is wanted") }
            model = nil
        }
        return true
    }

    /// What must hold once a decision says that there is nothing to do now.
    mutating func checkRest(isSettled: Bool) {
        guard let model, !instances.contains(where: { $0.unknownReason != nil }) else { return }
        if model.isRemoved { violate("at rest though the model is to be forgotten") }
        let isWanted = model.isDemanded && !isShuttingDown
        if !isWanted, !instances.isEmpty { violate("at rest though something runs that nobody wants") }
        if instances.count > 1 { violate("at rest with two instances") }
        for instance in instances {
            if !instance.phase.isCurrent { violate("at rest beside what is leaving") }
            if instance.generation != model.generation { violate("at rest with an old generation") }
            if instance.isRouted != (instance.phase == .ready) { violate("at rest with a route that is not right") }
        }
        guard isSettled, isWanted else { return }
        if instances.first?.phase != .ready { violate("settled without what is wanted") }
        if model.backoff != nil { violate("settled with failures to be forgotten") }
    }

    private mutating func start(jitter: Double, fails: Bool) -> Bool {
        guard let model, let source = model.spec.source else {
            violate("started nothing")
            return false
        }
        if !instances.isEmpty { violate("started a second instance") }
        if !model.isDemanded || model.isRemoved || isShuttingDown { violate("started what nobody wants") }
        if let backoff = model.backoff, backoff.nextAttempt > now { violate("started too early") }
        let other = Holder(instance: .other, key: ModelKey(domain: "o", source: "o", model: "o"), tenure: .fixed)
        let ledger = Ledger(limits: HostLimits(maxLoaded: 1), holders: isFull ? [other] : [], ports: [:])
        guard admit(Claim(key: model.key, port: 20000), ledger: ledger) == .granted else { return false }
        launches += 1
        var instance = InstanceRecord(
            id: InstanceID("i\(launches)"), key: model.key, generation: model.generation, attempt: launches,
            source: source.runFields, host: "localhost", port: 20000, createdAt: now)
        instance.phase = .starting
        instance.startedAt = now
        instances.append(instance)
        if fails { end(at: instances.count - 1, jitter: jitter) }
        return true
    }

    /// - Parameter isUsed: a request turns out to be in flight, or to have come.
    private mutating func unload(_ id: InstanceID, cause: String, isUsed: Bool) -> Bool {
        if model?.spec.effective.load == .eager { violate("unloaded an eager model") }
        if eviction == nil, isBusy { violate("unloaded what is in use") }
        eviction = nil
        // The controller looks once more, when no new request can come.
        guard !isUsed, !isBusy else {
            lastUse = now
            return true
        }
        model?.demand = .none
        leave(id, .draining, cause: cause)
        return true
    }

    private mutating func leave(_ id: InstanceID, _ phase: Phase, cause: String) {
        withInstance(id) { instance, world in
            if instance.phase.isCurrent, world.isRight(instance) { world.violate("ended what is demanded and right") }
            if instance.isRouted, phase == .stopping { world.violate("stopped what has a route") }
            if instance.phase == phase, phase == .draining { world.violate("drained twice") }
            instance.phase = phase
            instance.isRouted = false
            instance.stopCause = instance.stopCause ?? cause
        }
    }

    private func isRight(_ instance: InstanceRecord) -> Bool {
        guard let model, !isShuttingDown else { return false }
        return model.isDemanded && instance.generation == model.generation
    }

    private mutating func withInstance(_ id: InstanceID, _ change: (inout InstanceRecord, inout ModelWorld) -> Void) {
        guard let index = instances.firstIndex(where: { $0.id == id }) else { return violate("no such instance") }
        var instance = instances[index]
        change(&instance, &self)
        instances[index] = instance
    }
}
