import ModelCore
@testable import Reconciler
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct ControllerTests {
    @Test func eagerModelIsStartedAndRouted() async throws {
        let world = World()
        try await world.define([.a: .local(load: .eager)])
        try await world.run { _, routes in
            await routes.wait(for: .a) { $0.isInstance }
            #expect(world.runtime.launches(of: .a) == 1)
        }
    }

    @Test func onDemandModelStaysInStandbyUntilDemanded() async throws {
        let world = World()
        try await world.define([.a: .local()])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isCold(.standby) }
            #expect(world.runtime.launches(of: .a) == 0)
            for _ in 0..<100 { controller.demand(.a) }
            await routes.wait(for: .a) { $0.isInstance }
            #expect(world.runtime.launches(of: .a) == 1)
        }
    }

    @Test func remoteModelIsRoutedAsIs() async throws {
        let world = World()
        try await world.define([.a: ModelSpec(baseURL: "http://x", endpoint: "/p")])
        try await world.run { _, routes in await routes.wait(for: .a) { $0 == .remote } }
    }

    @Test func changeOfRunFieldsReplacesTheInstanceOfAnOnDemandModelToo() async throws {
        let world = World()
        try await world.define([.a: .local("one")])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isCold(.standby) }
            controller.demand(.a)
            await routes.wait(for: .a) { $0.isInstance }
            let first = world.runtime.running(.a)
            try await world.define([.a: .local("two")], in: controller)
            await routes.wait(for: .a) { $0.isInstance && $0.instance != first[0] }
            try await eventually("the former one is stopped") { world.runtime.stopped == first }
            #expect(world.runtime.running(.a).count == 1)
        }
    }

    @Test func changeOfRouteFieldsStartsNothing() async throws {
        let world = World()
        try await world.define([.a: .local(load: .eager)])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isInstance }
            try await world.define([.a: .local(load: .eager) { $0.timeout = 5 }], in: controller)
            let isApplied = { @Sendable in
                routes.history.contains { if case .set(let route) = $0 { route.timeout == 5 } else { false } }
            }
            await routes.wait(for: .a) { _ in isApplied() }
            #expect(world.runtime.launches(of: .a) == 1)
        }
    }

    @Test func removedModelIsStoppedAndForgotten() async throws {
        let world = World()
        try await world.define([.a: .local(load: .eager)])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isInstance }
            try await world.define([:], in: controller)
            await routes.wait(for: .a) { $0 == nil }
            #expect(world.runtime.running(.a) == [])
            #expect(try await world.store.models().isEmpty)
        }
    }

    @Test func heldCallersAreToldOfAFailedLoad() async throws {
        let world = World()
        world.runtime.setHabit(.exitsAtOnce(code: 3, log: ["no weights"]), of: .a)
        try await world.define([.a: .local()])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isCold(.standby) }
            controller.demand(.a)
            await routes.wait(for: .a) { _ in
                routes.history.contains {
                    if case .set(let route) = $0 {
                        Optional(route.target).unavailability?.log == ["no weights"]
                    } else {
                        false
                    }
                }
            }
            // The first failure costs no wait: the next request may try again.
            await routes.wait(for: .a) { $0.isCold(.standby) }
            controller.demand(.a)
            await routes.wait(for: .a) { $0.unavailability?.code == "model_backoff" }
            #expect(world.runtime.launches(of: .a) == 2)
        }
    }

    @Test func failingEagerModelIsTriedAgainWithGrowingPauses() async throws {
        let world = World()
        world.runtime.setHabit(.exitsAtOnce(code: 1, log: []), of: .a)
        try await world.define([.a: .local(load: .eager)])
        try await world.run { _, routes in
            await routes.wait(for: .a) { $0.unavailability?.code == "model_backoff" }
            #expect(world.runtime.launches(of: .a) == 2)
            world.runtime.setHabit(.runs, of: .a)
            await world.time.advanceToNextDeadline()
            await routes.wait(for: .a) { $0.isInstance }
            #expect(world.runtime.launches(of: .a) == 3)
        }
    }

    @Test func commandThatCannotBeExecutedIsTerminal() async throws {
        let world = World()
        world.runtime.setHabit(.cannotBeExecuted, of: .a)
        try await world.define([.a: .local(load: .eager)])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.unavailability?.code == "model_failed" }
            let outcome = try await controller.wait(for: .ready, of: .a, timeout: .seconds(1000))
            #expect(outcome.condition.state == .failed)
            #expect(!outcome.reached)
            // `load` tries it again at once.
            world.runtime.setHabit(.runs, of: .a)
            try await controller.load(.a, by: "test")
            await routes.wait(for: .a) { $0.isInstance }
        }
    }

    /// Why an instance is not ready, or not now, is told for as long as that is so.
    @Test func whatAProbeSaidStaysAsTheReason() async throws {
        let world = World()
        var probe = ProbeSpec()
        probe.interval = 10
        probe.failures = 1
        let spec = ModelSpec.local(load: .eager, port: 9000) { [probe] in $0.readiness = .http(probe) }
        try await world.define([.a: spec])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isInstance }
            world.prober.answer(.failed(reason: "connection refused"), onPort: 9000)
            try await eventually("the probe fails") {
                world.time.advance(by: 10)
                return routes.target(.a).unavailability?.code == "model_unhealthy"
            }
            for _ in 0..<3 { await controller.look(at: [.a]) }
            let condition = try await world.condition(of: .a)
            #expect(condition?.state == .unhealthy)
            #expect(condition?.reason?.contains("connection refused") == true, "\(condition?.reason ?? "")")
        }
    }

    @Test func loadThatOutlastsStartTimeoutIsGivenUp() async throws {
        let world = World()
        try await world.define([.a: .local(port: 9000) { $0.startTimeout = 5 }])
        world.prober.answer(.failed(reason: "connection refused"), onPort: 9000)
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isCold(.standby) }
            controller.demand(.a)
            await routes.wait(for: .a) { $0.isCold(.starting) }
            // What the first probe said is part of the reason.
            while controller.state.withLock(\.lastProbe.isEmpty) { await Task.yield() }
            world.time.advance(by: 6)
            await routes.wait(for: .a) { _ in
                routes.history.contains {
                    guard case .set(let route) = $0 else { return false }
                    return Optional(route.target).unavailability?.message.contains("connection refused") == true
                }
            }
            await routes.wait(for: .a) { $0.isCold(.standby) }
            #expect(world.runtime.running(.a) == [])
        }
    }

    @Test func startSlotsAreNotExceededAndNobodyIsForgotten() async throws {
        let world = World()
        let keys = (0..<10).map { ModelKey(domain: "d", source: "s\($0)", model: "default") }
        try await world.define(Dictionary(uniqueKeysWithValues: keys.map { ($0, .local(load: .eager)) }))
        try await world.run(startSlots: 2) { _, routes in
            for key in keys { await routes.wait(for: key) { $0.isInstance } }
            #expect(keys.map { world.runtime.launches(of: $0) } == Array(repeating: 1, count: 10))
        }
    }

    @Test func oneFixedPortServesOneModelAtATime() async throws {
        let world = World()
        try await world.define([.a: .local(load: .eager, port: 9000)])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isInstance }
            try await world.define(
                [.a: .local(load: .eager, port: 9000), .b: .local(load: .eager, port: 9000)], in: controller)
            await routes.wait(for: .b) { $0.isCold(.pending) }
            #expect(try await world.condition(of: .b)?.reason?.contains("d/a/default") == true)
            try await controller.unload(.a, hold: true, by: "test")
            await routes.wait(for: .b) { $0.isInstance }
        }
    }

    @Test func holdOutlivesTheControllerAndLoadLiftsIt() async throws {
        let world = World()
        try await world.define([.a: .local(load: .eager)])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isInstance }
            try await controller.unload(.a, hold: false, by: "ann")
            await routes.wait(for: .a) { $0.unavailability?.code == "model_held" }
        }
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.unavailability?.code == "model_held" }
            try await controller.load(.a, by: "ann")
            await routes.wait(for: .a) { $0.isInstance }
        }
    }

    @Test func restartReplacesTheInstance() async throws {
        let world = World()
        try await world.define([.a: .local(load: .eager)])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isInstance }
            let first = world.runtime.running(.a)
            try await controller.restart(.a, by: "ann")
            await routes.wait(for: .a) { $0.isInstance && $0.instance != first[0] }
            try await eventually("the former one is stopped") { world.runtime.stopped == first }
        }
    }

    /// Who asked for the restart must not be told that it is done before it has begun.
    @Test func instanceThatIsYetToBeReplacedIsNotWhatIsWaitedFor() async throws {
        let world = World()
        try await world.define([.a: .local(load: .eager)])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isInstance }
            // Recorded, and the worker has not come to it.
            try await world.store.commit(.restart(.a, by: "ann"), at: world.time.now())
            let outcome = try await controller.wait(for: .ready, of: .a, timeout: .zero)
            #expect(outcome.condition.state == .ready)
            #expect(!outcome.reached)
            controller.enqueue(.a)
            let isDoneLater = try await controller.wait(for: .ready, of: .a, timeout: .seconds(60)).reached
            #expect(isDoneLater)
            #expect(world.runtime.launches(of: .a) == 2)
        }
    }

    @Test func shutdownStopsEverythingAndEndsRun() async throws {
        let world = World()
        try await world.define([.a: .local(load: .eager), .b: .local(load: .eager)])
        try await world.run { controller, routes in
            for key in [ModelKey.a, .b] { await routes.wait(for: key) { $0.isInstance } }
            await controller.shutDown(keepingInstances: false)
            await controller.finished.wait()
            #expect(world.runtime.running(.a) + world.runtime.running(.b) == [])
        }
        #expect(try await world.store.liveInstances() == [])
    }

    /// A probe that was under way when the instance was taken out of service.
    @Test func whatIsSeenTooLateHoldsNothingUp() async throws {
        let world = World()
        try await world.define([.a: .local(load: .eager, port: 9000) { $0.readiness = .http(ProbeSpec()) }])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isInstance }
            let (_, instances) = try #require(try await world.store.model(.a))
            let instance = instances[0]
            controller.state.withLock { $0.sightings[.a] = [.unready(instance, reason: "late")] }
            try await world.store.commit(.unrouted(instance.id, reason: "test"), at: world.time.now())
            try await world.store.commit(.stopping(instance.id, cause: "test"), at: world.time.now())
            controller.enqueue(.a)
            await routes.wait(for: .a) { $0.isInstance && $0.instance != instance.id }
        }
    }

    @Test func whatTheDiskKeptFromStartingIsTriedAgainOnceItIsThere() async throws {
        let world = World()
        world.setObstacle("the folder is missing")
        try await world.define([.a: .local(load: .eager)])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.unavailability?.message == "the folder is missing" }
            await controller.rescanOnce()
            #expect(routes.target(.a).unavailability?.message == "the folder is missing")
            world.setObstacle(nil)
            await controller.rescanOnce()
            await routes.wait(for: .a) { $0.isInstance }
        }
    }

    @Test func whatFailedSinceIsNotForgottenWithTheObstacle() async throws {
        let world = World()
        world.setObstacle("the folder is missing")
        world.runtime.setHabit(.cannotBeExecuted, of: .a)
        try await world.define([.a: .local(load: .eager)])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.unavailability?.message == "the folder is missing" }
            world.setObstacle(nil)
            try await controller.load(.a, by: "ann")
            await routes.wait(for: .a) { $0.unavailability?.message == "command not found" }
            await controller.look(at: [.a])
            await controller.rescanOnce()
            await controller.look(at: [.a])
            #expect(world.runtime.launches(of: .a) == 1)
            #expect(try await world.condition(of: .a) == ModelCondition(.failed, "command not found"))
        }
    }

    @Test func whatServesIsNotEndedForWhatMayNotBeLaunched() async throws {
        let world = World()
        try await world.define([.a: .local(load: .eager)])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isInstance }
            let serving = routes.target(.a).instance
            world.setObstacle("the policy forbids it")
            try await world.define([.a: .local("another", load: .eager)], in: controller)
            while try await world.store.model(.a)?.model.backoff == nil { await Task.yield() }
            #expect(routes.target(.a).instance == serving)
            #expect(world.runtime.stopped.isEmpty)
            #expect(try await world.condition(of: .a)?.reason?.contains("the policy forbids it") == true)
            world.setObstacle(nil)
            await controller.rescanOnce()
            await routes.wait(for: .a) { $0.isInstance && $0.instance != serving }
        }
    }

    @Test func mistypedDirectoryLeavesNoTrace() async throws {
        let world = World()
        try await world.define([.a: .local()])
        try await world.run { controller, _ in
            world.manifests.set(ManifestSet(brokenFiles: ["."]), root: "/manifest")
            let report = try await controller.apply(root: "/manifest", removalGuard: RemovalGuard())
            #expect(report.brokenFiles == ["."])
            #expect(try await world.store.roots() == [World.root])
        }
    }

    @Test func fleetIsReadyOnlyOnceTheManifestsAreReadAndEagerModelsServe() async throws {
        let world = World()
        world.prober.answer(.failed(reason: "connection refused"), onPort: 9000)
        try await world.run { controller, routes in
            var states = controller.readiness().makeAsyncIterator()
            #expect(await states.next()?.isReady == false)
            try await world.define([.a: .local(load: .eager, port: 9000)], in: controller)
            while await states.next()?.reason != "d/a/default is not ready" {}
            world.prober.answer(nil, onPort: 9000)
            await world.time.advanceToNextDeadline()
            while await states.next()?.isReady != true {}
        }
    }

    @Test func secondShutdownSkipsTheDrain() async throws {
        let world = World()
        try await world.define([.a: .local(load: .eager)])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isInstance }
            routes.keepBusy()
            await controller.shutDown(keepingInstances: false)
            await routes.wait(for: .a) { !$0.isInstance }
            await controller.shutDown(keepingInstances: false)
            await controller.finished.wait()
            #expect(world.runtime.running(.a) == [])
        }
    }
}
