/// How long a launch holds one of the host's start slots: until it is ready, or fails, and for a bounded time at most.
///
/// A slot is there so that starts do not all come at once; a server that takes minutes to load must not keep the others
/// from starting at all. See docs/decisions/0002-start-slots.md.
package enum StartSlot {
    /// Longer than most servers take to be ready, and than the burst of reading with which the others begin.
    package static let longest: Seconds = 30
    /// … where somebody is held for the model that waits. Longer than it takes to fork, to import and to find a mistake
    /// in the command; short beside any patience.
    package static let longestForCaller: Seconds = 5

    /// For how long a claim of this priority has to take a launch into account.
    static func length(for priority: Claim.Priority) -> Seconds {
        priority == .caller ? longestForCaller : longest
    }
}

extension Holder {
    /// Whether it keeps a start slot from a claim of this priority. A launch that lies in the future says that the clock
    /// was set back: it is not waited for until then.
    func holdsStartSlot(from priority: Claim.Priority) -> Bool {
        startSlotLeft(for: priority) != nil
    }

    /// How much longer it does so, unless it is ready before; `nil` where it does not.
    fileprivate func startSlotLeft(for priority: Claim.Priority) -> Seconds? {
        let length = StartSlot.length(for: priority)
        guard let startingFor, startingFor >= .zero, startingFor < length else { return nil }
        return Seconds(milliseconds: length.milliseconds - startingFor.milliseconds)
    }
}

extension Ledger {
    /// How long until time alone gives a slot back to a claim of this priority; `nil` where none is held.
    func nextStartSlot(for priority: Claim.Priority) -> Seconds? {
        holders.compactMap { $0.startSlotLeft(for: priority) }.min()
    }
}
