/// The host's slots and memory on paper: who sits where if this one comes and that one leaves.
struct Room {
    private let limits: HostLimits
    private var holders: [Holder]
    /// Those who were given a place and do not hold it yet.
    private var seated: [Claim] = []
    /// Models with an instance on its way out that holds nothing here.
    private let leaving: Set<ModelKey>

    init(_ limits: HostLimits, _ holders: [Holder]) {
        self.limits = limits
        self.holders = holders
        leaving = []
    }

    /// Who would be there if all were gone who are on their way out.
    init(after ledger: Ledger) {
        limits = ledger.limits
        holders = ledger.holders.filter { $0.tenure != .leaving }
        leaving = Set(ledger.holders.filter { $0.tenure == .leaving }.map(\.key))
    }

    /// Whether the claim keeps a place that is not free yet: it takes no start slot before that.
    func isForLater(_ claim: Claim) -> Bool { claim.isSuccession && leaving.contains(claim.key) }

    private func starting(for claim: Claim) -> Int {
        holders.count { $0.holdsStartSlot(from: claim.priority) } + seated.count { !isForLater($0) }
    }
    private var memory: Int64 { holders.reduce(0) { $0 + $1.memory } + seated.reduce(0) { $0 + $1.memory } }
    private var keys: Set<ModelKey> { Set(holders.map(\.key)).union(seated.map(\.key)) }

    func hasStartSlot(for claim: Claim) -> Bool { isForLater(claim) || starting(for: claim) < limits.startSlots }

    private func hasPlace(for claim: Claim) -> Bool {
        limits.maxLoaded.map { keys.union([claim.key]).count <= $0 } ?? true
    }

    private func hasMemory(for claim: Claim) -> Bool {
        limits.memory.map { memory + claim.memory <= $0 } ?? true
    }

    func fits(_ claim: Claim) -> Bool { hasStartSlot(for: claim) && hasPlace(for: claim) && hasMemory(for: claim) }

    /// Whether the claim would be given a place if the instance that serves for its model were gone.
    func seatsInItsOwnPlace(_ claim: Claim) -> Bool {
        guard holders.contains(where: { $0.key == claim.key && $0.startingFor == nil }) else { return false }
        var trial = self
        trial.holders.removeAll { $0.key == claim.key }
        return trial.seat(claim) != nil
    }

    /// Gives the claim its place.
    /// - Returns: who has to leave for it, the least recently used first; `nil` where even that would not do, and
    ///   nothing is changed.
    mutating func seat(_ claim: Claim) -> [Holder]? {
        guard hasStartSlot(for: claim) else { return nil }
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
        if !hasStartSlot(for: claim) {
            return "waits for a start slot (\(starting(for: claim)) of \(limits.startSlots) in use)"
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
struct Candidate {
    let holder: Holder
    let since: Timestamp

    subscript<Value>(dynamicMember path: KeyPath<Holder, Value>) -> Value { holder[keyPath: path] }
}

extension Holder {
    var idle: Candidate? {
        if case .idle(let since) = tenure { Candidate(holder: self, since: since) } else { nil }
    }

    var busy: Candidate? {
        if case .busy(let since) = tenure { Candidate(holder: self, since: since) } else { nil }
    }
}
