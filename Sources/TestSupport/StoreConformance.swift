internal import ModelCore
package import Reconciler

/// What every ``InstanceStore`` does, whatever it keeps its rows in. Run over the real store and the in-memory one.
package enum StoreConformance {
    package static let rules: [StoreRule] =
        acceptanceRules + lifeRules + admissionRules + roomRules + wordRules + modelRules + ownershipRules
        + containerRules + noteRules + revisionRules + pinRules + replaceRules
}

/// One promise of the protocol, and how it is checked on an empty store.
package struct StoreRule: Sendable, CustomStringConvertible {
    package let description: String
    package let check: @Sendable (StoreUnderTest) async throws -> Void

    init(_ description: String, _ check: @escaping @Sendable (StoreUnderTest) async throws -> Void) {
        self.description = description
        self.check = check
    }
}

/// A store with nothing in it, and the way to the next controller's store on the same state.
package struct StoreUnderTest: Sendable {
    package let store: any InstanceStore
    package let supersede: @Sendable () async throws -> any InstanceStore

    package init(_ store: any InstanceStore, supersede: @escaping @Sendable () async throws -> any InstanceStore) {
        self.store = store
        self.supersede = supersede
    }
}

/// A promise that was not kept.
package struct BrokenPromise: Error, CustomStringConvertible {
    package let description: String

    package init(description: String) {
        self.description = description
    }
}

func expect(_ condition: Bool, _ promise: String, line: Int = #line, file: String = #fileID) throws {
    guard condition else { throw BrokenPromise(description: "\(file):\(line): \(promise)") }
}

func expectEqual<Value: Equatable>(
    _ found: Value, _ expected: Value, line: Int = #line, file: String = #fileID
) throws {
    guard found != expected else { return }
    throw BrokenPromise(description: "\(file):\(line): found \(found), expected \(expected)")
}

/// Expects that the store refuses what `body` does.
func expectRefused(
    line: Int = #line, file: String = #fileID, _ body: () async throws -> Void
) async throws {
    do {
        try await body()
    } catch StoreError.refused {
        return
    }
    throw BrokenPromise(description: "\(file):\(line): was not refused")
}
