internal import ModelCore
internal import Reconciler

/// The tables of ``InMemoryStore`` and the rules of a transaction on them.
struct InMemoryState: Equatable, Sendable {
    var models: [ModelKey: ModelRecord] = [:]
    var instances: [InstanceRecord] = []
    /// What was accepted last of each generation of each model.
    var specs: [ModelKey: [Int: ModelSpec]] = [:]
    /// Those that are followed.
    var roots: [String] = []
    /// Every revision, oldest first.
    var history: [InMemoryRevision] = []
    var pins: [String: RootPin] = [:]
    /// The root that `serve` names, those that an operator applied beside it, and those that nobody follows any more.
    var servedRoot: String?
    var appliedRoots: Set<String> = []
    var formerRoots: [String] = []
    var faults: [String: [ManifestFault]] = [:]
    var epoch = 0
    var writes = 0
    /// What people should know.
    var notes: [String] = []
    /// The `pull` operations of all models, oldest first.
    var pulls: [InMemoryPull] = []
    var failure: StoreError?
    /// With each launch that was granted, how long ago those had been granted which were starting then.
    var startingAges: [[Seconds]] = []
    /// What fails once there have been so many writes.
    var laterFailure: StoreError?
    var failsAt = 0

    var live: [InstanceRecord] { instances.filter(\.phase.isLive) }

    var ports: [Int: ModelKey] { Dictionary(live.map { ($0.port, $0.key) }) { first, _ in first } }

    func ledger(limits: HostLimits, uses: [InstanceID: InstanceUse], at now: Timestamp) -> Ledger {
        Ledger(limits: limits, ports: ports, instances: live, models: models, uses: uses, now: now)
    }

    mutating func begin(
        _ intent: InstanceRecord, contest: Contest, at now: Timestamp
    ) throws(StoreError) -> Admission {
        guard intent.phase == .intent else { throw .refused("an instance begins as intent") }
        guard models[intent.key] != nil else { throw .refused("there is no model \(intent.key)") }
        let ledger = ledger(limits: contest.limits, uses: contest.uses, at: now)
        let admission = admit(contest.claim(of: intent), waiting: contest.waiting, ledger: ledger)
        guard admission == .granted else { return admission }

        guard !instances.contains(where: { $0.id == intent.id }) else {
            throw .refused("the id of an instance is never reused")
        }
        let siblings = instances.filter {
            $0.key == intent.key && $0.generation == intent.generation && $0.replica == intent.replica
        }
        guard !siblings.contains(where: \.phase.isCurrent) else {
            throw .refused("the generation has a current instance already")
        }
        guard !siblings.contains(where: { $0.attempt == intent.attempt }) else {
            throw .refused("the attempt has been made already")
        }
        instances.append(intent)
        startingAges.append(
            live.filter { [.intent, .gated, .starting].contains($0.phase) }.map { now - $0.createdAt })
        return .granted
    }

