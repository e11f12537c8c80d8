internal import ModelCore
internal import Reconciler

/// The tables of ``InMemoryStore`` and the rules of a transaction on them.
struct InMemoryState: Equatable, Sendable {
    var models: [ModelKey: ModelRecord] = [:]
    var instances: [InstanceRecord] = []
    var roots: [String] = []
    /// The number of the latest revision of each root, and of all.
    var revisions: [String: Int] = [:]
    var lastRevision = 0
    var epoch = 0
    var writes = 0
    /// What people should know.
    var notes: [String] = []
    /// The `pull` operations of all models, oldest first.
    var pulls: [InMemoryPull] = []
    var failure: StoreError?

    var live: [InstanceRecord] { instances.filter(\.phase.isLive) }

    var ports: [Int: ModelKey] { Dictionary(live.map { ($0.port, $0.key) }) { first, _ in first } }

    mutating func begin(_ intent: InstanceRecord, contest: Contest) throws(StoreError) -> Admission {
        guard intent.phase == .intent else { throw .refused("an instance begins as intent") }
        guard models[intent.key] != nil else { throw .refused("there is no model \(intent.key)") }
        let ledger = Ledger(
            limits: contest.limits, ports: ports, instances: live, models: models, uses: contest.uses)
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
        case .adopted(let id, let server):
            try self.change(id, at: now) { instance in
                instance.adopted = true
                instance.unknownReason = nil
                if let server { instance.server = server }
            }
        case .demand(let key, let demand): models[key]?.demand = demand
        case .hold(let key, let hold): models[key]?.hold = hold
        case .backoff(let key, let backoff): models[key]?.backoff = backoff
        case .unloading(let id, let cause, let ending, let backoff):
            guard let key = live.first(where: { $0.id == id && $0.phase != .draining })?.key else { return }
            try leave(id, to: .draining, cause: cause, at: now)
            if let backoff { models[key]?.backoff = backoff }
            end(ending, of: key)
        case .givenUp(let id, let cause, let backoff, let ending):
            guard let key = live.first(where: { $0.id == id && $0.phase != .stopping })?.key else { return }
            try leave(id, to: .stopping, cause: cause, at: now)
            models[key]?.backoff = backoff
            end(ending, of: key)
        case .loadFailed(let key, let backoff, let ending):
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
            models[key]?.generation += 1
            models[key]?.forgetFailures()
        case .waiting(let key, let reason): models[key]?.waiting = reason
        case .pulling(let key, let progress, let cause, let isNews):
            pull(key, progress, cause: cause, isNews: isNews)
        case .pulled(let key, .succeeded): endPull(of: key, .succeeded)
        case .pulled(let key, .failed(let reason)): endPull(of: key, .failed(reason))
        case .drifted(let key, let image): models[key]?.setDrift(to: image)
        case .newImage(let key, let image):
            models[key]?.generation += 1
            models[key]?.drift = image
            models[key]?.followsDrift = true
        case .removed(let key): try forget(key)
        case .swept(let sentence): notes.append(sentence)
        }
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
