import ModelCore
@testable import Reconciler
import Synchronization
import TestSupport
import Testing

/// More models than there is room for.
@Suite(.timeLimit(.minutes(1))) struct RoomTests {
    private static let one = HostLimits(maxLoaded: 1)
    private static let keys = (0..<5).map { ModelKey(domain: "d", source: "s\($0)", model: "default") }

    private func demand(_ key: ModelKey, _ controller: Controller, _ routes: RecordingRoutes) async {
        controller.demand(key)
        await routes.wait(for: key) { $0.isInstance }
        // Until then the controller may not have noted since when it serves.
        await controller.look(at: [key])
    }

    @Test func leastRecentlyUsedIdleModelMakesRoom() async throws {
        let world = World()
        try await world.define([.a: .local(), .b: .local(), Self.keys[0]: .local()])
        try await world.run(limits: HostLimits(maxLoaded: 2)) { controller, routes in
            await demand(.a, controller, routes)
            world.time.advance(by: 1)
            await demand(.b, controller, routes)
            world.time.advance(by: 1)
            let used = try #require(world.runtime.running(.a).first)
            routes.setActivity(InstanceActivity(sinceLastAnswer: .zero), of: used)
            await demand(Self.keys[0], controller, routes)
            #expect(world.runtime.running(.a) == [used])
            #expect(world.runtime.running(.b) == [])
            await routes.wait(for: .b) { $0.isCold(.standby) }
        }
    }

    @Test func busyModelIsWaitedForAndTheReasonIsShown() async throws {
        let world = World()
        try await world.define([.a: .local(), .b: .local()])
        try await world.run(limits: Self.one) { controller, routes in
            await demand(.a, controller, routes)
            let id = try #require(world.runtime.running(.a).first)
            routes.setActivity(InstanceActivity(inFlight: 1), of: id)
            controller.demand(.b)
            await routes.wait(for: .b) { $0.isCold(.pending) }
            let condition = try await world.condition(of: .b)
            #expect(condition?.state == .pending)
            #expect(condition?.reason?.contains("waits for room: 1 of 1 models") == true)
            #expect(world.runtime.stopped == [])
            // It is seen at once that nothing is in flight any more.
            routes.setActivity(InstanceActivity(), of: id)
            await world.time.advanceToNextDeadline()
            await routes.wait(for: .b) { $0.isInstance }
            #expect(world.runtime.stopped == [id])
        }
    }

    @Test func busyModelIsAskedToYieldAndEndsWhatItHasBegun() async throws {
        let world = World()
        try await world.define([.a: .local(), .b: .local()])
        try await world.run(limits: Self.one) { controller, routes in
            await demand(.a, controller, routes)
            let id = try #require(world.runtime.running(.a).first)
            routes.setActivity(InstanceActivity(inFlight: 1), of: id)
            controller.demand(.b)
            await routes.wait(for: .b) { $0.isCold(.pending) }
            await controller.look(at: [.b])
            world.time.advance(by: 2)
            await routes.wait(for: .a) { !$0.isInstance }
            // No new requests, but those in flight are waited for.
            #expect(world.runtime.stopped == [])
            controller.demand(.a)
            routes.setActivity(InstanceActivity(), of: id)
            // Whoever came for it meanwhile is served in turn.
            await routes.wait(for: .a) { $0.isInstance }
            #expect(world.store.allInstances.map(\.key) == [.a, .b, .a])
            #expect(routes.hasServed(.b))
        }
    }

    @Test func modelThatDoesNotYieldInTimeServesOn() async throws {
        let world = World()
        try await world.define([.a: .local(), .b: .local()])
        try await world.run(limits: Self.one) { controller, routes in
            await demand(.a, controller, routes)
            let id = try #require(world.runtime.running(.a).first)
            routes.setActivity(InstanceActivity(inFlight: 1), of: id)
            routes.expireDrains(of: id)
            controller.demand(.b)
            await routes.wait(for: .b) { $0.isCold(.pending) }
            world.time.advance(by: 2)
            controller.enqueue(.b)
            while controller.state.withLock({ $0.unyielding[id] == nil }) {
                await controller.look(at: [.a, .b])
            }
            await routes.wait(for: .a) { $0.instance == id }
            #expect(world.runtime.stopped == [])
            #expect(world.runtime.launches(of: .b) == 0)
        }
    }

    @Test func eagerAndPinnedModelsStay() async throws {
        let world = World()
        try await world.define([.a: .local(load: .eager), .b: .local { $0.pinned = true }, Self.keys[0]: .local()])
        try await world.run(limits: HostLimits(maxLoaded: 2)) { controller, routes in
            await routes.wait(for: .a) { $0.isInstance }
            await demand(.b, controller, routes)
            controller.demand(Self.keys[0])
            await routes.wait(for: Self.keys[0]) { $0.isCold(.pending) }
            world.time.advance(by: 20)
            await controller.look(at: [Self.keys[0]])
            #expect(world.runtime.stopped == [])
            // An edit that frees one of them is enough.
            let specs: [ModelKey: ModelSpec] = [.a: .local(load: .eager), .b: .local(), Self.keys[0]: .local()]
            try await world.define(specs, in: controller)
            await routes.wait(for: Self.keys[0]) { $0.isInstance }
            #expect(world.runtime.running(.b) == [])
        }
    }

    @Test func modelsThatAreCalledInTurnAreAllServed() async throws {
        let world = World()
        try await world.define(Dictionary(uniqueKeysWithValues: Self.keys.map { ($0, .local()) }))
        try await world.run(limits: Self.one) { controller, routes in
            for key in Self.keys { await routes.wait(for: key) { $0.isCold(.standby) } }
            for key in Self.keys { controller.demand(key) }
            for key in Self.keys {
                await routes.wait(for: key) { _ in routes.hasServed(key) }
            }
            #expect(world.store.allInstances.count == Self.keys.count)
        }
    }

    @Test func callerGoesBeforeEagerModels() async throws {
        let world = World()
        // Time passes in long steps here: no caller is to give up.
        let eager = Self.keys.map { ($0, ModelSpec.local(load: .eager) { $0.loadTimeout = 1_000_000 }) }
        try await world.define(Dictionary(uniqueKeysWithValues: eager).merging([.b: .local(port: 9000)]) { $1 })
        for key in Self.keys { world.runtime.setHabit(.cannotBePrepared(.retryable), of: key) }
        world.prober.answer(.failed(reason: "connection refused"), onPort: 9000)
        try await world.run(limits: HostLimits(startSlots: 1)) { controller, routes in
            for key in Self.keys { await routes.wait(for: key) { $0.unavailability != nil } }
            controller.demand(.b)
            await routes.wait(for: .b) { $0.isCold(.starting) }
            // The one slot is taken, and all others wait; a further caller is before them.
            for key in Self.keys { world.runtime.setHabit(.runs, of: key) }
            for key in Self.keys { try await controller.load(key, by: "test") }
            await controller.look(at: Self.keys)
            controller.demand(Self.keys[4])
            await controller.look(at: [Self.keys[4]])
            world.prober.answer(nil, onPort: 9000)
            // A probe that was under way has still found nothing.
            while !routes.target(.b).isInstance {
                await world.time.advanceToNextDeadline()
                await controller.look(at: [.b])
            }
            for key in Self.keys { await routes.wait(for: key) { $0.isInstance } }
            let order = world.store.allInstances.filter { $0.readyAt != nil && $0.key != .b }.map(\.key)
            #expect(order.first == Self.keys[4])
        }
    }

    // MARK: - Memory

    @Test func memoryThatWasMeasuredCounts() async throws {
        let world = World()
        world.runtime.setMemory(6, of: .a)
        try await world.define([.a: .local(), .b: .local { $0.memory = 5 }])
        try await world.run(limits: HostLimits(memory: 10)) { controller, routes in
            await demand(.a, controller, routes)
            await demand(.b, controller, routes)
            #expect(world.runtime.running(.a) == [])
            let model = try await world.store.model(.a)?.model
            #expect(model?.memory == 6)
        }
    }

    /// Somebody who is idle, and whose leaving would not be enough, tells nothing new.
    @Test func whoWaitsForMoreThanIdleModelsTakeLooksAgainWhenSomethingHappens() async throws {
        let world = World()
        let idle = Self.keys[0]
        try await world.define([
            .a: .local(load: .eager) { $0.memory = 6 }, .b: .local { $0.memory = 5 }, idle: .local { $0.memory = 2 },
        ])
        try await world.run(limits: HostLimits(memory: 10)) { controller, routes in
            await routes.wait(for: .a) { $0.isInstance }
            await demand(idle, controller, routes)
            controller.demand(.b)
            await routes.wait(for: .b) { $0.isCold(.pending) }
            await controller.look(at: [.b])
            #expect(controller.state.withLock { $0.waitingForRoom.keys.contains(.b) })
            #expect(controller.state.withLock(\.idleWatches) == [])
            #expect(world.runtime.stopped == [])
        }
    }

    @Test func portThatWasGivenBackWhileItsModelStoodInLineIsNotWaitedFor() async throws {
        let world = World()
        try await world.define([.a: .local(port: 9000), .b: .local(load: .eager, port: 9000)])
        try await world.run { controller, routes in
            await routes.wait(for: .b) { $0.isInstance }
            let model = try #require(try await world.store.model(.a)?.model)
            func looksAgain() async throws -> Bool {
                controller.state.withLock { state in
                    state.waitingForRoom[.a] = world.time.now()
                    state.parked.insert(.a)
                }
                // As whatever is given back does: it leaves those alone who stand in line.
                controller.wakeParked()
                return try await controller.park(model, until: 9000, isFreeOf: .b)
            }
            #expect(try await !looksAgain())
            try await controller.unload(.b, hold: true, by: "ann")
            try await eventually("the port is free") { try await world.store.liveInstances().isEmpty }
            #expect(try await looksAgain())
        }
    }

    @Test func modelLargerThanTheBudgetFailsWithAReasonAndHarmsNobody() async throws {
        let world = World()
        try await world.define([.a: .local(), .b: .local { $0.memory = 11 << 30 }])
        try await world.run(limits: HostLimits(memory: 10 << 30)) { controller, routes in
            await demand(.a, controller, routes)
            controller.demand(.b)
            await routes.wait(for: .b) { $0.unavailability?.code == "model_failed" }
            let message = routes.target(.b).unavailability?.message ?? ""
            #expect(message.contains("takes 11GiB") && message.contains("budget of 10GiB"))
            #expect(message.contains("--memory-budget"))
            #expect(world.runtime.stopped == [])
        }
    }

    @Test func modelsThatGrowBeyondTheBudgetAreToldOfAndIdleOnesUnloaded() async throws {
        let world = World()
        world.runtime.setMemory(4, of: .a)
        world.runtime.setMemory(4, of: .b)
        try await world.define([.a: .local(), .b: .local()])
        try await world.run(limits: HostLimits(memory: 10)) { controller, routes in
            await demand(.a, controller, routes)
            await demand(.b, controller, routes)
            let busy = try #require(world.runtime.running(.b).first)
            routes.setActivity(InstanceActivity(inFlight: 1), of: busy)
            world.runtime.setMemory(20, of: .b)
            await world.time.advanceToNextDeadline()
            await routes.wait(for: .a) { $0.isCold(.standby) }
            #expect(world.runtime.running(.b) == [busy])
            try await controller.lookAtMemory()
            #expect(
                world.store.notes == [
                    "models take 24B, more than the memory budget of 10B; this one takes 20B, the most"
                ])
            #expect(world.runtime.running(.b) == [busy])
        }
    }

    @Test func memoryIsWrittenOnlyWhereItChangedMuch() async throws {
        let world = World()
        world.runtime.setMemory(800, of: .a)
        try await world.define([.a: .local()])
        try await world.run(limits: HostLimits(memory: 10_000)) { controller, routes in
            await demand(.a, controller, routes)
            try await controller.lookAtMemory()
            await controller.look(at: [.a])
            let writes = world.store.writes
            world.runtime.setMemory(900, of: .a)
            try await controller.lookAtMemory()
            #expect(world.store.writes == writes)
            world.runtime.setMemory(901, of: .a)
            try await controller.lookAtMemory()
            #expect(try await world.store.model(.a)?.model.memory == 901)
        }
    }

    // MARK: - The operator's word

    @Test func callersOfALoadThatIsCalledOffAreAnsweredAtOnce() async throws {
        let world = World()
        try await world.define([.a: .local(port: 9000)])
        world.prober.answer(.failed(reason: "connection refused"), onPort: 9000)
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isCold(.standby) }
            controller.demand(.a)
            await routes.wait(for: .a) { $0.isCold(.starting) }
            // Whom the gateway holds may have asked again by then.
            controller.state.withLock { _ = $0.demanded.insert(.a) }
            try await controller.unload(.a, hold: false, by: "ann")
            await routes.wait(for: .a) { $0.isCold(.standby) }
            let answers = routes.history.compactMap {
                if case .set(let route) = $0 { Optional(route.target).unavailability?.code } else { nil }
            }
            #expect(answers == ["model_unloaded"])
            #expect(world.runtime.running(.a) == [])
            await controller.look(at: [.a])
            #expect(world.runtime.launches(of: .a) == 1)
        }
    }

    @Test func failedLoadIsOneTransaction() async throws {
        let world = World()
        world.setObstacle("the folder is missing")
        try await world.define([.a: .local()])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isCold(.standby) }
            let writes = world.store.writes
            controller.demand(.a)
            await routes.wait(for: .a) { $0.unavailability?.code == "model_failed" }
            await controller.look(at: [.a])
            // The demand, that it came to nothing, and what is waited for now.
            #expect(world.store.writes == writes + 3)
        }
    }
}

extension RecordingRoutes {
    /// Whether requests for the model have ever been sent to an instance.
    fileprivate func hasServed(_ key: ModelKey) -> Bool {
        history.contains {
            if case .set(let route) = $0 { route.key == key && Optional(route.target).isInstance } else { false }
        }
    }
}
