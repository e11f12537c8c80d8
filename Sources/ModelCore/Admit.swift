package enum Admission: Hashable, Sendable {
    case granted
    /// Not now; asked again when an instance ends, becomes ready or becomes idle.
    case wait(reason: String)
    /// Not before these instances have been unloaded; asked again when they have ended.
    case evict([InstanceID], reason: String)
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
        return .wait(reason: "port \(claim.port) is leased to \(holder)")
    }
    if let budget = ledger.limits.memory, claim.memory > budget {
        return .refused(reason: tooLarge(claim, budget: budget))
    }
    var plan = Room(ledger.limits, ledger.holders.filter { $0.tenure != .leaving })
    var evictions: [Holder] = []
    for earlier in waiting.filter({ $0.key != claim.key && $0.goes(before: claim) }).sorted(by: { $0.goes(before: $1) })
    {
        evictions += plan.seat(earlier) ?? []
    }
    guard let own = plan.seat(claim) else { return .wait(reason: plan.shortage(for: claim)) }
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

private func tooLarge(_ claim: Claim, budget: Int64) -> String {
    "it takes \(ByteCount(claim.memory)), more than the whole memory budget of \(ByteCount(budget)): raise "
        + "--memory-budget (MODELET_MEMORY_BUDGET) or make the model smaller; after that, `modelet restart` tries it again"
}

/// The host's slots and memory on paper: who sits where if this one comes and that one leaves.
private struct Room {
    private let limits: HostLimits
    private var holders: [Holder]
    /// Those who were given a place and do not hold it yet.
    private var seated: [Claim] = []

    init(_ limits: HostLimits, _ holders: [Holder]) {
        self.limits = limits
        self.holders = holders
    }

    private var starting: Int { holders.count(where: \.isStarting) + seated.count }
    private var memory: Int64 { holders.reduce(0) { $0 + $1.memory } + seated.reduce(0) { $0 + $1.memory } }
    private var keys: Set<ModelKey> { Set(holders.map(\.key)).union(seated.map(\.key)) }

    private var hasStartSlot: Bool { starting < limits.startSlots }

    private func hasPlace(for claim: Claim) -> Bool {
        limits.maxLoaded.map { keys.union([claim.key]).count <= $0 } ?? true
    }

    private func hasMemory(for claim: Claim) -> Bool {
        limits.memory.map { memory + claim.memory <= $0 } ?? true
    }

    func fits(_ claim: Claim) -> Bool { hasStartSlot && hasPlace(for: claim) && hasMemory(for: claim) }

    /// Gives the claim its place.
    /// - Returns: who has to leave for it, the least recently used first; `nil` where even that would not do, and
    ///   nothing is changed.
    mutating func seat(_ claim: Claim) -> [Holder]? {
        guard hasStartSlot else { return nil }
        var trial = self
        var leaving: [Holder] = []
        for holder in candidates(for: claim) where !trial.fits(claim) {
            trial.holders.removeAll { $0.instance == holder.instance }
            leaving.append(holder)
        }
        guard trial.fits(claim) else { return nil }
        // A large one that had to go may have made it needless that smaller ones go, too.
        for holder in leaving.reversed() {
            trial.holders.append(holder)
            if trial.fits(claim) {
                leaving.removeAll { $0.instance == holder.instance }
            } else {
                trial.holders.removeLast()
            }
        }
        trial.seated.append(claim)
        self = trial
        return leaving
    }

    private func candidates(for claim: Claim) -> [Holder] {
        let others = holders.filter { $0.key != claim.key }
        let idle = others.compactMap(\.idle).sorted { $0.since < $1.since }
        let busy = claim.mayDisturb ? others.compactMap(\.busy).sorted { $0.since < $1.since } : []
        return (idle + busy).map(\.holder)
    }

    /// What is missing, in words that stay the same while it is: each change of them is recorded.
    func shortage(for claim: Claim) -> String {
        if !hasStartSlot {
            return "waits for a start slot (\(starting) of \(limits.startSlots) in use)"
        }
        if let most = limits.maxLoaded, !hasPlace(for: claim) {
            return "waits for room: \(most) of \(most) models are loaded or about to be, and none of them is idle"
        }
        if let budget = limits.memory, !hasMemory(for: claim) {
            let need = claim.memory > 0 ? "it takes \(ByteCount(claim.memory)) of the" : "nothing is left of the"
            return "waits for memory: \(need) memory budget of \(ByteCount(budget)), and no other model is idle"
        }
        return "waits for its turn"
    }
}

/// A holder that may leave, and since when it is as it is.
@dynamicMemberLookup
private struct Candidate {
    let holder: Holder
    let since: Timestamp

    subscript<Value>(dynamicMember path: KeyPath<Holder, Value>) -> Value { holder[keyPath: path] }
}

extension Holder {
    fileprivate var idle: Candidate? {
        if case .idle(let since) = tenure { Candidate(holder: self, since: since) } else { nil }
    }

    fileprivate var busy: Candidate? {
        if case .busy(let since) = tenure { Candidate(holder: self, since: since) } else { nil }
    }
}
