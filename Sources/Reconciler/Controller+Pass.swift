import Logging
import ModelCore
import Synchronization

/// A pass: the manifests read again, and everything looked over.
///
/// The loop goes by triggers, and none of them may be lost. A pass is for the one that was: it reads the state once, asks
/// ``decide(_:now:)`` about every model, and has a closer look taken only at those of which something is to be done. One
/// that finds nothing changes nothing, and writes nothing.
extension Controller {
    func pass() async {
        let clock = ContinuousClock()
        let began = clock.now
        await readRootsAgain()
        let readIn = clock.now - began
        do throws(StoreError) {
            let found = try await lookOver()
            parts.logger.debug(
                "pass finished",
                metadata: [
                    "models": "\(found.models)", "due": "\(found.due)", "manifests.us": "\(readIn / .microseconds(1))",
                    "total.us": "\((clock.now - began) / .microseconds(1))",
                ])
        } catch {
            parts.logger.error("the state cannot be looked over", metadata: ["reason": "\(error)"])
        }
    }

    /// Returns how many models there are, and how many of them a closer look is taken at.
    @discardableResult
    func lookOver() async throws(StoreError) -> (models: Int, due: Int) {
        guard state.withLock({ $0.mode == .running }) else { return (0, 0) }
        let models = try await parts.store.models()
        let live = Dictionary(grouping: try await parts.store.liveInstances(), by: \.key)
        let activity = await parts.routes.activity(of: models.flatMap { $0.idleCandidates(live[$0.key] ?? []) })
        let now = parts.time.now()
        let due = state.withLock { state in
            models.filter { state.isDue($0, live[$0.key] ?? [], activity, at: now) }.map(\.key)
        }
        enqueue(due)
        callUpLine()
        return (models.count, due.count)
    }
}

extension ModelRecord {
    /// The instances whose idleness matters.
    fileprivate func idleCandidates(_ instances: [InstanceRecord]) -> [InstanceID] {
        guard case .after = spec.effective.idleTimeout, spec.effective.load == .onDemand else { return [] }
        return instances.filter { $0.phase == .ready || $0.phase == .unready }.map(\.id)
    }
}

extension Controller.State {
    /// Whether something is to be done about a model that nobody is at: by what is recorded, by what was seen and is not
    /// yet, or because the gateway was told something else.
    fileprivate func isDue(
        _ model: ModelRecord, _ instances: [InstanceRecord], _ activity: [InstanceID: InstanceActivity],
        at now: Timestamp
    ) -> Bool {
        let key = model.key
        if queue.contains(key) || waitingForRoom[key] != nil { return false }
        if sightings[key] != nil || demanded.contains(key) { return true }
        // These are asked for their identity again by a timer.
        if instances.contains(where: { $0.unknownReason != nil }) { return false }
        if instances.contains(where: { $0.phase.isCurrent && !watched.contains($0.id) }) { return true }
        let current = instances.filter(\.phase.isCurrent)
        let idle = (current.count == 1 ? current.first : nil).flatMap { instance in
            activity[instance.id].flatMap { $0.inFlight == 0 ? lastUse(of: instance, $0, at: now) : nil }
        }
        var observed = observation(of: model, instances, idleSince: idle)
        // A look asks for it anew: what it was waited for may have come, and nobody have told of it.
        observed.outlook = .ready
        switch decide(observed, now: now) {
        case .operate: return true
        case .wait(let until, _): if let until, timers[key].map({ $0 > until }) ?? true { return true }
        case .settled: break
        }
        return isPublishedOtherwise(model, instances, at: now)
    }

    private func isPublishedOtherwise(_ model: ModelRecord, _ instances: [InstanceRecord], at now: Timestamp) -> Bool {
        let isRestorable = restorable[model.key] != nil
        let target = routeTarget(of: model, instances: instances, isRestorable: isRestorable, now: now)
        // It says when to ask again, and so says something else at each moment.
        if case .unavailable = target { return false }
        return published[model.key] != Route(asServed(model, by: target), target: target)
    }
}
