/// What starts take from the host as a whole, and what is taken already.
package struct Ledger: Hashable, Sendable {
    /// How many instances may be starting at once.
    package var startSlots: Int
    /// The instances that hold a start slot: let go, or about to be, and not yet ready.
    package var starting: Int
    /// Leased ports and the models that hold them.
    package var ports: [Int: ModelKey]

    package init(startSlots: Int, starting: Int, ports: [Int: ModelKey]) {
        self.startSlots = startSlots
        self.starting = starting
        self.ports = ports
    }
}

/// What one start asks for.
package struct Claim: Hashable, Sendable {
    package var key: ModelKey
    package var port: Int

    package init(key: ModelKey, port: Int) {
        self.key = key
        self.port = port
    }
}

package enum Admission: Hashable, Sendable {
    case granted
    /// Not now; asked again when an instance ends or becomes ready.
    case wait(reason: String)
}

/// Decides whether a start may take what it asks for. Pure; run inside the transaction that records the intent, so
/// that two starts never see the same free slot.
package func admit(_ claim: Claim, ledger: Ledger) -> Admission {
    if let holder = ledger.ports[claim.port] {
        return .wait(reason: "port \(claim.port) is leased to \(holder)")
    }
    guard ledger.starting < ledger.startSlots else {
        return .wait(reason: "waits for a start slot (\(ledger.starting) of \(ledger.startSlots) in use)")
    }
    return .granted
}
