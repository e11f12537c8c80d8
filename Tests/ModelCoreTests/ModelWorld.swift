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
    /// Instances on their way out that somebody sees to: they end when they do.
    private(set) var attended: Set<InstanceID> = []
    /// Whether two instances of the model do not fit in beside each other.
    var isNarrow = false {
        didSet { hasBeenNarrow = true }
    }
    /// Whether room or policy has changed since the last launch.
    private var hasBeenNarrow = false
    /// The instance that was launched last among those that were ever ready.
    private var lastReady: InstanceRecord?

    var observation: Observation? {
        model.map {
            var observed = Observation(
                model: $0, instances: instances, isShuttingDown: isShuttingDown,
                idleSince: isBusy ? nil : lastUse, eviction: eviction)
            observed.attended = attended
            observed.lacksRoomBeside = isNarrow
            observed.restorable = restorable($0)
            return observed
        }
    }

    /// Those that are there to stay.
    private var current: [InstanceRecord] { instances.filter(\.phase.isCurrent) }

    private func restorable(_ model: ModelRecord) -> InstanceRecord? {
        lastReady.flatMap { model.mayRestore($0) ? $0 : nil }
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
            hasBeenNarrow = true
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
        model?.beginFreshGeneration()
        model?.hold = nil
        model?.backoff = nil
        note("restart")
    }

    // MARK: - What happens to instances

    mutating func enter(_ phase: Phase, at index: Int) {
        guard instances[index].phase != phase else { return }
        instances[index].phase = phase
        instances[index].phaseSince = now
        if phase == .ready {
            instances[index].readyAt = instances[index].readyAt ?? now
            if launch(of: instances[index]) >= lastReady.map(launch) ?? 0 { lastReady = instances[index] }
        }
        note("\(instances[index].id) is \(phase)")
    }

    /// The number of its launch.
    private func launch(of instance: InstanceRecord) -> Int { Int(instance.id.text.dropFirst()) ?? 0 }

    /// It ends, asked to or not.
    mutating func end(at index: Int, jitter: Double) {
        let instance = instances.remove(at: index)
        attended.remove(instance.id)
        if instance.isRouted { isBusy = false }
        note("\(instance.id) ended while \(instance.phase)")
        guard instance.phase.isCurrent else {
            if isShuttingDown { model?.lastExitAt = now }
            return
        }
        if failed(instance, jitter: jitter) { model?.lastExitAt = now }
    }

    /// Whoever sees to an instance has done so: it is drained, or it has ended.
    mutating func finishAttending(jitter: Double) {
        guard let index = instances.firstIndex(where: { attended.contains($0.id) }) else { return }
        note("\(instances[index].id) is \(instances[index].phase == .stopping ? "stopped" : "drained")")
        attended.remove(instances[index].id)
        if instances[index].phase == .stopping { end(at: index, jitter: jitter) }
    }

    /// Whoever saw to instances has died.
    mutating func crash() {
        attended = []
        isNarrow = false
        note("crash")
    }

    /// Remembers a failure as the controller does.
    /// - Returns: whether nothing serves in spite of it, nor will.
    private mutating func failed(_ instance: InstanceRecord, jitter: Double) -> Bool {
        guard var after = model else { return true }
        let hasOther = current.contains { $0.id != instance.id }
        let failure = Situation.failure(at: now)
        if after.isFulfilled(by: instance) {
            after.backoff = Backoff.after(failure, previous: after.backoff, jitter: jitter)
        } else if after.backoff != nil, instance.insteadOf == after.generation {
            let lasted = instance.phase == .ready && now >= instance.phaseSince + Backoff.forgottenAfter
            after.restoration = Backoff.after(failure, previous: lasted ? nil : after.restoration, jitter: jitter)
        } else {
            return !hasOther
        }
        model = after
        if hasOther { return false }
        return instance.readyAt != nil || restorable(after) == nil
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
        case .restore: return restore(jitter: jitter, fails: goesWrong)
        case .switch(let id):
            for index in instances.indices where instances[index].id != id { instances[index].isRouted = false }
            withInstance(id) { instance, world in
                if instance.phase != .ready { world.violate("a route to what is \(instance.phase)") }
                instance.isRouted = true
                world.lastUse = world.now
            }
        case .unroute(let id):
            withInstance(id) { instance, _ in instance.isRouted = false }
        case .drain(let id):
            leave(id, .draining, cause: cause)
            if goesWrong { attended.insert(id) }
        case .unload(let id):
            return unload(id, cause: cause, isUsed: goesWrong)
        case .stop(let id):
            leave(id, .stopping, cause: cause)
            if goesWrong {
                attended.insert(id)
                return true
            }
            if let index = instances.firstIndex(where: { $0.id == id }) { end(at: index, jitter: jitter) }
        case .giveUp(let id):
            if let instance = instances.first(where: { $0.id == id }), failed(instance, jitter: jitter) {
                model?.demand = .none
            }
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
        if model.isRemoved, instances.isEmpty { violate("at rest though the model is to be forgotten") }
        let isWanted = model.isDemanded && !isShuttingDown
        if !isWanted, !current.isEmpty { violate("at rest though something runs that nobody wants") }
        for instance in instances where !instance.phase.isCurrent && !attended.contains(instance.id) {
            violate("at rest beside what is leaving")
        }
        let ready = current.filter { $0.phase == .ready }
        if ready.count > 1 { violate("at rest with two that are ready") }
        for instance in current {
            if instance.isRouted != (instance.phase == .ready) { violate("at rest with a route that is not right") }
            if !model.isFulfilled(by: instance) { checkRest(ofFormer: instance, model) }
        }
        if current.count > 2 { violate("at rest with three instances") }
        if Set(current.map(\.generation)).count < current.count { violate("at rest with twins") }
        guard isSettled, isWanted else { return }
        if current.map(\.phase) != [.ready] { violate("settled without what is wanted") }
        if model.backoff != nil { violate("settled with failures to be forgotten") }
    }

    /// A former instance stays only as long as its successor is loading, or cannot be loaded.
    private mutating func checkRest(ofFormer instance: InstanceRecord, _ model: ModelRecord) {
        let isReplaced = current.contains { model.isFulfilled(by: $0) }
        let hasTooMany = instances.count - current.count > Observation.mostLeaving
        if model.backoff == nil, !isReplaced, !isFull, !hasTooMany {
            violate("at rest with an old generation that nothing replaces")
        }
        if isReplaced, instance.readyAt == nil { violate("an old generation is loading beside its successor") }
        if isReplaced, !mayHaveTwo { violate("two instances that may not be there at once") }
    }

    /// Whether the model's policy, its port and the room on the host allow a successor beside what serves.
    private var mayHaveTwo: Bool {
        guard let model else { return false }
        // What began when there was room, or under another policy, is not ended for it.
        return hasBeenNarrow || (model.spec.effective.update == .availability && !isNarrow)
    }

    private mutating func start(jitter: Double, fails: Bool) -> Bool {
        guard let model, let source = model.spec.source else {
            violate("started nothing")
            return false
        }
        if let backoff = model.backoff, backoff.nextAttempt > now { violate("started too early") }
        for other in current {
            if model.isFulfilled(by: other) { violate("started what is there") }
            if other.readyAt == nil { violate("started beside what serves nobody") }
            if other.port == source.fixedPort { violate("started on a taken port") }
            if isNarrow || model.spec.effective.update == .resource { violate("started a second instance") }
        }
        return launch(source, generation: model.generation, insteadOf: nil, jitter: jitter, fails: fails)
    }

    private mutating func restore(jitter: Double, fails: Bool) -> Bool {
        guard let model, let last = restorable(model) else {
            violate("restored nothing")
            return false
        }
        if let backoff = model.restoration, backoff.nextAttempt > now { violate("restored too early") }
        if model.backoff?.isRejection != true { violate("restored before the new one has had its chances") }
        if !current.isEmpty { violate("restored beside another instance") }
        return launch(
            last.source, generation: last.generation, insteadOf: model.generation, jitter: jitter, fails: fails)
    }

    private mutating func launch(
        _ source: SourceSpec, generation: Int, insteadOf: Int?, jitter: Double, fails: Bool
    ) -> Bool {
        guard let model else { return false }
        checkStart(of: source, beside: instances.filter { !$0.phase.isCurrent }, model)
        if !model.isDemanded || model.isRemoved || isShuttingDown { violate("started what nobody wants") }
        if current.contains(where: { $0.generation == generation }) { violate("started a twin") }
        let other = Holder(instance: .other, key: ModelKey(domain: "o", source: "o", model: "o"), tenure: .fixed)
        let ledger = Ledger(limits: HostLimits(maxLoaded: 1), holders: isFull ? [other] : [], ports: [:])
        guard admit(Claim(key: model.key, port: 20000), ledger: ledger) == .granted else { return false }
        launches += 1
        var instance = InstanceRecord(
            id: InstanceID("i\(launches)"), key: model.key, generation: generation, attempt: launches,
            source: source.runFields, host: "localhost", port: source.fixedPort ?? 20000 + launches, createdAt: now)
        instance.insteadOf = insteadOf
        instance.phase = .starting
        instance.startedAt = now
        instances.append(instance)
        hasBeenNarrow = false
        if fails { end(at: instances.count - 1, jitter: jitter) }
        return true
    }

    /// What is on its way out is waited for where it holds what is needed, or where there are too many.
    private mutating func checkStart(of source: SourceSpec, beside leaving: [InstanceRecord], _ model: ModelRecord) {
        if leaving.count > Observation.mostLeaving { violate("started beside too many that are leaving") }
        guard current.isEmpty, !leaving.isEmpty else { return }
        if leaving.contains(where: { $0.port == source.fixedPort }) {
            violate("started on a port that is not yet free")
        }
        if isNarrow || model.spec.effective.update == .resource {
            violate("started before the former instance had ended")
        }
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
            if instance.phase == .ready, phase != .draining {
                world.violate("stopped what may have requests in flight")
            }
            if world.isNeeded(instance) { world.violate("ended what serves before its successor did") }
            if instance.isRouted, phase == .stopping { world.violate("stopped what has a route") }
            if instance.phase == phase, phase == .draining { world.violate("drained twice") }
            instance.phase = phase
            instance.isRouted = false
            instance.stopCause = instance.stopCause ?? cause
        }
    }

    private func isRight(_ instance: InstanceRecord) -> Bool {
        guard let model, !isShuttingDown else { return false }
        return model.isDemanded && model.isFulfilled(by: instance)
    }

    /// Whether it serves, and nothing else can yet.
    private func isNeeded(_ instance: InstanceRecord) -> Bool {
        guard let model, let source = model.spec.source, model.isDemanded, !isShuttingDown, !isNarrow else {
            return false
        }
        guard instance.isRouted, instance.phase == .ready else { return false }
        return model.spec.effective.update == .availability && source.fixedPort != instance.port
    }

    private mutating func withInstance(_ id: InstanceID, _ change: (inout InstanceRecord, inout ModelWorld) -> Void) {
        guard let index = instances.firstIndex(where: { $0.id == id }) else { return violate("no such instance") }
        var instance = instances[index]
        change(&instance, &self)
        instances[index] = instance
    }
}
