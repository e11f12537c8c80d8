/// Who of those that stand in line is to be looked at now.
package struct CallUp: Hashable, Sendable {
    /// From first to last: those who would be admitted, and those for whom others, or instances of their own, would have
    /// to leave.
    package var keys: [ModelKey] = []
    /// When to ask again although nothing has happened; `nil` where there is no such time.
    package var askAgainIn: Seconds?

    package init() {}
}

/// Goes through the line once, and says whom ``admit(_:waiting:ledger:)`` would not make wait. Pure.
///
/// So that one slot that is given back wakes one model, and not all that wait for it.
package func callUp(_ waiting: [Claim], ledger: Ledger) -> CallUp {
    var result = CallUp()
    var plan = Room(after: ledger)
    let present = Room(ledger.limits, ledger.holders)
    for claim in waiting.sorted(by: { $0.goes(before: $1) }) {
        guard plan.hasStartSlot(for: claim) else {
            let next = ledger.nextStartSlot(for: claim.priority)
            result.askAgainIn = result.askAgainIn.map { min($0, next ?? $0) } ?? next
            // Whoever comes later in line finds no more of them; but a caller may come after a succession.
            if claim.isSuccession { continue }
            break
        }
        guard let leaving = plan.seat(claim) else {
            if plan.seatsInItsOwnPlace(claim) { result.keys.append(claim.key) }
            continue
        }
        if plan.isForLater(claim) { continue }
        if !leaving.isEmpty || present.fits(claim) { result.keys.append(claim.key) }
    }
    return result
}