    mutating func commit(_ change: StateChange, at now: Timestamp) throws(StoreError) {
        switch change {
        case .gated(let id, let prepared):
            try self.change(id, to: .gated, at: now) { instance throws(StoreError) in
                guard instance.shim == nil || instance.shim == prepared.shim,
                    instance.containerID == nil || instance.containerID == prepared.containerID
                else { throw .refused("the identity of an instance never changes") }
                instance.shim = prepared.shim
                instance.containerID = prepared.containerID
                instance.engine = instance.engine ?? prepared.engine
            }
        case .released(let id):
            try self.change(id, to: .starting, at: now) { $0.startedAt = $0.startedAt ?? now }
        case .server(let id, let server):
            try self.change(id, at: now) { $0.server = server }
        case .ready(let id, let address):
            try ready(id, address: address, at: now)
        case .unready(let id, _):
            try self.change(id, to: .unready, at: now)
        case .routed(let id):
            try route(id, at: now)
        case .unrouted(let id, _):
            try self.change(id, at: now) { $0.isRouted = false }
        case .draining(let id, let cause):
            try leave(id, to: .draining, cause: cause, at: now)
        case .stopping(let id, let cause):
            try leave(id, to: .stopping, cause: cause, at: now)
        case .exited(let id, let exit, let backoff, let endsDemand):
            try end(id, exit: exit, backoff: backoff, endsDemand: endsDemand, at: now)
        case .unknown(let id, let reason):
            try self.change(id, at: now) { $0.unknownReason = reason }
        case .adopted(let id, let server, let engine):
            try self.change(id, at: now) { instance in
                instance.adopted = true
                instance.unknownReason = nil
                if let server { instance.server = server }
                instance.engine = instance.engine ?? engine
            }
        case .forgotten(let id, let by):
            guard live.contains(where: { $0.id == id && $0.unknownReason != nil }) else { return }
            try end(id, exit: .forgotten(by: by, at: now), backoff: nil, endsDemand: false, at: now)
        case .demand(let key, let demand): models[key]?.demand = demand
        case .hold(let key, let hold): models[key]?.hold = hold
        case .backoff(let key, let backoff): models[key]?.backoff = backoff
        case .unloading(let id, let cause, let ending, let backoff):
            guard let key = live.first(where: { $0.id == id && $0.phase != .draining })?.key else { return }
            try leave(id, to: .draining, cause: cause, at: now)
            if let backoff { remember(backoff, of: id, key) }
            end(ending, of: key)
        case .givenUp(let id, let cause, let backoff, let ending):
            guard let key = live.first(where: { $0.id == id && $0.phase != .stopping })?.key else { return }
            try leave(id, to: .stopping, cause: cause, at: now)
            if isAboutModel(id, key) { end(ending, of: key) }
            remember(backoff, of: id, key)
        case .loadFailed(let key, let generation, let backoff, let ending):
            guard models[key]?.generation == generation else { return }
            models[key]?.backoff = backoff
            endPull(of: key, .failed(backoff.lastFailure.message))
            end(ending, of: key)
        case .load(let key, let by):
            models[key]?.forgetFailures()
            if let model = models[key] { models[key]?.demand = model.demand(by: by, at: now) }
        case .unload(let key, let isHeld, let by):
            if isHeld { models[key]?.hold = Hold(since: now, by: by) }
            models[key]?.demand = .none
        case .measured(let key, let memory): models[key]?.memory = memory
        case .noted(let key, let message):
            if models[key] != nil { notes.append(message) }
        case .restart(let key, _):
            models[key]?.beginFreshGeneration()
            models[key]?.forgetFailures()
        case .waiting(let key, let reason): models[key]?.waiting = reason
        case .pulling(let key, let progress, let cause, let isNews):
            pull(key, progress, cause: cause, isNews: isNews)
        case .pulled(let key, .succeeded): endPull(of: key, .succeeded)
        case .pulled(let key, .failed(let reason)): endPull(of: key, .failed(reason))
        case .drifted(let key, let image): models[key]?.setDrift(to: image)
        case .newImage(let key, let image):
            models[key]?.beginFreshGeneration()
            models[key]?.backoff = nil
            models[key]?.drift = image
            models[key]?.followsDrift = true
        case .restorationFailed(let key, let generation, let restoration, let ending):
            guard models[key]?.generation == generation else { return }
            if models[key]?.backoff != nil { models[key]?.restoration = restoration }
            end(ending, of: key)
        case .removed(let key): try forget(key)
        case .swept(let sentence): notes.append(sentence)
        }
    }

    /// A backoff is of the generation of its instance; of a former one it counts only while that stands in for the one that
    /// is wanted.
    mutating func remember(_ backoff: Backoff, of id: InstanceID, _ key: ModelKey) {
        guard let model = models[key], let instance = instances.first(where: { $0.id == id }) else { return }
        if model.isFulfilled(by: instance) {
            models[key]?.backoff = backoff
        } else if model.backoff != nil, instance.insteadOf == model.generation {
            models[key]?.restoration = backoff
        }
    }

    /// Whether what was launched is what is wanted now, or stands in for that.
    func isAboutModel(_ id: InstanceID, _ key: ModelKey) -> Bool {
        guard let model = models[key], let instance = instances.first(where: { $0.id == id }) else { return false }
        return model.isFulfilled(by: instance) || (model.backoff != nil && instance.insteadOf == model.generation)
    }

    /// Ends a demand that has been answered; one that came later stays.
    private mutating func end(_ demand: Demand, of key: ModelKey) {
        if models[key]?.demand == demand { models[key]?.demand = .none }
    }

    private mutating func forget(_ key: ModelKey) throws(StoreError) {
        guard models[key]?.isRemoved == true else { return }
        guard !live.contains(where: { $0.key == key }) else {
            throw .refused("something of the instance may still run")
        }
        endPull(of: key, .failed("the model was removed"))
        models[key] = nil
        instances.removeAll { $0.key == key }
    }
}
