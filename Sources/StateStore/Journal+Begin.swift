internal import GRDB
internal import ModelCore
internal import Reconciler

extension Journal {
    /// Records the intent to launch an instance, where the host has room for it.
    func begin(_ intent: InstanceRecord, cause: String, contest: Contest) throws -> Admission {
        guard intent.phase == .intent else { throw StoreError.refused("an instance begins as intent") }
        guard let model = try ModelRecord.one(intent.key, in: db) else {
            throw StoreError.refused("there is no model \(intent.key)")
        }
        let ledger = try Ledger(limits: contest.limits, uses: contest.uses, in: db, now: now)
        let admission = admit(contest.claim(of: intent), waiting: contest.waiting, ledger: ledger)
        guard admission == .granted else { return admission }

        try intent.insert(in: db)
        try PortLease.take(intent.port, for: intent.id, in: db)
        try open(.start, of: intent, cause: cause)
        try event("intent", of: intent.key, instance: intent.id, "start on port \(intent.port): \(cause)")
        if intent.insteadOf != nil { try tellOfBlock(model) }
        return .granted
    }
}

extension Ledger {
    init(limits: HostLimits, uses: [InstanceID: InstanceUse], in db: Database, now: Timestamp) throws {
        self.init(
            limits: limits, ports: try PortLease.all(in: db), instances: try InstanceRecord.live(in: db),
            models: try ModelRecord.withLiveInstances(in: db), uses: uses, now: now)
    }
}
