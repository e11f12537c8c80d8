import Logging
import ModelCore
import Synchronization

/// What was seen of an instance.
enum Sighting: Sendable {
    case ended(InstanceRecord, ExitVerdict)
    case ready(InstanceRecord, address: String, server: ServerProcess?)
    case unready(InstanceRecord, reason: String)
    case dead(InstanceRecord, LivenessTally.Death)
    case drifted(InstanceRecord, to: String?)
}

/// What is seen of a live instance: its exit, and whether it answers.
///
/// The tasks here only look. What they see is recorded by the worker of the key, so that one hand alone changes what is
/// recorded and what is published for it, and so that nothing seen is lost while the database cannot be written.
extension Controller {
    func report(_ sighting: Sighting, of key: ModelKey) {
        state.withLock { $0.sightings[key, default: []].append(sighting) }
        enqueue(key)
    }

    /// Records what was seen since the last look, oldest first. What cannot be recorded stays noted.
    func recordSightings(of key: ModelKey) async throws(StoreError) {
        while let sighting = state.withLock({ $0.sightings[key]?.first }) {
            // Requests in flight are waited for.
            if case .dead = sighting { giveHandBack(key) }
            try await record(sighting)
            state.withLock { state in
                state.sightings[key]?.removeFirst()
                if state.sightings[key]?.isEmpty == true { state.sightings[key] = nil }
            }
        }
    }

    private func record(_ sighting: Sighting) async throws(StoreError) {
        switch sighting {
        case .ended(let instance, let verdict):
            try await record(verdict, of: instance)
        case .ready(let instance, let address, let server):
            guard let (model, _) = try await current(instance, in: [.starting, .ready, .unready]) else { return }
            if let server { try await commit(.server(instance.id, server)) }
            try await commit(.ready(instance.id, address: address))
            try await setWaiting(nil, for: model)
            parts.logger.info(
                "instance ready",
                metadata: [
                    "model.key": "\(instance.key)", "instance.id": "\(instance.id)",
                    "address": "\(address):\(instance.port)",
                ])
            // A start slot is free again.
            wakeParked()
        case .unready(let instance, let reason):
            guard let (model, _) = try await current(instance, in: [.ready]) else { return }
            try await commit(.unready(instance.id, reason: reason))
            try await setWaiting(reason, for: model)
        case .dead(let instance, let death):
            try await bury(instance, death)
        case .drifted(let instance, let image):
            try await recordDrift(of: instance, to: image)
        }
    }

    /// The instance as it is recorded now, if it is in one of `phases`: what was seen of it may come too late.
    func current(
        _ instance: InstanceRecord, in phases: Set<Phase>
    ) async throws(StoreError) -> (ModelRecord, InstanceRecord)? {
        guard let (model, instances) = try await parts.store.model(instance.key),
            let current = instances.first(where: { $0.id == instance.id }), phases.contains(current.phase)
        else { return nil }
        return (model, current)
    }

    /// Watches one instance until it has ended.
    func watch(_ instance: InstanceRecord) async {
        guard let runtime = parts.runtime(instance.source) else { return }
        let verdict = await withTaskGroup(of: ExitVerdict?.self) { group in
            group.addTask { await runtime.exit(of: instance) }
            group.addTask {
                if instance.phase.isCurrent { await self.watchHealth(of: instance, runtime: runtime) }
                return nil
            }
            defer { group.cancelAll() }
            for await case .some(let verdict) in group { return verdict }
            return ExitVerdict.unknown(reason: "")
        }
        // A cancelled watch has seen nothing.
        guard !Task.isCancelled else { return }
        _ = state.withLock { $0.watched.remove(instance.id) }
        report(.ended(instance, verdict), of: instance.key)
    }

    /// Records how an instance ended. Whoever sees the end first records it; to the other it is no news.
    func record(_ verdict: ExitVerdict, of instance: InstanceRecord) async throws(StoreError) {
        guard let (model, instances) = try await parts.store.model(instance.key),
            let current = instances.first(where: { $0.id == instance.id })
        else { return }
        guard case .exited(let exit) = verdict else {
            if case .unknown(let reason) = verdict { try await commit(.unknown(instance.id, reason: reason)) }
            return
        }
        let wasAskedTo = !current.phase.isCurrent || current.stopCause != nil
        // A launch that was cut short with its controller, or by a database that could not be written, says nothing of
        // the model: it is started again, and at once.
        let isBeforeRelease = current.phase == .intent || current.phase == .gated
        guard !wasAskedTo && !(exit.kind == .neverStarted && isBeforeRelease) else {
            let isShuttingDown = state.withLock { $0.mode == .stopping }
            try await commit(.exited(instance.id, exit, backoff: nil, endsDemand: isShuttingDown))
            state.withLock { $0.forget(instance.id) }
            wakeParked()
            return
        }
        let failure = LoadFailure(exit.failureClass, exit.message, at: parts.time.now(), exit: exit)
        let setback = try await setback(to: model, by: failure, of: .instance(current))
        try await commit(.exited(instance.id, exit, backoff: setback.backoff, endsDemand: setback.isFelt))
        state.withLock { $0.forget(instance.id) }
        if current.readyAt == nil {
            await tell(of: setback, model)
        } else {
            parts.logger.warning(
                "instance ended", metadata: ["model.key": "\(model.key)", "reason": "\(exit.message)"])
        }
        wakeParked()
    }

