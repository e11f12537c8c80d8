internal import GRDB
package import ModelCore
package import Reconciler

/// The memory of the controller in `state/modelet.db`.
///
/// Its owner holds the ``StateLock`` of the directory. What the database holds and forbids is told in Schema.swift.
package final class SQLiteStore: InstanceStore {
    private let pool: DatabasePool
    /// What this store raised the epoch to, or found.
    package let epoch: Int64
    /// The name of the state, the same for ever; on every container, so that a lost database finds its own again.
    package let uuid: String

    /// Opens the database of `directory`, making both where there is none and bringing an older schema up to date.
    /// Blocks. A file that is damaged, foreign or written by a newer version is left as it is.
    ///
    /// - Parameters:
    ///   - claim: Raise the epoch: every store that was opened on this file before can write nothing more.
    ///   - newUUID: The name for a state that has none yet.
    package static func open(
        _ directory: StateDirectory, claim: Bool, newUUID: @autoclosure () -> String, at now: Timestamp
    ) throws(StoreError) -> SQLiteStore {
        try open(directory, claim: claim, newUUID: newUUID(), at: now, largestFile: nil)
    }

    /// - Parameter largestFile: In pages. Growing beyond it fails as a full disk does.
    static func open(
        _ directory: StateDirectory, claim: Bool, newUUID: @autoclosure () -> String, at now: Timestamp,
        largestFile: Int?
    ) throws(StoreError) -> SQLiteStore {
        do {
            let uuid = try directory.storedUUID() ?? newUUID()
            let pool = try directory.openDatabase(largestFile: largestFile)
            let identity = try pool.write { try StateIdentity.claim(in: $0, uuid: uuid, claim: claim, at: now) }
            if try directory.storedUUID() != identity.uuid {
                try OwnedFile.write(identity.uuid + "\n", to: directory.uuid)
            }
            return SQLiteStore(pool: pool, identity: identity)
        } catch {
            throw StoreError(error, database: directory.database)
        }
    }

    private init(pool: DatabasePool, identity: StateIdentity) {
        self.pool = pool
        epoch = identity.epoch
        uuid = identity.uuid
    }

    /// Closes the file once what is under way has ended; every later call fails. Blocks.
    package func close() throws(StoreError) {
        do {
            // The connection that closes last moves the log into the database, which one that only reads cannot: the
            // pool would leave the log lying there.
            pool.invalidateReadOnlyConnections()
            try pool.close()
        } catch {
            throw StoreError(error, database: pool.path)
        }
    }

    // MARK: - InstanceStore

    package func models() async throws(StoreError) -> [ModelRecord] {
        try await read { try ModelRecord.all(in: $0) }
    }

    package func model(_ key: ModelKey) async throws(StoreError) -> (model: ModelRecord, instances: [InstanceRecord])? {
        try await read { db in
            guard let model = try ModelRecord.one(key, in: db) else { return nil }
            return (model, try InstanceRecord.live(of: key, in: db))
        }
    }

    package func liveInstances() async throws(StoreError) -> [InstanceRecord] {
        try await read { try InstanceRecord.live(in: $0) }
    }

    package func ledger(
        limits: HostLimits, uses: [InstanceID: InstanceUse], at now: Timestamp
    ) async throws(StoreError) -> Ledger {
        try await read { try Ledger(limits: limits, uses: uses, in: $0, now: now) }
    }

    package func attempts(of key: ModelKey, generation: Int) async throws(StoreError) -> Int {
        try await read { try InstanceRecord.attempts(of: key, generation: generation, in: $0) }
    }

    package func lastReady(of key: ModelKey) async throws(StoreError) -> InstanceRecord? {
        try await read { try InstanceRecord.lastReady(of: key, in: $0) }
    }

    package func spec(
        of key: ModelKey, running source: SourceSpec, before generation: Int
    ) async throws(StoreError) -> ModelSpec? {
        try await read { try ModelRecord.spec(of: key, running: source, before: generation, in: $0) }
    }

    package func begin(
        _ intent: InstanceRecord, cause: String, contest: Contest, at now: Timestamp
    ) async throws(StoreError) -> Admission {
        try await write { db in
            try Journal(db, at: now).begin(intent, cause: cause, contest: contest)
        }
    }

    package func commit(_ change: StateChange, at now: Timestamp) async throws(StoreError) {
        try await write { db in
            try Journal(db, at: now).record(change)
        }
    }

    package func accept(
        _ acceptance: Acceptance, root: String, cause: RevisionCause, at now: Timestamp
    ) async throws(StoreError) -> Int {
        if cause == .edited {
            // So it is with most readings of the manifests: nobody is kept from writing for those.
            let known = try await read { try RevisionRecord.latest(of: root, whereKnown: acceptance, in: $0) }
            if let known { return known }
        }
        return try await write { db in
            try Journal(db, at: now).accept(acceptance, root: root, cause: cause)
        }
    }

    package func roots() async throws(StoreError) -> [String] {
        try await read { try RootSnapshot.followed(in: $0) }
    }

    package func predecessors(of root: String) async throws(StoreError) -> [String] {
        try await read { try RootStanding.all(in: $0).predecessors(of: root) }
    }

    @discardableResult
    package func serve(directory: String, at now: Timestamp) async throws(StoreError) -> String {
        try await write { db in try Journal(db, at: now).serve(directory) }
    }

    package func note(_ notes: ManifestNotes, root: String, at now: Timestamp) async throws(StoreError) {
        // Most readings find what the one before has found: nobody is kept from writing for those.
        let isNews = try await read { db in
            try !notes.concernsNoModel || RootSnapshot.faults(of: root, in: db).map(\.fault) != notes.faults
        }
        guard isNews else { return }
        try await write { db in try Journal(db, at: now).note(notes, root: root) }
    }

    package func pins() async throws(StoreError) -> [String: RootPin] {
        try await read { try RootPin.all(in: $0) }
    }

    package func notePending(_ pending: String?, root: String, at now: Timestamp) async throws(StoreError) {
        // Asked with every look at the manifests of a pinned root: what changes nothing is no transaction.
        guard let pin = try await pins()[root], pin.pending != pending else { return }
        try await write { db in
            try Journal(db, at: now).notePending(pending, root: root)
        }
    }

    package func latestRevision(of root: String) async throws(StoreError) -> Int {
        try await read { try RevisionRecord.latest(of: root, in: $0) }
    }

    package func revisions() async throws(StoreError) -> [RevisionRecord] {
        try await read { try RevisionRecord.kept(in: $0) }
    }

    package func models(ofRevision revision: Int) async throws(StoreError) -> [ManifestModel]? {
        try await read { try ManifestModel.all(ofRevision: revision, in: $0) }
    }

    // MARK: - Transactions

    private func read<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(StoreError) -> Value {
        try await shielded { [pool] in try await pool.read(body) }
    }

    /// One transaction of the controller that has claimed the state.
    func write<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(StoreError) -> Value {
        try await shielded { [pool, epoch] in
            try await pool.write { db in
                guard try StateIdentity.epoch(in: db) == epoch else { throw StoreError.superseded }
                return try body(db)
            }
        }
    }

    /// Runs `body` to its end even where the caller is cancelled meanwhile: GRDB rolls the transaction of a cancelled
    /// task back, and what a cancelled controller has just seen (an exit, say) would be forgotten.
    private func shielded<Value: Sendable>(
        _ body: @escaping @Sendable () async throws -> Value
    ) async throws(StoreError) -> Value {
        // Awaited right here; not a child, so that it does not inherit the cancellation.
        let transaction = Task { try await body() }
        do {
            return try await transaction.value
        } catch {
            throw StoreError(error, database: pool.path)
        }
    }
}
