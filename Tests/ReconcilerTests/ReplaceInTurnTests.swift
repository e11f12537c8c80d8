import ModelCore
@testable import Reconciler
import Synchronization
import TestSupport
import Testing

/// Where two cannot be there together, and what is done where the next one fails.
extension ReplaceTests {
    /// Why two instances cannot be there together.
    enum Obstacle: CaseIterable, Sendable {
        case policy, port, room

        func spec(_ command: String) -> ModelSpec {
            switch self {
            case .policy: ReplaceTests.spec(command, update: .resource)
            case .port: ReplaceTests.spec(command, port: 9000)
            case .room: ReplaceTests.spec(command) { $0.memory = 6 }
            }
        }
    }

    @Test(arguments: Obstacle.allCases)
    func theFormerEndsFirstWhereTheyCannotBeThereTogether(_ obstacle: Obstacle) async throws {
        let limits = HostLimits(memory: obstacle == .room ? 10 : nil)
        let world = World()
        try await Self.serving(obstacle.spec("one"), limits: limits, in: world) { world, controller, routes, first in
            let served = routes.history.count
            try await world.define([.a: obstacle.spec("two")], in: controller)
            await routes.wait(for: .a) { $0.isInstance && $0.instance != first }
            try await untilAlone("two", world, routes)
            #expect(world.runtime.mostAtOnce(.a) == 1)
            // Callers are held across the gap, not sent away.
            #expect(routes.history.dropFirst(served).allSatisfy { $0.isToInstance || $0.isCold })
            #expect(try await world.store.model(.a)?.model.isDemanded == true)
        }
    }

    /// Neither could ever be started while both serve.
    @Test func twoModelsExchangeTheirPorts() async throws {
        let world = World()
        let spec = { @Sendable (port: Int) in Self.spec("one", port: port) { $0.load = .eager } }
        try await world.define([.a: spec(9001), .b: spec(9002)])
        try await world.run { controller, routes in
            for key in [ModelKey.a, .b] { await routes.wait(for: key) { $0.isInstance } }
            let former = [ModelKey.a, .b].map { routes.target($0).instance }
            let served = routes.history.count
            try await world.define([.a: spec(9002), .b: spec(9001)], in: controller)
            try await eventually("both serve on the other's port") {
                let live = try await world.store.liveInstances().filter { !former.contains($0.id) && $0.isRouted }
                return Set(live.map { "\($0.key.source) \($0.port)" }) == ["a 9002", "b 9001"]
            }
            // Only one of them left its callers waiting.
            let changes = routes.history.dropFirst(served)
            #expect(changes.allSatisfy { $0.isToInstance || $0.isCold })
            #expect(changes.allSatisfy { $0.isToInstance || $0.key == .a })
        }
    }

    @Test(arguments: [InMemoryRuntime.Habit.exitsAtOnce(code: 1, log: []), .cannotBeExecuted])
    func whatCannotBeLoadedGivesWayToWhatCould(_ habit: InMemoryRuntime.Habit) async throws {
        try await Self.serving(Self.spec("one", update: .resource)) { world, controller, routes, first in
            world.runtime.setHabit(habit, ofCommand: "bad")
            let isFinal = habit == .cannotBeExecuted
            let served = routes.history.count
            try await world.define([.a: Self.spec("bad", update: .resource)], in: controller)
            if !isFinal {
                try await eventually("it has failed twice") {
                    try await world.store.model(.a)?.model.backoff?.failures == 2
                }
                await controller.look(at: [.a])
                #expect(routes.target(.a).isCold(.backoff))
                world.time.advance(by: 2)
            }
            await routes.wait(for: .a) { $0.isInstance && $0.instance != first }
            try await untilAlone("one", world, routes)
            #expect(routes.history.dropFirst(served).allSatisfy { $0.isToInstance || $0.isCold })
            let last = try #require(world.store.allInstances.last)
            #expect(last.generation == 1)
            #expect(last.insteadOf == 2)
            let condition = try await world.condition(of: .a)
            #expect(condition == blocked(isFinal ? "command not found" : "exited with code 1"))
            #expect(world.runtime.launches(of: .a) == (isFinal ? 3 : 5))
            let isReady = try await controller.wait(for: .ready, of: .a, timeout: .seconds(1000)).reached
            #expect(!isReady)

            // It is left alone for as long as nobody changes anything.
            for _ in 0..<5 {
                world.time.advance(by: 700)
                await controller.look(at: [.a])
            }
            #expect(world.runtime.running(.a) == [last.id])

            try await world.define([.a: Self.spec("good", update: .resource)], in: controller)
            await routes.wait(for: .a) { $0.isInstance && $0.instance != last.id }
            try await untilAlone("good", world, routes)
            #expect(routes.history.dropFirst(served).allSatisfy { $0.isToInstance || $0.isCold })
        }
    }

    @Test func whatStandsInIsWhatIsWantedOnceTheEditIsTakenBack() async throws {
        try await Self.serving(Self.spec("one", update: .resource)) { world, controller, routes, first in
            world.runtime.setHabit(.cannotBeExecuted, ofCommand: "bad")
            try await world.define([.a: Self.spec("bad", update: .resource)], in: controller)
            await routes.wait(for: .a) { $0.isInstance && $0.instance != first }
            try await untilAlone("one", world, routes)
            let standIn = world.runtime.running(.a)
            try await world.define([.a: Self.spec("one", update: .resource)], in: controller)
            await controller.look(at: [.a])
            #expect(world.runtime.running(.a) == standIn)
            let condition = try await world.condition(of: .a)
            #expect(condition == ModelCondition(.ready))
        }
    }

