import ModelCore
import Reconciler
import TestSupport
import Testing

/// One controller dies, and the next takes over: same host, same store.
@Suite(.timeLimit(.minutes(1))) struct AdoptionTests {
    @Test func readyInstanceIsServedBeforeAnythingElse() async throws {
        let world = World()
        try await world.define([.a: .local()])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isCold(.standby) }
            controller.demand(.a)
            await routes.wait(for: .a) { $0.isInstance }
        }
        let running = world.runtime.running(.a)
        try await world.run { _, routes in
            await routes.wait(for: .a) { $0.isInstance }
            guard case .set(let first) = routes.history.first else { return }
            #expect(Optional(first.target).isInstance)
            #expect(world.runtime.running(.a) == running)
            #expect(world.runtime.launches(of: .a) == 1)
        }
    }

    /// The controller dies after the new generation was rejected, and before what was ready is started again.
    @Test func callersAreHeldForWhatIsToBeRestored() async throws {
        let world = World()
        try await world.define([.a: .local("one", load: .eager)])
        try await world.run { _, routes in await routes.wait(for: .a) { $0.isInstance } }
        let first = try #require(world.runtime.running(.a).first)
        world.runtime.crash(first)
        let now = world.time.now()
        let exit = ExitRecord(kind: .exited(code: 0), at: now, message: "stopped")
        try await world.store.commit(.exited(first, exit, backoff: nil, endsDemand: false), at: now)
        try await world.define([.a: .local("bad", load: .eager)])
        let failure = LoadFailure(.terminal, "command not found", at: now)
        let backoff = Backoff.after(failure, previous: nil, jitter: 0)
        try await world.store.commit(.loadFailed(.a, generation: 2, backoff, ending: .none), at: now)
        try await world.run { _, routes in
            await routes.wait(for: .a) { $0.isInstance }
            let targets = routes.history.map { change -> Route.Target? in
                if case .set(let route) = change { route.target } else { nil }
            }
            #expect(targets.allSatisfy { $0.unavailability == nil })
            #expect(world.runtime.running(.a) != [first])
        }
    }

    @Test func startingInstanceIsWaitedForAndNotStartedTwice() async throws {
        let world = World()
        try await world.define([.a: .local(load: .eager, port: 9000)])
        world.prober.answer(.failed(reason: "connection refused"), onPort: 9000)
        try await world.run { _, routes in
            await routes.wait(for: .a) { $0.isCold(.starting) }
        }
        world.prober.answer(nil, onPort: 9000)
        try await world.run { _, routes in
            await routes.wait(for: .a) { $0.isInstance }
            #expect(world.runtime.launches(of: .a) == 1)
        }
    }

    @Test func instanceThatDiedMeanwhileIsReplacedWhereDemanded() async throws {
        let world = World()
        try await world.define([.a: .local(load: .eager), .b: .local()])
        try await world.run { controller, routes in
            controller.demand(.b)
            for key in [ModelKey.a, .b] { await routes.wait(for: key) { $0.isInstance } }
        }
        for id in world.runtime.running(.a) + world.runtime.running(.b) { world.runtime.crash(id) }
        try await world.run { _, routes in
            await routes.wait(for: .a) { $0.isInstance }
            await routes.wait(for: .b) { $0.isCold(.standby) }
            #expect(world.runtime.launches(of: .a) == 2)
            #expect(world.runtime.launches(of: .b) == 1)
        }
    }

    @Test func instanceThatCannotBeIdentifiedIsNeitherStoppedNorReplaced() async throws {
        let world = World()
        try await world.define([.a: .local(load: .eager)])
        try await world.run { _, routes in await routes.wait(for: .a) { $0.isInstance } }
        let running = world.runtime.running(.a)
        for id in running { world.runtime.setUnreadable(id, true) }
        try await world.run { _, routes in
            await routes.wait(for: .a) { $0.unavailability?.code == "model_unknown" }
            try await eventually("it is to be looked at again") { world.time.sleepers > 0 }
            #expect(world.runtime.running(.a) == running)
            #expect(world.runtime.stopped == [])
            for id in running { world.runtime.setUnreadable(id, false) }
            await world.time.advanceToNextDeadline()
            await routes.wait(for: .a) { $0.isInstance }
            #expect(world.runtime.launches(of: .a) == 1)
        }
    }

    @Test func interruptedStopIsCarriedOn() async throws {
        let world = World()
        try await world.define([.a: .local(load: .eager)])
        try await world.run { _, routes in await routes.wait(for: .a) { $0.isInstance } }
        let running = world.runtime.running(.a)
        try await world.store.commit(.unrouted(running[0], reason: "test"), at: world.time.now())
        try await world.store.commit(.stopping(running[0], cause: "test"), at: world.time.now())
        try await world.run { _, routes in
            await routes.wait(for: .a) { $0.isInstance }
            #expect(world.runtime.stopped == running)
            #expect(world.runtime.running(.a).count == 1)
        }
    }

    @Test func unreadyInstanceThatRecoveredIsServedAgain() async throws {
        let world = World()
        let spec = ModelSpec.local(load: .eager, port: 9000) { $0.readiness = .http(ProbeSpec()) }
        try await world.define([.a: spec])
        try await world.run { _, routes in await routes.wait(for: .a) { $0.isInstance } }
        let id = try #require(world.runtime.running(.a).first)
        try await world.store.commit(.unready(id, reason: "test"), at: world.time.now())
        try await world.run { _, routes in
            await routes.wait(for: .a) { $0.unavailability?.code == "model_unhealthy" }
            await world.time.advanceToNextDeadline()
            await routes.wait(for: .a) { $0.isInstance }
            #expect(world.runtime.launches(of: .a) == 1)
        }
    }

    /// However often its controllers die between the intent and the release, it is no failure of the model.
    @Test func launchThatWasCutShortIsCarriedOnWithoutBackoff() async throws {
        let world = World()
        try await world.define([.a: .local()])
        let (model, _) = try #require(try await world.store.model(.a))
        let source = try #require(model.spec.source?.runFields)
        try await world.store.commit(.demand(.a, model.demand(by: "test", at: world.time.now())), at: world.time.now())
        var random = SystemRandomNumberGenerator()
        for attempt in 0..<3 {
            let intent = InstanceRecord(
                id: InstanceID.make(at: world.time.now(), using: &random), key: .a, generation: 1, attempt: attempt,
                source: source, host: "localhost", port: 9000 + attempt, createdAt: world.time.now())
            _ = try await world.store.begin(intent, cause: "test", startSlots: 4, at: world.time.now())
            let prepared = try await world.runtime.prepare(intent)
            if attempt > 0 { try await world.store.commit(.gated(intent.id, prepared), at: world.time.now()) }
            try await world.adopt()
        }
        #expect(try await world.store.model(.a)?.model.backoff == nil)
        try await world.run { controller, _ in
            let isReady = try await controller.wait(for: .ready, of: .a, timeout: .seconds(60)).reached
            #expect(isReady)
            #expect(world.runtime.launches(of: .a) == 1)
        }
    }

    /// The database failed between the intent and what should have followed it.
    @Test func intentThatLedToNothingIsNotWaitedFor() async throws {
        let world = World()
        try await world.define([.a: .local(load: .eager)])
        var random = SystemRandomNumberGenerator()
        let id = InstanceID.make(at: world.time.now(), using: &random)
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isInstance }
            try await controller.unload(.a, hold: true, by: "test")
            await routes.wait(for: .a) { $0.unavailability?.code == "model_held" }
            _ = try await controller.wait(for: .standby, of: .a, timeout: .seconds(60))
            let source = try #require(try await world.store.model(.a)?.model.spec.source?.runFields)
            let intent = InstanceRecord(
                id: id, key: .a, generation: 1, attempt: 1, source: source, host: "localhost", port: 9999,
                createdAt: world.time.now())
            _ = try await world.store.begin(intent, cause: "test", startSlots: 4, at: world.time.now())
            try await controller.load(.a, by: "test")
            await routes.wait(for: .a) { $0.isInstance }
            #expect(world.runtime.running(.a).count == 1)
        }
    }
}
