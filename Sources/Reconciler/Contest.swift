package import ModelCore

/// What a start is judged by beside what the store knows: the limits, whose turn it is, and what was seen of those
/// that run.
package struct Contest: Hashable, Sendable {
    package var limits: HostLimits
    /// The claim of the start; its port is that of the intent.
    package var claim: Claim
    /// The claims of all models that wait for a slot or for room.
    package var waiting: [Claim]
    package var uses: [InstanceID: InstanceUse]

    package init(limits: HostLimits, claim: Claim, waiting: [Claim] = [], uses: [InstanceID: InstanceUse] = [:]) {
        self.limits = limits
        self.claim = claim
        self.waiting = waiting
        self.uses = uses
    }

    /// What `intent` asks for.
    package func claim(of intent: InstanceRecord) -> Claim {
        var claim = claim
        claim.key = intent.key
        claim.port = intent.port
        return claim
    }
}

extension InstanceStore {
    /// As ``begin(_:cause:contest:at:)`` where nobody waits and nothing is limited but the start slots.
    package func begin(
        _ intent: InstanceRecord, cause: String, startSlots: Int, at time: Timestamp
    ) async throws(StoreError) -> Admission {
        let claim = Claim(key: intent.key, port: intent.port)
        let contest = Contest(limits: HostLimits(startSlots: startSlots), claim: claim)
        return try await begin(intent, cause: cause, contest: contest, at: time)
    }
}
