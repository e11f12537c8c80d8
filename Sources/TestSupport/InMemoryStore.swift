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
        shared.storage.withLock { $0.failure = error }
    }

    /// Every instance that there ever was, oldest first.
    package var allInstances: [InstanceRecord] { shared.storage.withLock(\.instances) }

    /// What people were told, oldest first.
    package var notes: [String] { shared.storage.withLock(\.notes) }

    /// What was recorded of pulls, oldest first.
    package var pulls: [InMemoryPull] { shared.storage.withLock(\.pulls) }

    /// How many transactions have changed something.
    package var writes: Int { shared.storage.withLock(\.writes) }

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

    package func leasedPorts() async throws(StoreError) -> [Int: ModelKey] {
        shared.storage.withLock(\.ports)
    }

    package func attempts(of key: ModelKey, generation: Int) async throws(StoreError) -> Int {
        shared.storage.withLock { storage in
            let launches = storage.instances.filter { $0.key == key && $0.generation == generation }
            return launches.map { $0.attempt + 1 }.max() ?? 0
        }
    }

    package func begin(
        _ intent: InstanceRecord, cause: String, contest: Contest, at: Timestamp
    ) async throws(StoreError) -> Admission {
        try write { storage throws(StoreError) in try storage.begin(intent, contest: contest) }
    }

    package func commit(_ change: StateChange, at: Timestamp) async throws(StoreError) {
        try write { storage throws(StoreError) in try storage.commit(change, at: at) }
    }

    package func accept(_ acceptance: Acceptance, root: String, at: Timestamp) async throws(StoreError) -> Int {
        try write { storage throws(StoreError) in storage.accept(acceptance, root: root) }
    }

    package func roots() async throws(StoreError) -> [String] {
        shared.storage.withLock(\.roots)
    }

    /// One transaction: all of it or nothing.
    private func write<Value: Sendable>(
        _ body: (inout InMemoryState) throws(StoreError) -> Value
    ) throws(StoreError) -> Value {
        try shared.storage.withLock { storage throws(StoreError) -> Value in
            guard storage.epoch == epoch else { throw .superseded }
            if let failure = storage.failure { throw failure }
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
