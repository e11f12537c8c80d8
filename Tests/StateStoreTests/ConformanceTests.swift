import ModelCore
import Reconciler
import StateStore
import TestSupport
import Testing

@Suite struct ConformanceTests {
    @Test(arguments: StoreConformance.rules)
    func sqlite(_ rule: StoreRule) async throws {
        let state = try State()
        try await rule.check(StoreUnderTest(try state.open()) { try state.open() })
    }

    @Test(arguments: StoreConformance.rules)
    func inMemory(_ rule: StoreRule) async throws {
        let store = InMemoryStore()
        try await rule.check(StoreUnderTest(store) { store.superseded() })
    }
}

/// A state directory of a test's own.
struct State: Sendable {
    let parent: TemporaryDirectory
    let directory: StateDirectory
    static let uuid = "3f1d9a3e-5a0c-4c0d-8f65-8a4b1f0e7d21"

    init() throws {
        parent = try TemporaryDirectory()
        directory = StateDirectory(parent.path("state"))
    }

    func open(claim: Bool = true, uuid: String = uuid) throws(StoreError) -> SQLiteStore {
        try SQLiteStore.open(directory, claim: claim, newUUID: uuid, at: Sample.time(0))
    }
}