    /// The edit that failed may have said that it needs a moment only.
    @Test func whatStandsInHasItsOwnTimeToLoad() async throws {
        let spec = { @Sendable (command: String, timeout: Seconds) in
            Self.spec(command, update: .resource) { $0.startTimeout = timeout }
        }
        try await Self.serving(spec("one", 600)) { world, controller, routes, first in
            world.runtime.setHabit(.cannotBeExecuted, ofCommand: "bad")
            for port in 20002...20010 { world.prober.answer(Self.isLoading, onPort: port) }
            try await world.define([.a: spec("bad", 5)], in: controller)
            try await eventually("one is loading again") {
                world.store.allInstances.last?.insteadOf == 2 && world.runtime.commands(.a) == ["one"]
            }
            let standIn = world.runtime.running(.a)
            await controller.look(at: [.a])
            world.time.advance(by: 30)
            await controller.look(at: [.a])
            #expect(world.runtime.running(.a) == standIn)
            for port in 20002...20010 { world.prober.answer(nil, onPort: port) }
            try await eventually("it serves") {
                world.time.advance(by: 1)
                return routes.target(.a).instance == standIn.first
            }
            try await untilAlone("one", world, routes)
        }
    }

    @Test func anOperatorsWordTriesTheNewOneAgain() async throws {
        try await Self.serving(Self.spec("one", update: .resource)) { world, controller, routes, first in
            world.runtime.setHabit(.cannotBeExecuted, ofCommand: "two")
            try await world.define([.a: Self.spec("two", update: .resource)], in: controller)
            await routes.wait(for: .a) { $0.isInstance && $0.instance != first }
            try await untilAlone("one", world, routes)
            world.runtime.setHabit(.runs, ofCommand: "two")
            try await controller.load(.a, by: "ann")
            try await untilAlone("two", world, routes)
        }
    }

    /// What stands in has a backoff of its own, is not gone back from, and does not end the tries of what is wanted.
    @Test func neverMoreThanOneStepBack() async throws {
        let world = World()
        try await Self.serving(Self.spec("one", update: .resource), in: world) { world, controller, routes, _ in
            try await world.define([.a: Self.spec("two", update: .resource)], in: controller)
            try await untilAlone("two", world, routes)
            for command in ["two", "bad"] { world.runtime.setHabit(.exitsAtOnce(code: 1, log: []), ofCommand: command) }
            try await world.define([.a: Self.spec("bad", update: .resource)], in: controller)
            try await eventually("both have failed three times") {
                world.time.advance(by: 1)
                let model = try await world.store.model(.a)?.model
                return model?.restoration?.failures == 3
            }
            // Callers are answered now, and nobody waits for it any more.
            try await eventually("nobody waits") { try await world.store.model(.a)?.model.isDemanded == false }
            await controller.look(at: [.a])
            #expect(routes.history.contains { !$0.isToInstance && !$0.isCold })
            let launched = world.store.allInstances.map(\.generation)
            #expect(launched == [1, 2, 3, 3, 3, 2, 2, 2])
            world.time.advance(by: 60)
            await routes.wait(for: .a) { $0.isCold(.standby) }

            // The next request tries the new one, and then what it is to replace.
            world.runtime.setHabit(.runs, ofCommand: "two")
            controller.demand(.a)
            try await eventually("two serves again") {
                world.time.advance(by: 1)
                return routes.target(.a).isInstance
            }
            #expect(world.store.allInstances.map(\.generation) == launched + [3, 2])
        }
    }

    /// A model that was in standby when it was edited: what was ready before the edit serves where the edit is bad.
    @Test func aCallerOfAStandbyModelIsServedByWhatWasReady() async throws {
        try await Self.serving { world, controller, routes, _ in
            try await controller.unload(.a, hold: false, by: "ann")
            await routes.wait(for: .a) { $0.isCold(.standby) }
            world.runtime.setHabit(.cannotBeExecuted, ofCommand: "bad")
            try await world.define([.a: Self.spec("bad")], in: controller)
            controller.demand(.a)
            try await untilAlone("one", world, routes)
            #expect(world.store.allInstances.last?.insteadOf == 2)
        }
    }

    @Test func whatNothingServedBeforeFailsAsEver() async throws {
        let world = World()
        world.runtime.setHabit(.cannotBeExecuted, of: .a)
        try await world.define([.a: Self.spec("one", update: .resource)])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isCold(.standby) }
            controller.demand(.a)
            await routes.wait(for: .a) { $0.unavailability?.code == "model_failed" }
            #expect(world.runtime.launches(of: .a) == 1)
            try await world.define([.a: Self.spec("two", update: .resource)], in: controller)
            controller.demand(.a)
            await routes.wait(for: .a) { $0.unavailability?.code == "model_failed" }
            #expect(world.store.allInstances.allSatisfy { $0.insteadOf == nil })
        }
    }
}
