import ModelCore
@testable import Reconciler
import Synchronization
import TestSupport
import Testing

/// Many models at once, slow ones among them.
@Suite(.timeLimit(.minutes(2))) struct PaceTests {
    private static func keys(_ count: Int, _ source: String = "s") -> [ModelKey] {
        (0..<count).map { ModelKey(domain: "d", source: "\(source)\($0)", model: "default") }
    }

    private static func all(_ keys: [ModelKey], _ spec: ModelSpec) -> [ModelKey: ModelSpec] {
        Dictionary(uniqueKeysWithValues: keys.map { ($0, spec) })
    }

    /// Models on fixed ports that accept no connection, and are given all the time that a test can make pass.
    private static func slow(
        _ count: Int, in world: World, _ load: LoadPolicy? = .eager
    ) -> [ModelKey: ModelSpec] {
        var specs: [ModelKey: ModelSpec] = [:]
        for (index, key) in keys(count, "slow").enumerated() {
            world.prober.answer(.failed(reason: "connection refused"), onPort: 9000 + index)
            specs[key] = .local(load: load, port: 9000 + index) { $0.startTimeout = 1_000_000_000 }
        }
        return specs
    }

    /// Waits until the loop runs, and has nothing to do.
    private func settle(_ controller: Controller) async throws {
        try await eventually("nothing is in work") { controller.state.withLock { $0.isLooping && $0.queue.isEmpty } }
    }

    private func starting(_ world: World) -> Int {
        world.store.allInstances.count { $0.phase == .starting && $0.readyAt == nil }
    }

    @Test func twoHundredModelsAtOnceAreStartedAFewAtATime() async throws {
        let world = World()
        let keys = Self.keys(200)
        try await world.run { controller, routes in
            try await world.define(Self.all(keys, .local(load: .eager)), in: controller)
            for key in keys { await routes.wait(for: key) { $0.isInstance } }
            #expect(keys.allSatisfy { world.runtime.launches(of: $0) == 1 })
            #expect(world.store.mostStarting(youngerThan: 1000) <= 4)
            // Whoever waits for his turn holds no port.
            #expect(world.runtime.mostReserved <= WorkQueue.hands)
        }
    }

    @Test func oneSlotLetsThemThroughOneByOne() async throws {
        let world = World()
        let keys = Self.keys(50)
        try await world.define(Self.all(keys, .local(load: .eager)))
        try await world.run(startSlots: 1) { _, routes in
            for key in keys { await routes.wait(for: key) { $0.isInstance } }
            #expect(world.store.mostStarting(youngerThan: 1000) == 1)
        }
    }

    @Test func slowModelsKeepTheirSlotsForABoundedTime() async throws {
        let world = World()
        let slow = Self.slow(4, in: world)
        try await world.define(slow)
        try await world.run { controller, routes in
            for key in slow.keys { await routes.wait(for: key) { $0.isCold(.starting) } }
            let keys = Self.keys(6)
            try await world.define(slow.merging(Self.all(keys, .local(load: .eager))) { $1 }, in: controller)
            for key in keys { await routes.wait(for: key) { $0.isCold(.pending) } }
            let condition = try await world.condition(of: keys[0])
            #expect(condition?.reason == "waits for a start slot (4 of 4 in use)")
            await controller.look(at: keys)
            world.time.advance(by: Seconds(milliseconds: 29_999))
            await controller.look(at: keys)
            #expect(keys.allSatisfy { world.runtime.launches(of: $0) == 0 })
            world.time.advance(by: Seconds(milliseconds: 1))
            for key in keys { await routes.wait(for: key) { $0.isInstance } }
            #expect(starting(world) == 4)
        }
    }

    @Test func callerWaitsForSlowModelsAMomentOnly() async throws {
        let world = World()
        let slow = Self.slow(4, in: world)
        let eager = Self.keys(3)
        try await world.define(slow)
        try await world.run { controller, routes in
            for key in slow.keys { await routes.wait(for: key) { $0.isCold(.starting) } }
            let others = Self.all(eager, .local(load: .eager)).merging([.b: .local()]) { $1 }
            try await world.define(slow.merging(others) { $1 }, in: controller)
            for key in eager { await routes.wait(for: key) { $0.isCold(.pending) } }
            controller.demand(.b)
            await routes.wait(for: .b) { $0.isCold(.pending) }
            await controller.look(at: [.b])
            world.time.advance(by: StartSlot.longestForCaller)
            await routes.wait(for: .b) { $0.isInstance }
            // Those for whom nobody is held wait on.
            await controller.look(at: eager)
            #expect(eager.allSatisfy { world.runtime.launches(of: $0) == 0 })
        }
    }

    /// A hundred models of which none is ever ready: they are launched at a pace, and in the order of those who wait.
    @Test func slowModelsAloneAreLaunchedAtAPace() async throws {
        let world = World()
        let slow = Self.slow(40, in: world)
        try await world.define(slow)
        try await world.run { controller, routes in
            let keys = Array(slow.keys)
            for key in keys { await routes.wait(for: key) { $0.isCold(.starting) || $0.isCold(.pending) } }
            for round in 1...10 {
                try await eventually("round \(round)") {
                    await controller.look(at: keys)
                    return starting(world) == 4 * round
                }
                await controller.look(at: keys)
                #expect(starting(world) == 4 * round)
                world.time.advance(by: StartSlot.longest)
            }
            #expect(world.store.mostStarting(youngerThan: StartSlot.longest) == 4)
        }
    }

    @Test func callersGoBeforeTwoHundredEagerModels() async throws {
        let world = World()
        let slow = Self.slow(1, in: world)
        let eager = Self.keys(200)
        let called = Self.keys(3, "called")
        // Nobody gives up meanwhile.
        let onDemand = ModelSpec.local { $0.loadTimeout = 1_000_000 }
        try await world.define(slow)
        try await world.run(startSlots: 1) { controller, routes in
            for key in slow.keys { await routes.wait(for: key) { $0.isCold(.starting) } }
            let specs = slow.merging(Self.all(eager, .local(load: .eager))) { $1 }
                .merging(Self.all(called, onDemand)) { $1 }
            try await world.define(specs, in: controller)
            for key in eager { await routes.wait(for: key) { $0.isCold(.pending) } }
            for key in called {
                controller.demand(key)
                await routes.wait(for: key) { $0.isCold(.pending) }
            }
            world.time.advance(by: StartSlot.longest)
            for key in eager + called { await routes.wait(for: key) { $0.isInstance } }
            let order = world.store.allInstances.map(\.key).filter { slow[$0] == nil }
            #expect(Set(order.prefix(3)) == Set(called))
            #expect(order.count == 203)
        }
    }

    @Test func restartWithTwoHundredAdoptedModelsRestartsNone() async throws {
        let world = World()
        let keys = Self.keys(200)
        let slow = Self.slow(4, in: world)
        try await world.define(Self.all(keys, .local(load: .eager)).merging(slow) { $1 })
        try await world.run { _, routes in
            for key in keys {
                // Slow ones may come first.
                while !routes.target(key).isInstance {
                    world.time.advance(by: 1)
                    await Task.yield()
                }
            }
            for key in slow.keys {
                while !routes.target(key).isCold(.starting) {
                    world.time.advance(by: 1)
                    await Task.yield()
                }
            }
        }
        let launched = world.store.allInstances.map(\.id)
        #expect(launched.count == 204)
        world.time.advance(by: 3600)
        try await world.run { controller, routes in
            for key in keys { #expect(routes.target(key).isInstance) }
            try await settle(controller)
            try await controller.lookOver()
            try await settle(controller)
            #expect(world.store.allInstances.map(\.id) == launched)
            #expect(world.runtime.stopped == [])
            // Those that are still loading are waited for, and are in nobody's way.
            let late = ModelKey(domain: "d", source: "late", model: "default")
            let specs = Self.all(keys + [late], .local(load: .eager)).merging(slow) { $1 }
            try await world.define(specs, in: controller)
            await routes.wait(for: late) { $0.isInstance }
        }
    }

    // MARK: - Hands

    /// More models than there are hands are drained of requests that do not end.
    @Test func modelsThatAreStuckDelayNoOther() async throws {
        let world = World()
        let stuck = Self.keys(3 * WorkQueue.hands)
        try await world.define(Self.all(stuck, .local(load: .eager)).merging([.b: .local()]) { $1 })
        try await world.run { controller, routes in
            for key in stuck { await routes.wait(for: key) { $0.isInstance } }
            routes.keepBusy()
            for key in stuck { try await controller.unload(key, hold: true, by: "test") }
            for key in stuck { await routes.wait(for: key) { !$0.isInstance } }
            controller.demand(.b)
            await routes.wait(for: .b) { $0.isInstance }
            #expect(world.runtime.stopped == [])
        }
    }

    @Test func whoIsCalledIsLookedAtBeforeTheMany() async throws {
        let world = World()
        let many = Self.keys(100)
        try await world.define(Self.all(many, .local()).merging([.b: .local()]) { $1 })
        // No loop runs: what is handed out stays in work.
        let controller = try await world.controllerAtRest()
        controller.enqueue(many)
        controller.demand(.b)
        controller.demand(many[99])
        let next = controller.state.withLock { state in
            state.queue.finish(many[0])
            state.queue.finish(many[1])
            return state.queue.take()
        }
        #expect(next == [.b, many[99]])
    }

    // MARK: - A pass

    @Test func passThatFindsNothingWritesNothingAndLooksCloserAtNothing() async throws {
        let world = World()
        let keys = Self.keys(300)
        let some = Array(keys[..<20])
        let specs = Self.all(keys, .local()).merging(Self.all(some, .local(load: .eager))) { $1 }
        try await world.define(specs)
        try await world.run { controller, routes in
            for key in some { await routes.wait(for: key) { $0.isInstance } }
            try await settle(controller)
            let writes = world.store.writes
            let published = routes.history.count
            let found = try await controller.lookOver()
            #expect(found.models == 300)
            #expect(found.due == 0)
            try await settle(controller)
            #expect(world.store.writes == writes)
            #expect(routes.history.count == published)
        }
    }

    @Test func passFindsWhatATriggerWasLostOf() async throws {
        let world = World()
        try await world.define([.a: .local(), .b: .local()])
        try await world.run { controller, routes in
            try await settle(controller)
            // Somebody else's write, of which nobody tells.
            let demand = Demand.loaded(since: world.time.now(), by: "request")
            try await world.store.commit(.demand(.a, demand), at: world.time.now())
            let found = try await controller.lookOver()
            #expect(found.due == 1)
            await routes.wait(for: .a) { $0.isInstance }
            #expect(world.runtime.launches(of: .b) == 0)
            try await settle(controller)
            // The gateway was told something else.
            _ = controller.state.withLock { $0.published.removeValue(forKey: .b) }
            let again = try await controller.lookOver()
            #expect(again.due == 1)
        }
    }

    /// What stood in waits for its own backoff, and the one that is wanted for that.
    @Test func passLeavesAloneWhatIsToBeRestoredLater() async throws {
        let world = World()
        let spec = { @Sendable (command: String) in
            ModelSpec.local(command, load: .eager) { $0.update = .resource }
        }
        try await world.define([.a: spec("one")])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isInstance }
            world.runtime.setHabit(.exitsAtOnce(code: 1, log: []), ofCommand: "bad")
            try await world.define([.a: spec("bad")], in: controller)
            try await eventually("what was ready stands in") {
                world.time.advance(by: 1)
                return world.store.allInstances.last?.insteadOf == 2 && routes.target(.a).isInstance
            }
            world.time.advance(by: 30)
            world.runtime.setHabit(.exitsAtOnce(code: 1, log: []), ofCommand: "one")
            world.runtime.crash(try #require(world.runtime.running(.a).first))
            try await eventually("it has failed twice") {
                try await world.store.model(.a)?.model.restoration?.failures == 2
            }
            try await settle(controller)
            #expect(try await controller.lookOver().due == 0)
        }
    }

    @Test func instanceThatIsNotAskedWakesNobodyUp() async throws {
        let world = World()
        try await world.define([.a: .local(load: .eager)])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isInstance }
            try await settle(controller)
            // The end of its start_timeout.
            #expect(world.time.sleepers == 1)
            // An edit that gives a probe is seen at once.
            let port = try #require(world.store.allInstances.first).port
            var probe = ProbeSpec()
            probe.interval = 10
            probe.failures = 1
            let spec = ModelSpec.local(load: .eager) { [probe] in $0.readiness = .http(probe) }
            try await world.define([.a: spec], in: controller)
            world.prober.answer(.failed(reason: "connection refused"), onPort: port)
            try await eventually("the probe's interval begins") { world.time.sleepers == 2 }
            world.time.advance(by: 10)
            await routes.wait(for: .a) { $0.unavailability?.code == "model_unhealthy" }
        }
    }
}