    // MARK: - Readiness

    /// Asks an instance whether it is ready until it is, and then, where the manifest gives probes, whether it still is.
    private func watchHealth(of instance: InstanceRecord, runtime: any Runtime) async {
        if instance.readyAt == nil {
            guard await waitUntilReady(instance, runtime: runtime) else { return }
        }
        await withTaskGroup { group in
            group.addTask { await self.probeOnAndOn(instance, runtime: runtime) }
            group.addTask { await self.watchLiveness(of: instance, runtime: runtime) }
        }
    }

    /// Returns whether it became ready; `false` only when cancelled.
    private func waitUntilReady(_ instance: InstanceRecord, runtime: any Runtime) async -> Bool {
        let start = instance.startedAt ?? instance.createdAt
        while !Task.isCancelled {
            guard let spec = effectiveSpec(of: instance) else { return false }
            let verdict = await runtime.probe(instance, spec.readiness, with: parts.prober)
            let waited = parts.time.now() - start
            switch loadProgress(verdict, spec: spec, waited: waited) {
            case .ready(let address):
                // What a probe said before is no news of an instance that is ready.
                state.withLock { $0.lastProbe[instance.id] = nil }
                let server = await runtime.server(of: instance)
                report(.ready(instance, address: address, server: server), of: instance.key)
                return true
            case .notYet(let reason, let isNotable):
                await note(reason, isNotable: isNotable, of: instance)
            }
            guard (try? await parts.time.sleep(for: ProbePace.interval(after: waited))) != nil else { return false }
        }
        return false
    }

    /// Keeps what a probe said, and shows it where people should not be left to guess.
    private func note(_ reason: String, isNotable: Bool, of instance: InstanceRecord) async {
        state.withLock { $0.lastProbe[instance.id] = reason }
        guard isNotable, let model = state.withLock({ $0.models[instance.key] }), model.waiting != reason else {
            return
        }
        // Not worth failing for: it is shown with the next probe, or not at all.
        try? await setWaiting(reason, for: model)
        state.withLock { $0.models[instance.key]?.waiting = reason }
    }

    private func probeOnAndOn(_ instance: InstanceRecord, runtime: any Runtime) async {
        let checksItself = await runtime.checksItself(instance)
        var tally = ReadinessTally(isReady: instance.phase != .unready)
        while !Task.isCancelled {
            // First of all: no look at the model may be missed after its spec was read.
            let (changes, ticket) = listen(to: instance.key)
            defer { stopListening(to: instance.key, ticket) }
            guard let spec = effectiveSpec(of: instance) else { return }
            let probe = spec.readiness.probe ?? ProbeSpec()
            // Only a manifest's own probe, or the image's own check in its place, can make a ready instance unready; a later
            // edit may give one, or take it away.
            let isExplicit = spec.readiness.probe.map { !$0.isStandard || checksItself } ?? false
            // Who checks itself has counted its failures before it calls itself unhealthy.
            let limit = checksItself && probe.isStandard ? 1 : probe.effectiveFailures
            guard isExplicit || !tally.isReady else {
                // Nothing wakes up for an instance that is not to be asked.
                for await _ in changes { break }
                continue
            }
            guard (try? await parts.time.sleep(for: probe.effectiveInterval)) != nil else { return }
            let verdict = await runtime.probe(instance, spec.readiness, with: parts.prober)
            let activity = await parts.routes.activity(of: instance.id)
            let isBusy = activity.inFlight > 0 || activity.hasAnswered(within: spec.keepAlive)
            guard !Task.isCancelled,
                let change = tally.note(verdict, limit: limit, isBusy: isBusy)
            else { continue }
            switch change {
            case .becameReady(let address): report(.ready(instance, address: address, server: nil), of: instance.key)
            case .becameUnready(let reason): report(.unready(instance, reason: reason), of: instance.key)
            }
        }
    }

    func effectiveSpec(of instance: InstanceRecord) -> EffectiveSpec? {
        state.withLock { ($0.formerSpecs[instance.id] ?? $0.models[instance.key]?.spec)?.effective }
    }
}

extension ExitRecord {
    /// A command that cannot be executed will not become executable by itself.
    fileprivate var failureClass: LoadFailure.Class {
        if case .notExecuted = kind { .terminal } else { .retryable }
    }
}
