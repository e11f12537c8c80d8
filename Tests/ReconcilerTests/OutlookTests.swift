import ModelCore
@testable import Reconciler
import Synchronization
import TestSupport
import Testing

/// Whether what serves is ended for a successor that could not be launched, and what becomes of one that gave way in vain.
@Suite struct OutlookTests {
    private static func spec(
        _ command: String, memory: Int64? = nil, port: Int? = nil, update: UpdatePolicy? = nil,
        load: LoadPolicy? = nil
    ) -> ModelSpec {
        .local(command, load: load, port: port) { spec in
            spec.update = update
            spec.memory = memory
        }
    }

    private func demand(_ key: ModelKey, _ controller: Controller, _ routes: RecordingRoutes) async throws -> InstanceID
    {
        controller.demand(key)
        await routes.wait(for: key) { $0.isInstance }
        return try #require(routes.target(key).instance)
    }

    // MARK: - Memory

    @Test func whatServesIsNotEndedForWhatTakesMoreThanThereIs() async throws {
        let world = World()
        try await world.define([.a: Self.spec("one", memory: 6, update: .resource)])
        try await world.run(limits: HostLimits(memory: 10)) { controller, routes in
            let first = try await demand(.a, controller, routes)
            let served = routes.history.count
            try await world.define([.a: Self.spec("two", memory: 11, update: .resource)], in: controller)
            try await eventually("the new one is refused") {
                try await world.condition(of: .a)?.reason?.contains("more than the whole memory budget of 10") == true
            }
            await controller.look(at: [.a])
            #expect(routes.target(.a).instance == first)
            #expect(routes.history.dropFirst(served).allSatisfy { $0.instance != nil })
            #expect(world.runtime.launches(of: .a) == 1)
            // One that fits goes on at once.
            try await world.define([.a: Self.spec("three", memory: 10, update: .resource)], in: controller)
            await routes.wait(for: .a) { $0.isInstance && $0.instance != first }
            #expect(world.runtime.commands(.a) == ["three"])
        }
    }

    /// What stands in takes what it took, not what the edit says that has failed.
    @Test func whatStandsInIsAdmittedByWhatItTakes() async throws {
        let world = World()
        try await world.define([.a: Self.spec("one", memory: 6), .b: Self.spec("b", memory: 4)])
        try await world.run(limits: HostLimits(memory: 10)) { controller, routes in
            _ = try await demand(.a, controller, routes)
            let other = try await demand(.b, controller, routes)
            try await controller.unload(.a, hold: false, by: "ann")
            await routes.wait(for: .a) { $0.isCold(.standby) }
            try await world.define([.a: Self.spec("two", memory: 11), .b: Self.spec("b", memory: 4)], in: controller)
            controller.demand(.a)
            try await eventually("what was ready serves") { routes.target(.a).isInstance }
            #expect(world.store.allInstances.last?.insteadOf == 2)
            #expect(world.runtime.commands(.a) == ["one"])
            #expect(routes.target(.b).instance == other)
            // Nor does it count for more while it runs.
            let uses = await controller.uses(of: try await world.store.liveInstances())
            let ledger = try await world.store.ledger(limits: controller.limits, uses: uses, at: world.time.now())
            #expect(ledger.memory == 10)
        }
    }

    // MARK: - Ports

    @Test func whatServesIsNotEndedForAPortThatAnotherModelHas() async throws {
        let world = World()
        let other = Self.spec("b")
        try await world.define([.a: Self.spec("one", update: .resource), .b: other])
        try await world.run { controller, routes in
            let first = try await demand(.a, controller, routes)
            _ = try await demand(.b, controller, routes)
            let port = try #require(world.store.allInstances.last?.port)
            let served = routes.history.count
            let edited = Self.spec("two", port: port, update: .resource)
            try await world.define([.a: edited, .b: other], in: controller)
            let reason = "port \(port) is leased to d/b/default"
            try await eventually("it waits") {
                try await world.condition(of: .a)
                    == ModelCondition(.ready, "generation 1 serves: \(reason)")
            }
            #expect(routes.target(.a).instance == first)
            let view = try await controller.view(of: .a)
            #expect(view.decision.reason == reason)
            #expect(view.isSupplied)
            // As soon as it is free, it is taken.
            try await controller.unload(.b, hold: false, by: "ann")
            await routes.wait(for: .a) { $0.isInstance && $0.instance != first }
            #expect(world.store.allInstances.last?.port == port)
            #expect(routes.history.dropFirst(served).filter { $0.key == .a }.allSatisfy { $0.unavailability == nil })
        }
    }

