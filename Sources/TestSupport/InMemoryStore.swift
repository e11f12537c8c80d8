package import ModelCore
package import Reconciler
internal import Synchronization

/// The store for tests that need no disk: the same rules and refusals as the real one, held to by the same suite
/// (``StoreConformance``). Written apart from it, so that a fault in one shows against the other.
package final class InMemoryStore: InstanceStore {
    private let shared: Shared
    private let epoch: Int

    package convenience init() {
        self.init(Shared())
    }

    private init(_ shared: Shared) {
        self.shared = shared
        epoch = shared.storage.withLock { storage in
            storage.epoch += 1
            return storage.epoch
        }
    }

    /// A store on the same state for the next controller; this one can write nothing more.
    package func superseded() -> InMemoryStore { InMemoryStore(shared) }

    /// Makes every writing call fail like a full disk, until it is `nil` again.
    package func fail(with error: StoreError?) {
        shared.storage.withLock { storage in
            storage.failure = error
            storage.laterFailure = nil
        }
    }

    /// Makes every writing call fail like a full disk after the next `count` transactions that change something.
    package func fail(with error: StoreError, after count: Int) {
        shared.storage.withLock { storage in
            storage.laterFailure = error
            storage.failsAt = storage.writes + count
        }
    }

    /// Every instance that there ever was, oldest first.
    package var allInstances: [InstanceRecord] { shared.storage.withLock(\.instances) }

    /// What people were told, oldest first.
    package var notes: [String] { shared.storage.withLock(\.notes) }

    /// What was recorded of pulls, oldest first.
    package var pulls: [InMemoryPull] { shared.storage.withLock(\.pulls) }

    /// How many transactions have changed something.
    package var writes: Int { shared.storage.withLock(\.writes) }

    /// The most instances that were starting at one moment, of those whose launch was granted less than `age` before.
    package func mostStarting(youngerThan age: Seconds) -> Int {
        shared.storage.withLock(\.startingAges).map { ages in ages.count { $0 < age } }.max() ?? 0
    }

    // MARK: - InstanceStore

    package func models() async throws(StoreError) -> [ModelRecord] {
        shared.storage.withLock { $0.models.values.sorted { $0.key < $1.key } }
    }

    package func model(_ key: ModelKey) async throws(StoreError) -> (model: ModelRecord, instances: [InstanceRecord])? {
        shared.storage.withLock { storage in
            storage.models[key].map { ($0, storage.live.filter { $0.key == key }) }
        }
    }

    package func liveInstances() async throws(StoreError) -> [InstanceRecord] {
        shared.storage.withLock(\.live)
    }

    package func ledger(
        limits: HostLimits, uses: [InstanceID: InstanceUse], at now: Timestamp
    ) async throws(StoreError) -> Ledger {
        shared.storage.withLock { $0.ledger(limits: limits, uses: uses, at: now) }
    }

    package func attempts(of key: ModelKey, generation: Int) async throws(StoreError) -> Int {
        shared.storage.withLock { storage in
            let launches = storage.instances.filter { $0.key == key && $0.generation == generation }
            return launches.map { $0.attempt + 1 }.max() ?? 0
        }
    }

    package func lastReady(of key: ModelKey) async throws(StoreError) -> InstanceRecord? {
        shared.storage.withLock { storage in storage.instances.last { $0.key == key && $0.readyAt != nil } }
    }

    package func spec(
        of key: ModelKey, running source: SourceSpec, before generation: Int
    ) async throws(StoreError) -> ModelSpec? {
        shared.storage.withLock { storage in
            storage.specs[key, default: [:]]
                .filter { $0.key < generation && $0.value.source?.runFields == source.runFields }
                .max { $0.key < $1.key }?.value
        }
    }

    package func begin(
        _ intent: InstanceRecord, cause: String, contest: Contest, at: Timestamp
    ) async throws(StoreError) -> Admission {
        try write { storage throws(StoreError) in try storage.begin(intent, contest: contest, at: at) }
    }

    package func commit(_ change: StateChange, at: Timestamp) async throws(StoreError) {
        try write { storage throws(StoreError) in try storage.commit(change, at: at) }
    }

    package func accept(
        _ acceptance: Acceptance, root: String, cause: RevisionCause, at: Timestamp
    ) async throws(StoreError) -> Int {
        try write { storage throws(StoreError) in
            try storage.accept(acceptance, root: root, cause: cause, at: at)
        }
    }

    package func roots() async throws(StoreError) -> [String] {
        shared.storage.withLock(\.roots)
    }

    package func pins() async throws(StoreError) -> [String: RootPin] {
        shared.storage.withLock(\.pins)
    }

    package func notePending(_ pending: String?, root: String, at: Timestamp) async throws(StoreError) {
        try write { storage throws(StoreError) in storage.pins[root]?.pending = pending }
    }

    package func latestRevision(of root: String) async throws(StoreError) -> Int {
        shared.storage.withLock { $0.history.last { $0.record.root == root }?.record.number ?? 0 }
    }

    package func revisions() async throws(StoreError) -> [RevisionRecord] {
        shared.storage.withLock { $0.history.map(\.record) }
    }

    package func models(ofRevision revision: Int) async throws(StoreError) -> [ManifestModel]? {
        shared.storage.withLock { $0.models(ofRevision: revision) }
    }

    package func predecessors(of root: String) async throws(StoreError) -> [String] {
        shared.storage.withLock { $0.predecessors(of: root) }
    }

    @discardableResult
    package func serve(directory: String, at: Timestamp) async throws(StoreError) -> String {
        try write { storage throws(StoreError) in storage.serve(directory) }
    }

    package func note(_ notes: ManifestNotes, root: String, at: Timestamp) async throws(StoreError) {
        try write { storage throws(StoreError) in storage.note(notes, root: root) }
    }

    /// One transaction: all of it or nothing.
    private func write<Value: Sendable>(
        _ body: (inout InMemoryState) throws(StoreError) -> Value
    ) throws(StoreError) -> Value {
        try shared.storage.withLock { storage throws(StoreError) -> Value in
            guard storage.epoch == epoch else { throw .superseded }
            if let failure = storage.failure { throw failure }
            if let failure = storage.laterFailure, storage.writes >= storage.failsAt { throw failure }
            var draft = storage
            let value = try body(&draft)
            if draft != storage {
                draft.writes += 1
                storage = draft
            }
            return value
        }
    }
}

/// What stores on the same state have in common.
private final class Shared: Sendable {
    let storage = Mutex(InMemoryState())
}
