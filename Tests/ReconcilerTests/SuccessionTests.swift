import ModelCore
@testable import Reconciler
import Synchronization
import TestSupport
import Testing

/// An edited model among others that wait for its place.
@Suite(.timeLimit(.minutes(1))) struct SuccessionTests {
    private static func spec(_ command: String, memory: Int64, _ policy: UpdatePolicy? = nil, port: Int? = nil)
        -> ModelSpec
    {
        .local(command, load: .eager, port: port) { spec in
            spec.memory = memory
            spec.update = policy
        }
    }

    @Test(
        arguments: [(UpdatePolicy.availability, nil), (.resource, nil), (.availability, 9000)] as [(UpdatePolicy, Int?)]
    )
    func anEditCostsNobodyItsPlace(_ policy: UpdatePolicy, _ port: Int?) async throws {
        let world = World()
        func edited(_ command: String, memory: Int64) -> ModelSpec {
            Self.spec(command, memory: memory, policy, port: port)
        }
        let waiting = Self.spec("other", memory: 4)
        try await world.define([.a: edited("one", memory: 5)])
        try await world.run(limits: HostLimits(memory: 8)) { controller, routes in
            await routes.wait(for: .a) { $0.isInstance }
            try await world.define([.a: edited("one", memory: 5), .b: waiting], in: controller)
            await routes.wait(for: .b) { $0.isCold(.pending) }
            world.time.advance(by: 1)

            try await world.define([.a: edited("two", memory: 5), .b: waiting], in: controller)
            try await eventually("the edit is served", within: .seconds(20)) {
                world.runtime.commands(.a) == ["two"] && routes.target(.a).isInstance
            }
            #expect(world.runtime.launches(of: .b) == 0)

            // What it gives up by an edit is for who waits.
            try await world.define([.a: edited("three", memory: 4), .b: waiting], in: controller)
            await routes.wait(for: .b) { $0.isInstance }
            try await eventually("both serve") {
                world.runtime.commands(.a) == ["three"] && routes.target(.a).isInstance
            }
        }
    }

    /// What serves does not take what its successor will.
    @Test func theFormerCountsAsItWasAccepted() async throws {
        let world = World()
        try await world.define([.a: Self.spec("one", memory: 2), .b: .local { $0.memory = 1 }])
        try await world.run(limits: HostLimits(memory: 7)) { controller, routes in
            await routes.wait(for: .a) { $0.isInstance }
            controller.demand(.b)
            await routes.wait(for: .b) { $0.isInstance }
            await controller.look(at: [.b])
            try await world.define([.a: Self.spec("two", memory: 4), .b: .local { $0.memory = 1 }], in: controller)
            try await eventually("the edit is served") {
                world.runtime.commands(.a) == ["two"] && routes.target(.a).isInstance
            }
            #expect(world.runtime.mostAtOnce(.a) == 2)
            #expect(world.runtime.running(.b).count == 1)
        }
    }

    /// What stands in is not ended for another try, and that is made once there is room for it.
    @Test func whatFailedIsTriedAgainWhereRoomComesToBeBesideWhatStandsIn() async throws {
        let world = World()
        let other = Self.spec("other", memory: 3)
        try await world.define([.a: Self.spec("one", memory: 3), .b: other])
        try await world.run(limits: HostLimits(memory: 8)) { controller, routes in
            for key in [ModelKey.a, .b] { await routes.wait(for: key) { $0.isInstance } }
            world.runtime.setHabit(.cannotBeExecuted, ofCommand: "two")
            let edited = Self.spec("two", memory: 3)
            try await world.define([.a: edited, .b: other], in: controller)
            try await eventually("the first is started again") {
                world.store.allInstances.contains { $0.insteadOf == 2 && $0.phase == .ready && $0.isRouted }
            }
            for _ in 0..<3 {
                world.time.advance(by: Backoff.terminalDelay)
                await controller.look(at: [.a])
            }
            #expect(world.runtime.commands(.a) == ["one"])
            #expect(world.runtime.running(.b).count == 1)

            world.runtime.setHabit(nil, ofCommand: "two")
            try await world.define([.a: edited], in: controller)
            try await eventually("the edit is served") {
                world.time.advance(by: 1)
                return world.runtime.commands(.a) == ["two"] && routes.target(.a).isInstance
            }
        }
    }

    /// It is not looked at again and again, either.
    @Test func aPassFindsNothingToDoAboutAModelThatIsBeingReplaced() async throws {
        let world = World()
        try await world.define([.a: .local("one", load: .eager)])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isInstance }
            let first = try #require(routes.target(.a).instance)
            world.prober.answer(.failed(reason: "connection refused"), onPort: 20002)
            let edited = ModelSpec.local("two", load: .eager) { $0.endpoint = "/v2" }
            try await world.define([.a: edited], in: controller)
            try await eventually("both run") { world.runtime.running(.a).count == 2 }
            await controller.look(at: [.a])
            try await eventually("nobody looks") { controller.state.withLock(\.queue.isEmpty) }
            #expect(try await controller.lookOver().due == 0)
            #expect(routes.target(.a).instance == first)
        }
    }
}
