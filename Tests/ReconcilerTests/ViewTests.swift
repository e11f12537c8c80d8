import ModelCore
@testable import Reconciler
import Synchronization
import TestSupport
import Testing

/// What a controller says of a model to whoever asks, and that to ask changes nothing.
@Suite(.timeLimit(.minutes(1))) struct ViewTests {
    @Test func whatRunsAsItShouldIsSettled() async throws {
        let world = World()
        try await world.define([.a: .local(load: .eager)])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isInstance }
            await controller.look(at: [.a])
            let id = try #require(routes.target(.a).instance)
            routes.setActivity(InstanceActivity(inFlight: 3), of: id)
            let writes = world.store.writes
            let view = try await controller.calmView(of: .a)
            #expect(view.decision == DecisionReport(.settled))
            #expect(view.instances == [InstanceView(id: id, inFlight: 3)])
            #expect(!view.isShuttingDown && view.isSupplied)
            #expect(world.store.writes == writes)
        }
    }

    @Test func whatLoadsSaysUntilWhenAndWhatItsProbeSaid() async throws {
        let world = World()
        try await world.define([.a: .local(port: 9000) { $0.startTimeout = 5 }])
        world.prober.answer(.failed(reason: "connection refused"), onPort: 9000)
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isCold(.standby) }
            controller.demand(.a)
            await routes.wait(for: .a) { $0.isCold(.starting) }
            while controller.state.withLock(\.lastProbe.isEmpty) { await Task.yield() }
            await controller.look(at: [.a])
            let view = try await controller.calmView(of: .a)
            let until = world.time.now() + 5
            #expect(view.decision == DecisionReport(.wait, reason: "waits for readiness", until: until))
            #expect(view.nextLook == until)
            #expect(view.calledSince == world.time.now())
            #expect(view.instances.map(\.lastProbe) == ["connection refused"])
        }
    }

    @Test func whatIsReadyHasNothingToSayOfOlderProbes() async throws {
        let world = World()
        try await world.define([.a: .local(load: .eager, port: 9000) { $0.startTimeout = 3600 }])
        world.prober.answer(.failed(reason: "connection refused"), onPort: 9000)
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isCold(.starting) }
            while controller.state.withLock(\.lastProbe.isEmpty) { await Task.yield() }
            world.prober.answer(nil, onPort: 9000)
            while routes.target(.a).instance == nil {
                world.time.advance(by: Seconds(milliseconds: 10))
                await Task.yield()
            }
            let view = try await controller.calmView(of: .a)
            #expect(view.instances.map(\.lastProbe) == [nil])
        }
    }

    @Test func whatWaitsForASlotStandsInLine() async throws {
        let world = World()
        try await world.define([.a: .local(load: .eager, port: 9000)])
        world.prober.answer(.failed(reason: "connection refused"), onPort: 9000)
        try await world.run(startSlots: 1) { controller, routes in
            await routes.wait(for: .a) { $0.isCold(.starting) }
            try await world.define(
                [.a: .local(load: .eager, port: 9000), .b: .local(load: .eager)], in: controller)
            await routes.wait(for: .b) { $0.isCold(.pending) }
            let view = try await controller.calmView(of: .b)
            #expect(view.decision == DecisionReport(.operate, step: "start", reason: "load: eager"))
            #expect(view.inLineSince == world.time.now())
        }
    }

    @Test func aStepThatIsUnderWayIsNotTakenForWhatACrashHasLeft() async throws {
        let world = World()
        try await world.define([.a: .local()])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isCold(.standby) }
            _ = try await controller.calmView(of: .a)
            controller.state.withLock { state in
                state.queue.add(.a)
                _ = state.queue.take()
            }
            let view = try await controller.view(of: .a)
            #expect(view.decision == DecisionReport(.underway))
            controller.state.withLock { $0.queue.finish(.a) }
        }
    }

    @Test func anUnknownModelIsToldWithASuggestion() async throws {
        let world = World()
        try await world.define([.a: .local()])
        try await world.run { controller, routes in
            let key = ModelKey(domain: "d", source: "x", model: "default")
            await #expect(throws: ControlError.noSuchModel(key, suggestion: "d/a/default")) {
                try await controller.view(of: key)
            }
        }
    }

    // MARK: - Waiting for what is gone

    @Test func whatIsNotThereIsGone() async throws {
        let world = World()
        try await world.run { controller, _ in
            let outcome = try await controller.wait(for: .gone, of: .a, timeout: .seconds(60))
            #expect(outcome.reached)
            await #expect(throws: ControlError.noSuchModel(.a, suggestion: nil)) {
                try await controller.wait(for: .standby, of: .a, timeout: .seconds(60))
            }
        }
    }

    @Test func removalThatIsYetToComeIsWaitedFor() async throws {
        let world = World()
        try await world.define([.a: .local(load: .eager)])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isInstance }
            let early = try await controller.wait(for: .gone, of: .a, timeout: .zero)
            #expect(!early.reached && early.impossible == nil)
            async let outcome = controller.wait(for: .gone, of: .a, timeout: .seconds(1000))
            try await world.define([:], in: controller)
            #expect(try await outcome.reached)
            #expect(world.runtime.running(.a) == [])
        }
    }

    @Test func waitEndsAsSoonAsItIsInVain() async throws {
        let world = World()
        try await world.define([.a: .local(load: .eager)])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isInstance }
            let standby = try await controller.wait(for: .standby, of: .a, timeout: .seconds(1000))
            #expect(standby.impossible?.contains("eager") == true)
            async let ready = controller.wait(for: .gone, of: .a, timeout: .seconds(1000))
            try await controller.unload(.a, hold: true, by: "ann")
            try await world.define([:], in: controller)
            #expect(try await ready.reached)
        }
    }
}

extension Controller {
    /// What it says once no worker has the model in hand.
    fileprivate func calmView(of key: ModelKey) async throws -> ControllerView {
        while true {
            let view = try await view(of: key)
            if view.decision.kind != .underway { return view }
            await Task.yield()
        }
    }
}
