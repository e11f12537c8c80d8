internal import GRDB
internal import ModelCore
internal import Reconciler

extension Journal {
    /// Records the intent to launch an instance, where the host has room for it.
    func begin(_ intent: InstanceRecord, cause: String, contest: Contest) throws -> Admission {
        guard intent.phase == .intent else { throw StoreError.refused("an instance begins as intent") }
        guard try ModelRecord.one(intent.key, in: db) != nil else {
            throw StoreError.refused("there is no model \(intent.key)")
        }
        let admission = admit(contest.claim(of: intent), waiting: contest.waiting, ledger: try ledger(for: contest))
        guard admission == .granted else { return admission }

        try intent.insert(in: db)
        try PortLease.take(intent.port, for: intent.id, in: db)
        try open(.start, of: intent, cause: cause)
        try event("intent", of: intent.key, instance: intent.id, "start on port \(intent.port): \(cause)")
        return .granted
    }

    private func ledger(for contest: Contest) throws -> Ledger {
        Ledger(
            limits: contest.limits, ports: try PortLease.all(in: db), instances: try InstanceRecord.live(in: db),
            models: try ModelRecord.withLiveInstances(in: db), uses: contest.uses)
    }
}
