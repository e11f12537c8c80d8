package enum Admission: Hashable, Sendable {
    case granted
    /// Not now; asked again when an instance ends, becomes ready or becomes idle.
    case wait(reason: String)
    /// Not before these instances have been unloaded; asked again when they have ended.
    case evict([InstanceID], reason: String)
    /// Not as long as the model's own instance is there: the two do not fit in beside each other.
    case yieldFirst(reason: String)
    /// Never, as things are configured: a sentence that says what to do.
    case refused(reason: String)
}

/// Decides whether a start may take what it asks for. Pure; run inside the transaction that records the intent, so
/// that two starts never see the same free slot.
///
/// Whoever comes first goes first: those that wait with an earlier turn are given their room, on paper, before the
/// claim is looked at. One of them that could not be served even if all who may leave had left holds nobody up.
/// - Parameter waiting: the claims of models that wait for a slot or for room.
package func admit(_ claim: Claim, waiting: [Claim] = [], ledger: Ledger) -> Admission {
    if let holder = ledger.ports[claim.port] {
        return .wait(reason: portIsLeased(claim.port, to: holder))
    }
    if let reason = ledger.limits.refusal(ofMemory: claim.memory) { return .refused(reason: reason) }
    var plan = Room(after: ledger)
    var evictions: [Holder] = []
    for earlier in waiting.filter({ $0.key != claim.key && $0.goes(before: claim) }).sorted(by: { $0.goes(before: $1) })
    {
        evictions += plan.seat(earlier) ?? []
    }
    guard let own = plan.seat(claim) else {
        let shortage = plan.shortage(for: claim)
        return plan.seatsInItsOwnPlace(claim) ? .yieldFirst(reason: shortage) : .wait(reason: shortage)
    }
    let present = Room(ledger.limits, ledger.holders)
    if own.isEmpty, present.fits(claim) { return .granted }
    evictions += own
    // Where nobody new has to leave, those do who are on their way out.
    guard !evictions.isEmpty else {
        return .wait(reason: waitsForEnd(of: ledger.holders.filter { $0.tenure == .leaving }))
    }
    return .evict(evictions.map(\.instance), reason: waitsForEnd(of: evictions))
}

private func waitsForEnd(of holders: [Holder]) -> String {
    let names = Set(holders.map(\.key)).sorted().map(\.description).joined(separator: ", ")
    return "waits until \(names) is unloaded to make room"
}

/// Which idle instances are to be unloaded because those that run have grown beyond the memory budget: the least
/// recently used first, and no more than needed. Pure.
package func relief(_ ledger: Ledger) -> [InstanceID] {
    guard let budget = ledger.limits.memory else { return [] }
    let staying = ledger.holders.filter { $0.tenure != .leaving }
    var excess = staying.reduce(-budget) { $0 + $1.memory }
    var chosen: [InstanceID] = []
    for holder in staying.compactMap(\.idle).sorted(by: { $0.since < $1.since }) where excess > 0 {
        chosen.append(holder.instance)
        excess -= holder.memory
    }
    return chosen
}

extension HostLimits {
    /// Why what takes so many bytes is never admitted, whoever else runs; `nil` where it may be.
    package func refusal(ofMemory bytes: Int64) -> String? {
        guard let budget = memory, bytes > budget else { return nil }
        return "it takes \(ByteCount(bytes)), more than the whole memory budget of \(ByteCount(budget)): raise "
            + "--memory-budget (MODELET_MEMORY_BUDGET) or make the model smaller; after that, `modelet restart` tries it again"
    }
}