    /// Two exchange their ports, and the one that does not give way turns out to be broken.
    @Test(arguments: [true, false]) func whoGaveWayInVainComesBack(otherIsMended: Bool) async throws {
        let world = World()
        let spec = { @Sendable (command: String, port: Int) in Self.spec(command, port: port, load: .eager) }
        world.runtime.setHabit(.exitsAtOnce(code: 1, log: []), ofCommand: "bad")
        try await world.define([.a: spec("a", 9001), .b: spec("b", 9002)])
        try await world.run { controller, routes in
            for key in [ModelKey.a, .b] { await routes.wait(for: key) { $0.isInstance } }
            let first = try #require(routes.target(.a).instance)
            let other = try #require(routes.target(.b).instance)
            let served = routes.history.count
            try await world.define([.a: spec("a", 9002), .b: spec("bad", 9001)], in: controller)
            try await eventually("it serves where it was") {
                world.time.advance(by: 1)
                return routes.target(.a).instance.map { $0 != first } == true
            }
            let standIn = try #require(routes.target(.a).instance)
            #expect(world.store.allInstances.last { $0.key == .a }?.insteadOf == 2)
            let condition = try await world.condition(of: .a)
            let reason = "generation 2 has failed: port 9002 is leased to d/b/default; generation 1 serves"
            #expect(condition == ModelCondition(.ready, "BlockedByFailedLoad: \(reason)"))
            // That is so for as long as nobody changes anything.
            for _ in 0..<20 {
                world.time.advance(by: 70)
                await controller.look(at: [.a, .b])
            }
            #expect(routes.target(.a).instance == standIn)
            #expect(routes.target(.b).instance == other)
            // Callers were held, and none was sent away.
            #expect(routes.history.dropFirst(served).allSatisfy { $0.unavailability == nil })

            guard otherIsMended else {
                // As soon as the port is free, it is taken.
                try await world.define([.a: spec("a", 9002)], in: controller)
                return try await eventually("it serves on the other's port") {
                    world.time.advance(by: 10)
                    return world.store.allInstances.contains { $0.key == .a && $0.isRouted && $0.port == 9002 }
                }
            }
            // Mended, and tried again, they change places after all.
            try await world.define([.a: spec("a", 9002), .b: spec("good", 9001)], in: controller)
            try await controller.load(.a, by: "ann")
            try await eventually("both serve on the other's port") {
                world.time.advance(by: 1)
                let live = try await world.store.liveInstances().filter(\.isRouted)
                return Set(live.map { "\($0.key.source) \($0.port)" }) == ["a 9002", "b 9001"]
            }
        }
    }

    /// Nothing serves, and what was ready before the edit does not need that port.
    @Test func whatWasReadyServesWhereAPortStaysAnothers() async throws {
        let world = World()
        let other = Self.spec("b", port: 9000, load: .eager)
        try await world.define([.a: Self.spec("one"), .b: other])
        try await world.run { controller, routes in
            await routes.wait(for: .b) { $0.isInstance }
            _ = try await demand(.a, controller, routes)
            try await controller.unload(.a, hold: false, by: "ann")
            await routes.wait(for: .a) { $0.isCold(.standby) }
            try await world.define([.a: Self.spec("two", port: 9000), .b: other], in: controller)
            controller.demand(.a)
            try await eventually("what was ready serves") {
                world.time.advance(by: 1)
                return routes.target(.a).isInstance
            }
            #expect(world.runtime.commands(.a) == ["one"])
            // Once the port is free, the new one takes over.
            try await world.define([.a: Self.spec("two", port: 9000)], in: controller)
            try await eventually("the new one serves") {
                world.time.advance(by: 10)
                return world.runtime.commands(.a) == ["two"] && routes.target(.a).isInstance
            }
        }
    }
}

extension RouteChange {
    fileprivate var target: Route.Target? { if case .set(let route) = self { route.target } else { nil } }
    fileprivate var instance: InstanceID? { target.instance }
    fileprivate var unavailability: Unavailability? { target.unavailability }
}
