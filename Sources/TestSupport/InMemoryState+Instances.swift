internal import ModelCore
internal import Reconciler

extension InMemoryState {
    /// Where an instance may go from each phase.
    private static let arrows: [Phase: Set<Phase>] = [
        .intent: [.gated, .exited, .lost],
        .gated: [.starting, .stopping, .exited, .lost],
        .starting: [.ready, .stopping, .exited, .lost],
        .ready: [.unready, .draining, .stopping, .exited, .lost],
        .unready: [.ready, .draining, .stopping, .exited, .lost],
        .draining: [.stopping, .exited, .lost],
        .stopping: [.exited, .lost],
    ]

    /// Changes a live instance, and moves it to another phase where one is given.
    mutating func change(
        _ id: InstanceID, to phase: Phase? = nil, at now: Timestamp,
        _ body: (inout InstanceRecord) throws(StoreError) -> Void = { _ in }
    ) throws(StoreError) {
        guard let index = instances.firstIndex(where: { $0.id == id && $0.phase.isLive }) else { return }
        var instance = instances[index]
        try body(&instance)
        guard instance.image == instances[index].image, instance.insteadOf == instances[index].insteadOf else {
            throw .refused("what an instance was launched as never changes")
        }
        if let phase, phase != instance.phase {
            guard Self.arrows[instance.phase, default: []].contains(phase) else {
                throw .refused("the phase of an instance moves only forward")
            }
            instance.phase = phase
            instance.phaseSince = now
        }
        if instance.phase.isLive, instance.phase != .intent {
            guard instance.shim != nil || instance.containerID != nil else { throw .refused("identity_is_verified") }
        }
        guard instance.engine == nil || instance.containerID != nil else {
            throw .refused("only a container is on an engine")
        }
        guard instance.shim == nil || (instance.containerID == nil && instance.image == nil) else {
            throw .refused("an instance is a process or a container")
        }
        instances[index] = instance
    }

    mutating func ready(_ id: InstanceID, address: String, at now: Timestamp) throws(StoreError) {
        guard let before = live.first(where: { $0.id == id }) else { return }
        try change(id, to: .ready, at: now) { instance in
            instance.address = address
            instance.readyAt = instance.readyAt ?? now
        }
        if before.readyAt == nil, let startedAt = before.startedAt {
            let load = max(.zero, now - startedAt)
            let known = models[before.key]?.loads
            models[before.key]?.loads = LoadTimes.after(load, previous: known)
        }
    }

    mutating func route(_ id: InstanceID, at now: Timestamp) throws(StoreError) {
        guard let instance = live.first(where: { $0.id == id }), !instance.isRouted else { return }
        guard instance.phase == .ready else { throw .refused("only a ready instance may be routed") }
        for index in instances.indices where instances[index].key == instance.key {
            instances[index].isRouted = instances[index].id == id
        }
    }

    mutating func leave(_ id: InstanceID, to phase: Phase, cause: String, at now: Timestamp) throws(StoreError) {
        guard let before = live.first(where: { $0.id == id }), before.phase != phase else { return }
        try change(id, to: before.phase == .intent ? nil : phase, at: now) { instance in
            instance.isRouted = false
            instance.stopCause = cause
        }
    }

    mutating func end(
        _ id: InstanceID, exit: ExitRecord, backoff: Backoff?, endsDemand: Bool, at now: Timestamp
    ) throws(StoreError) {
        guard let before = live.first(where: { $0.id == id }) else { return }
        try change(id, to: exit.kind == .lost ? .lost : .exited, at: now) { instance in
            instance.isRouted = false
            instance.unknownReason = nil
            instance.exit = exit
        }
        let isOfOther = backoff != nil && before.readyAt == nil && !isAboutModel(id, before.key)
        if endsDemand, !isOfOther, let model = models[before.key] {
            models[before.key]?.lastExitAt = max(model.lastExitAt ?? now, now)
        }
        if let backoff { remember(backoff, of: id, before.key) }
        let hasFormer = live.contains { $0.key == before.key && $0.generation < before.generation }
        if !hasFormer { models[before.key]?.setDrift(to: nil) }
    }
}
