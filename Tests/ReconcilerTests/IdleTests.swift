import ModelCore
@testable import Reconciler
import Synchronization
import TestSupport
import Testing

/// Models that nobody uses for a while, and what counts as use.
@Suite(.timeLimit(.minutes(1))) struct IdleTests {
    private static let idling = ModelSpec.local { $0.idleTimeout = .after(60) }

    /// Runs a controller whose one model has been loaded by a request.
    private func runLoaded(
        _ world: World, _ spec: ModelSpec = idling,
        _ body: (Controller, RecordingRoutes, InstanceID) async throws -> Void
    ) async throws {
        try await world.define([.a: spec])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isCold(.standby) }
            controller.demand(.a)
            await routes.wait(for: .a) { $0.isInstance }
            // Until then the controller may not have noted since when it serves.
            await controller.look(at: [.a])
            let id = try #require(world.runtime.running(.a).first)
            try await body(controller, routes, id)
        }
    }

    @Test func idleModelIsUnloadedAndTheNextRequestLoadsItAgain() async throws {
        let world = World()
        try await runLoaded(world) { controller, routes, id in
            await controller.look(at: [.a])
            world.time.advance(by: Seconds(milliseconds: 59_999))
            await controller.look(at: [.a])
            #expect(world.runtime.stopped == [])
            world.time.advance(by: Seconds(milliseconds: 1))
            await routes.wait(for: .a) { $0.isCold(.standby) }
            #expect(world.runtime.stopped == [id])
            let condition = try await world.condition(of: .a)
            #expect(condition?.state == .standby)
            // Nothing brings it back by itself.
            await controller.look(at: [.a])
            #expect(world.runtime.launches(of: .a) == 1)
            controller.demand(.a)
            await routes.wait(for: .a) { $0.isInstance }
            #expect(world.runtime.launches(of: .a) == 2)
        }
    }

    @Test func idleTimeCountsFromTheLastAnswer() async throws {
        let world = World()
        try await runLoaded(world) { controller, routes, id in
            world.time.advance(by: 50)
            routes.setActivity(InstanceActivity(sinceLastAnswer: .zero), of: id)
            await controller.look(at: [.a])
            world.time.advance(by: 50)
            routes.setActivity(InstanceActivity(sinceLastAnswer: .seconds(50)), of: id)
            await controller.look(at: [.a])
            #expect(world.runtime.stopped == [])
            world.time.advance(by: 10)
            routes.setActivity(InstanceActivity(sinceLastAnswer: .seconds(60)), of: id)
            await controller.look(at: [.a])
            await routes.wait(for: .a) { $0.isCold(.standby) }
            #expect(world.runtime.stopped == [id])
        }
    }

    @Test func runningRequestIsUse() async throws {
        let world = World()
        try await runLoaded(world) { controller, routes, id in
            routes.setActivity(InstanceActivity(inFlight: 1, sinceLastAnswer: .seconds(500)), of: id)
            await controller.look(at: [.a])
            world.time.advance(by: 600)
            await controller.look(at: [.a])
            #expect(world.runtime.stopped == [])
        }
    }

    /// The gateway still sends a request to it between the last look and the end of the route.
    @Test func requestInTheMomentOfUnloadingKeepsIt() async throws {
        let world = World()
        try await runLoaded(world) { controller, routes, id in
            let (model, instances) = try #require(try await world.store.model(.a))
            routes.setActivity(InstanceActivity(inFlight: 1), of: id)
            let observed = Observation(model: model, instances: instances)
            _ = try await controller.unload(id, observed, cause: "test")
            #expect(routes.target(.a).instance == id)
            #expect(try await world.store.live(id)?.phase == .ready)
            // A moment later it comes too late for the route, and is held.
            routes.setActivity(InstanceActivity(), of: id)
            controller.state.withLock { _ = $0.demanded.insert(.a) }
            _ = try await controller.unload(id, observed, cause: "test")
            #expect(routes.target(.a).instance == id)
            #expect(try await world.store.live(id)?.phase == .ready)
        }
    }

    @Test func requestAfterUnloadingIsServedByANewLoad() async throws {
        let world = World()
        try await runLoaded(world) { controller, routes, id in
            let (model, instances) = try #require(try await world.store.model(.a))
            _ = try await controller.unload(id, Observation(model: model, instances: instances), cause: "test")
            controller.demand(.a)
            await routes.wait(for: .a) { $0.isInstance && $0.instance != id }
            #expect(world.runtime.launches(of: .a) == 2)
        }
    }

    @Test func routeComesBackWhereTheDatabaseCannotBeWritten() async throws {
        let world = World()
        try await runLoaded(world) { controller, routes, id in
            await controller.look(at: [.a])
            world.store.fail(with: .unavailable("the disk is full"))
            world.time.advance(by: 60)
            await controller.look(at: [.a])
            #expect(routes.target(.a).instance == id)
            world.store.fail(with: nil)
        }
    }

    @Test func idleTimeBeginsAgainWithAdoption() async throws {
        let world = World()
        try await runLoaded(world) { _, _, _ in world.time.advance(by: 50) }
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isInstance }
            await controller.look(at: [.a])
            world.time.advance(by: 59)
            await controller.look(at: [.a])
            #expect(world.runtime.stopped == [])
            world.time.advance(by: 1)
            await routes.wait(for: .a) { $0.isCold(.standby) }
        }
    }

    @Test func editOfIdleTimeoutCountsAtOnceAndForWhatHasPassed() async throws {
        let world = World()
        try await runLoaded(world) { controller, routes, id in
            world.time.advance(by: 30)
            try await world.define([.a: .local { $0.idleTimeout = .after(20) }], in: controller)
            await routes.wait(for: .a) { $0.isCold(.standby) }
            #expect(world.runtime.stopped == [id])
        }
    }

    @Test func eagerModelsAndThoseWithoutATimeoutStay() async throws {
        let world = World()
        let eager = ModelSpec.local(load: .eager) { $0.idleTimeout = .after(60) }
        try await world.define([.a: eager, .b: .local()])
        try await world.run { controller, routes in
            controller.demand(.b)
            for key in [ModelKey.a, .b] { await routes.wait(for: key) { $0.isInstance } }
            world.time.advance(by: 10_000)
            await controller.look(at: [.a, .b])
            #expect(world.runtime.stopped == [])
        }
    }

    @Test func loadByHandCountsAsUse() async throws {
        let world = World()
        try await runLoaded(world) { controller, routes, id in
            world.time.advance(by: 50)
            try await controller.load(.a, by: "ann")
            world.time.advance(by: 50)
            await controller.look(at: [.a])
            #expect(world.runtime.stopped == [])
        }
    }

    /// A probe that fails for a while is no use, and does not hide when the last one was.
    @Test func readinessThatComesAndGoesIsNoUse() async throws {
        let world = World()
        try await runLoaded(world) { controller, routes, id in
            world.time.advance(by: 40)
            try await world.store.commit(.unready(id, reason: "test"), at: world.time.now())
            await controller.look(at: [.a])
            try await world.store.commit(.ready(id, address: "127.0.0.1"), at: world.time.now())
            await controller.look(at: [.a])
            #expect(routes.target(.a).instance == id)
            world.time.advance(by: 20)
            await controller.look(at: [.a])
            await routes.wait(for: .a) { $0.isCold(.standby) }
        }
    }
}
