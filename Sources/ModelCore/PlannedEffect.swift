/// What a change of desired state does to what runs.
package struct PlannedEffect: Codable, Hashable, Sendable {
    package enum Kind: String, Codable, Hashable, Sendable, CaseIterable {
        /// Its load begins at once.
        case starts
        /// Nothing of it runs; it is loaded when somebody asks for it.
        case waitsForDemand = "waits_for_demand"
        /// A new instance takes the place of the one that runs, which serves until then.
        case replacedBeside = "replaced_beside"
        /// The one that runs ends before the new one starts.
        case replacedWithGap = "replaced_with_gap"
        /// What is being loaded is given up for a load of the new generation.
        case loadsAnew = "loads_anew"
        /// Takes effect on what runs, without a restart.
        case appliedLive = "applied_live"
        /// Written down, and no more.
        case recorded
        /// What runs ends.
        case stops
        /// Nothing of it runs, and nothing of it stays.
        case forgotten
        /// There is nothing to run: requests are sent elsewhere.
        case forwarded
        /// Something has to be cleared up first.
        case delayed
    }

    package var kind: Kind
    /// For people: a clause.
    package var sentence: String

    package init(_ kind: Kind, _ sentence: String) {
        self.kind = kind
        self.sentence = sentence
    }
}

/// What becomes of what runs of a model once its record is `after`. Asks ``decide(_:now:)``, so that it says what will be
/// done, and not what somebody thought would be. Pure.
/// - Parameter instances: its live instances, oldest first.
package func plannedEffect(of after: ModelRecord, instances: [InstanceRecord], now: Timestamp) -> PlannedEffect {
    // Those on their way out go on leaving, whatever changes.
    let staying = instances.filter { $0.phase.isCurrent || $0.unknownReason != nil }
    // Beside one that serves, what is being loaded in vain only has to go.
    let isFulfilled = staying.contains(where: after.isFulfilled)
    let serving = isFulfilled || !after.isDemanded ? [] : staying.filter(\.isRouted)
    let instances = serving.isEmpty ? staying : serving
    let decision = decide(Observation(model: after, instances: instances), now: now)
    guard let instance = instances.first else { return effectOnNothing(of: after, decision) }
    switch decision {
    case .operate(.start, _):
        return PlannedEffect(
            .replacedBeside,
            "a new instance starts beside the one that serves; requests go to it once it is ready, then the old one drains"
        )
    case .operate(.drain, _), .operate(.stop, _), .operate(.unload, _), .operate(.unroute, _):
        return after.isDemanded && !after.isFulfilled(by: instance)
            ? effectOfReplacing(instance, by: after) : effectOfEnding(after)
    case .wait(_, let reason) where instance.unknownReason != nil:
        return PlannedEffect(.delayed, "not before it is known what runs: \(reason)")
    case .operate, .wait, .settled:
        return PlannedEffect(.appliedLive, "applied to what runs, without a restart")
    }
}

private func effectOnNothing(of after: ModelRecord, _ decision: Decision) -> PlannedEffect {
    if after.isRemoved { return PlannedEffect(.forgotten, "nothing of it runs: it is forgotten") }
    if after.spec.isRemote { return PlannedEffect(.forwarded, "requests are forwarded to base_url") }
    if let hold = after.hold { return PlannedEffect(.recorded, "stays unloaded: held by \(hold.by)") }
    switch decision {
    case .operate(.start, let cause):
        return PlannedEffect(.starts, "its load begins at once (\(cause))")
    case .wait(_, let reason) where after.isDemanded:
        return PlannedEffect(.delayed, "loaded later: \(reason)")
    case .operate, .wait, .settled:
        return PlannedEffect(.waitsForDemand, "loaded by its first request: nothing of it runs now")
    }
}

private func effectOfReplacing(_ instance: InstanceRecord, by after: ModelRecord) -> PlannedEffect {
    guard instance.phase == .ready || instance.phase == .unready else {
        return PlannedEffect(.loadsAnew, "the load that is under way is given up, and begins anew")
    }
    let why =
        if let port = after.spec.source?.fixedPort, port == instance.port {
            "both need port \(port)"
        } else if after.spec.effective.update == .resource {
            "update: resource"
        } else {
            "one after the other"
        }
    return PlannedEffect(
        .replacedWithGap,
        "the running instance ends before the new one starts (\(why)); "
            + "requests wait meanwhile, up to load_timeout (\(after.spec.effective.loadTimeout))")
}

private func effectOfEnding(_ after: ModelRecord) -> PlannedEffect {
    let end =
        "what runs finishes its requests, for drain_timeout (\(after.spec.effective.drainTimeout)) at most, and ends"
    if after.isRemoved { return PlannedEffect(.stops, "\(end); then it is forgotten") }
    if after.spec.isRemote { return PlannedEffect(.stops, "\(end); requests are forwarded to base_url") }
    return PlannedEffect(.stops, "\(end): nothing demands it")
}
