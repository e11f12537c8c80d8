internal import GRDB
internal import ModelCore
internal import Reconciler

extension Journal {
    /// Records the intent to launch an instance, where the host has room for it.
    func begin(_ intent: InstanceRecord, cause: String, startSlots: Int) throws -> Admission {
        guard intent.phase == .intent else { throw StoreError.refused("an instance begins as intent") }
        guard try ModelRecord.one(intent.key, in: db) != nil else {
            throw StoreError.refused("there is no model \(intent.key)")
        }
        let ledger = Ledger(startSlots: startSlots, starting: try starting(), ports: try PortLease.all(in: db))
        let admission = admit(Claim(key: intent.key, port: intent.port), ledger: ledger)
        guard admission == .granted else { return admission }

        try intent.insert(in: db)
        try PortLease.take(intent.port, for: intent.id, in: db)
        try open(.start, of: intent, cause: cause)
        try event("intent", of: intent.key, instance: intent.id, "start on port \(intent.port): \(cause)")
        return .granted
    }

    private func starting() throws -> Int {
        try Int.fetchOne(db, sql: "SELECT count(*) FROM instance WHERE phase IN ('intent', 'gated', 'starting')") ?? 0
    }
}
