import ModelCore
import Reconciler
import TestSupport
import Testing

/// Directories in directories: a part of a root, and roots that come to lie in another.
@Suite(.timeLimit(.minutes(1))) struct ScopeTests {
    private static let time = Timestamp(milliseconds: 1_000_000)

    private let store = InMemoryStore()
    private let manifests = ValueManifests()

    private func write(_ files: [(ModelKey, String)], root: String, broken: [String] = []) {
        let models = files.map { ManifestModel(key: $0, spec: .local(), file: $1, line: 1) }
        let diagnostics = broken.map { Diagnostic(.error, file: $0, message: "broken") }
        manifests.set(ManifestSet(models: models, brokenFiles: broken, diagnostics: diagnostics), root: root)
    }

    private func plan(_ path: String) async throws -> ChangePlan {
        let applier = ManifestApplier(store: store, manifests: manifests)
        return try await applier.preview(directory: path, removalGuard: RemovalGuard(), now: Self.time).plan
    }

    @discardableResult
    private func apply(_ path: String) async throws -> ApplyReport {
        try await ManifestApplier(store: store, manifests: manifests).apply(
            directory: path, removalGuard: RemovalGuard(), cause: .applied(by: "ann"), at: Self.time)
    }

    @Test func aFileIsWhatItDefinesAndNoMore() async throws {
        write([], root: "/m")
        try await apply("/m")
        write([(.a, "d/a.yaml"), (.b, "d/b.yaml")], root: "/m", broken: ["d/broken.yaml"])
        #expect(try await plan("/m/d/a.yaml").changes.map(\.key) == [.a])
        #expect(try await plan("/m/d").changes.map(\.key) == [.a, .b])
        #expect(try await !plan("/m/d/a.yaml").isInvalid)
        #expect(try await plan("/m/d/broken.yaml").isInvalid)
        #expect(try await apply("/m/d/a.yaml").changes.map(\.key) == [.a])
        #expect(try await store.models().map(\.key) == [.a])
        // Its removal, too.
        write([(.b, "d/b.yaml"), (ModelKey(domain: "d", source: "c", model: "default"), "d/c.yaml")], root: "/m")
        try await apply("/m/d/b.yaml")
        #expect(try await plan("/m/d/a.yaml").changes.map(\.action) == [.remove])
    }

    @Test(arguments: ["/m/typo", "/m/d/a", "/m/d/a.yaml/more", "/m/readme.txt"])
    func whereNothingIsDefinedNoChangeIsNoAnswer(_ path: String) async throws {
        write([(.a, "d/a.yaml")], root: "/m")
        try await apply("/m")
        let plan = try await plan(path)
        #expect(plan.isInvalid && plan.changes.isEmpty)
        #expect(plan.diagnostics.map(\.severity) == [.error])
        #expect(try await apply(path).plan.isInvalid)
        #expect(try await !self.plan("/m/d").isInvalid)
    }

    @Test func aRootTakesTheModelsOfThoseThatLieInIt() async throws {
        write([(.a, "a.yaml")], root: "/m/x")
        try await apply("/m/x")
        write([(.a, "x/a.yaml"), (.b, "b.yaml")], root: "/m")
        let planned = try await plan("/m")
        let report = try await apply("/m")
        #expect(report.plan == planned && !planned.isInvalid)
        #expect(try await store.roots() == ["/m"])
        #expect(try await store.models().map(\.root) == ["/m", "/m"])
        #expect(try await store.models().map(\.generation) == [1, 1])
        #expect(try await plan("/m/x").isEmpty)
        #expect(try await plan("/m/x").root == "/m")
    }

    /// Files are told by where they lie, and not by the names that they have in roots of their own.
    @Test func aPartOfARootIsNotAPartOfWhatLiesInIt() async throws {
        write([(.a, "d/a.yaml")], root: "/m/x")
        try await apply("/m/x")
        // While a file is broken, the inner one's model stays its own.
        write([(.b, "d/b.yaml")], root: "/m", broken: ["q.yaml"])
        try await apply("/m")
        #expect(try await store.models().map(\.root) == ["/m/x", "/m"])
        write([(.b, "d/b.yaml")], root: "/m")
        #expect(try await plan("/m/d").changes.isEmpty)
        #expect(try await plan("/m/x/d").changes.map(\.action) == [.remove])
        #expect(try await plan("/m/x/d").isInvalid == false)
    }

    @Test func whatServeNamesIsPartOfTheRootThatContainsIt() async throws {
        func rescan(_ path: String) async throws {
            _ = try await ManifestApplier(store: store, manifests: manifests).apply(
                directory: path, removalGuard: RemovalGuard(), at: Self.time)
        }
        write([(.a, "a.yaml")], root: "/former")
        try await store.serve(directory: "/former", at: Self.time)
        try await rescan("/former")
        write([], root: "/m/x")
        try await store.serve(directory: "/m/x", at: Self.time)
        try await rescan("/m/x")
        #expect(try await store.models().first?.heldRemoval?.remedy == "modelet apply /m/x --allow-empty")
        write([(.b, "x/b.yaml")], root: "/m")
        try await apply("/m")
        try await rescan("/m")
        // The line that people are shown is one that does it.
        #expect(try await store.models().first?.heldRemoval?.remedy == "modelet apply /m --prune")
        #expect(try await store.serve(directory: "/m/x", at: Self.time) == "/m")
        _ = try await ManifestApplier(store: store, manifests: manifests).apply(
            directory: "/m", removalGuard: RemovalGuard(prune: true), cause: .applied(by: "ann"), at: Self.time)
        #expect(try await store.models().map(\.isRemoved) == [true, false])
    }

    @Test func whoDefinesItAlreadyIsNamed() async throws {
        write([(.a, "a.yaml")], root: "/one")
        try await apply("/one")
        write([(.a, "a.yaml")], root: "/two")
        #expect(try await plan("/two").diagnostics.contains { $0.message.contains("/one;") })
    }
}
