import ModelCore
import Reconciler
import TestSupport
import Testing

/// Reading the manifests again: when the watch says so, and every half minute whatever it says.
@Suite(.timeLimit(.minutes(1))) struct RescanTests {
    private func run(_ world: World, _ body: @Sendable (Controller) async throws -> Void) async throws {
        try await world.run { controller, _ in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await controller.rescan() }
                try await body(controller)
                group.cancelAll()
            }
        }
    }

    private func edit(_ world: World, timeout: Seconds) {
        var spec = ModelSpec.local()
        spec.timeout = timeout
        let model = ManifestModel(key: .a, spec: spec, file: "m.yaml", line: 1)
        world.manifests.set(ManifestSet(models: [model]), root: World.root)
    }

    private func accepted(_ world: World) async throws -> Seconds? {
        try await world.store.model(.a)?.model.spec.timeout
    }

    @Test func anEditThatNobodyAnnouncesIsSeenWithTheNextRescan() async throws {
        let world = World()
        try await world.define([.a: .local()])
        try await run(world) { _ in
            edit(world, timeout: 7)
            while try await accepted(world) != 7 {
                world.time.advance(by: 30)
                await Task.yield()
            }
            // And the next one, too.
            edit(world, timeout: 8)
            while try await accepted(world) != 8 {
                world.time.advance(by: 30)
                await Task.yield()
            }
        }
    }

    @Test func anEditThatIsAnnouncedIsSeenAtOnce() async throws {
        let world = World()
        try await world.define([.a: .local()])
        try await run(world) { _ in
            edit(world, timeout: 7)
            world.manifests.announce()
            while try await accepted(world) != 7 { await Task.yield() }
        }
    }

    @Test func aReadingThatFindsNothingNewWritesNothing() async throws {
        let world = World()
        try await world.define([.a: .local()])
        try await run(world) { controller in
            world.manifests.set(
                ManifestSet(
                    models: [ManifestModel(key: .a, spec: .local(), file: "m.yaml", line: 1)], brokenFiles: ["b.yaml"],
                    diagnostics: [Diagnostic(.error, file: "b.yaml", line: 4, message: "broken")]),
                root: World.root)
            await controller.rescanOnce()
            let writes = world.store.writes
            for _ in 0..<5 { await controller.rescanOnce() }
            #expect(world.store.writes == writes)
        }
    }

    @Test func whatServeNoLongerNamesIsNeitherReadNorRemoved() async throws {
        let world = World()
        try await world.run { controller, _ in
            world.manifests.set(
                ManifestSet(models: [ManifestModel(key: .a, spec: .local(), file: "m.yaml", line: 1)]), root: "/old")
            _ = try await controller.serve("/old")
            world.manifests.set(
                ManifestSet(models: [ManifestModel(key: .b, spec: .local("b"), file: "m.yaml", line: 1)]), root: "/new")
            let report = try await controller.serve("/new")
            #expect(report.heldRemovals == [.a])
            #expect(world.manifests.followed == ["/new"])
            #expect(try await world.store.model(.a)?.model.heldRemoval?.remedy == "modelet apply /new --prune")
            let pruned = try await controller.apply(root: "/new", removalGuard: RemovalGuard(prune: true))
            #expect(pruned.heldRemovals == [])
            while try await world.store.model(.a) != nil { await Task.yield() }
        }
    }

    @Test func aPortMovesToAnotherModelWithTheDirectoryThatIsServed() async throws {
        let world = World()
        func write(_ key: ModelKey, root: String) {
            let model = ManifestModel(key: key, spec: .local(port: 8501), file: "m.yaml", line: 1)
            world.manifests.set(ManifestSet(models: [model]), root: root)
        }
        try await world.run { controller, _ in
            write(.a, root: "/old")
            _ = try await controller.serve("/old")
            write(.b, root: "/new")
            let report = try await controller.serve("/new")
            try #require(report.diagnostics.isEmpty && report.plan.brokenFiles.isEmpty)
            try #require(report.changes.map(\.key) == [.a, .b])
            while try await world.store.model(.a) != nil { await Task.yield() }
            #expect(try await world.store.models().map(\.root) == ["/new"])
        }
    }

    /// One edit takes six of ten away, which is too much, and brings five: then six of fifteen would not be.
    @Test func whatWasHeldStaysHeldIfNothingCouldBeWrittenAfterIt() async throws {
        let world = World()
        func write(_ names: [String]) {
            let models = names.map { name in
                ManifestModel(
                    key: ModelKey(domain: "d", source: name, model: "m"), spec: .local(name), file: "m.yaml", line: 1)
            }
            world.manifests.set(ManifestSet(models: models), root: World.root)
        }
        let applier = ManifestApplier(store: world.store, manifests: world.manifests)
        func apply() async throws -> ApplyReport {
            try await applier.apply(directory: World.root, removalGuard: RemovalGuard(), at: world.time.now())
        }
        let old = (0..<10).map { "old\($0)" }
        write(old)
        _ = try await applier.apply(
            directory: World.root, removalGuard: RemovalGuard(), cause: .applied(by: "ann"), at: world.time.now())
        write(Array(old.prefix(4)) + (0..<5).map { "new\($0)" })
        world.store.fail(with: .unavailable("the disk is full"), after: 1)
        #expect(try await apply().isAccepted)
        world.store.fail(with: nil)
        #expect(try await world.store.models().count { $0.heldRemoval != nil } == 6)
        #expect(try await apply().heldRemovals.count == 6)
        #expect(try await world.store.models().count { !$0.isRemoved } == 15)
    }
}
