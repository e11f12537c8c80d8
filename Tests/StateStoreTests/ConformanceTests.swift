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
