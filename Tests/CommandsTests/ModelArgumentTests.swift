import ModelCore
@testable import StateStore
import Testing

@testable import Commands

/// Which model a name means.
struct ModelArgumentTests {
    private static func snapshot(_ name: String, isRemoved: Bool = false) throws -> ModelSnapshot {
        var model = ModelRecord(
            key: try #require(ModelKey(name)), spec: ModelSpec(endpoint: "/predict"), root: "/r", file: "f.yaml")
        model.isRemoved = isRemoved
        return ModelSnapshot(model: model, line: 1, revision: 1, instances: [], lastEnded: nil)
    }

    private static func named(_ name: String, among models: [ModelSnapshot]) throws -> String {
        try ModelArgument.model(named: name, key: #require(ModelKey(name)), among: models).model.key.description
    }

    @Test func withoutAModelItMeansTheDefaultOrTheOnlyOne() throws {
        let models = try ["d/s/default", "d/s/v2", "d/only/v1"].map { try Self.snapshot($0) }
        #expect(try Self.named("d/s", among: models) == "d/s/default")
        #expect(try Self.named("d/s/v2", among: models) == "d/s/v2")
        #expect(try Self.named("d/only", among: models) == "d/only/v1")
    }

    @Test(
        arguments: [
            ("d/two", "d/two has no model `default`: name one of d/two/a, d/two/b"),
            ("d/two/c", "there is no model d/two/c; did you mean d/two/a?"),
            ("d/only/default", "there is no model d/only/default; did you mean d/only/v1?"),
            ("d/none", "there is no model d/none/default"), ("x/only", "there is no model x/only/default"),
        ])
    func whereItCannotBeToldTheModelsAreListed(name: String, says: String) throws {
        let models = try ["d/only/v1", "d/two/a", "d/two/b"].map { try Self.snapshot($0) }
        let failure = #expect(throws: CommandFailure.self) { try Self.named(name, among: models) }
        #expect(failure?.message.hasPrefix(says) == true, "\(failure?.message ?? "")")
    }

    @Test func ofManySomeAreListed() throws {
        let models = try (10..<30).map { try Self.snapshot("d/s/m\($0)") }
        let failure = #expect(throws: CommandFailure.self) { try Self.named("d/s", among: models) }
        #expect(failure?.message.hasSuffix("d/s/m18, d/s/m19, …") == true, "\(failure?.message ?? "")")
    }

    @Test func whatIsOnItsWayOutIsMeantWhereNothingElseIsLeft() throws {
        let old = try Self.snapshot("d/s/default", isRemoved: true)
        #expect(try Self.named("d/s", among: [old, Self.snapshot("d/s/v2")]) == "d/s/v2")
        #expect(try Self.named("d/s", among: [old]) == "d/s/default")
        #expect(try Self.named("d/s/default", among: [old, Self.snapshot("d/s/v2")]) == "d/s/default")
    }
}
