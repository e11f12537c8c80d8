import ModelCore
@testable import Reconciler
import Synchronization
import TestSupport
import Testing

/// One instance takes the place of another.
@Suite(.timeLimit(.minutes(1))) struct ReplaceTests {
    static func spec(
        _ command: String, update: UpdatePolicy? = nil, port: Int? = nil, _ change: (inout ModelSpec) -> Void = { _ in }
    ) -> ModelSpec {
        .local(command, port: port) { spec in
            spec.update = update
            change(&spec)
        }
    }

    /// A world in which an on-demand model serves as `one`.
    static func serving(
        _ spec: ModelSpec = spec("one"), limits: HostLimits? = nil, in world: World = World(),
        _ body: (World, Controller, RecordingRoutes, InstanceID) async throws -> Void
    ) async throws {
        try await world.define([.a: spec])
        try await world.run(limits: limits) { controller, routes in
            controller.demand(.a)
            await routes.wait(for: .a) { $0.isInstance }
            let first = try #require(routes.target(.a).instance)
            try await body(world, controller, routes, first)
        }
    }

    /// The port of the instance that is launched next.
    static let secondPort = 20002
    static let isLoading = ProbeVerdict.failed(reason: "connection refused")

    func blocked(_ message: String, _ from: Int = 1, _ to: Int = 2) -> ModelCondition {
        ModelCondition(
            .ready, "BlockedByFailedLoad: generation \(to) has failed: \(message); generation \(from) serves")
    }

    /// Waits until exactly one server is left, and predictions go to it.
    func untilAlone(_ command: String, _ world: World, _ routes: RecordingRoutes) async throws {
        try await eventually("\(command) alone serves") {
            world.runtime.commands(.a) == [command] && routes.target(.a).instance == world.runtime.running(.a).first
        }
    }

    @Test func theFormerServesUntilTheNextIsReady() async throws {
        try await Self.serving { world, controller, routes, first in
            world.prober.answer(Self.isLoading, onPort: Self.secondPort)
            let served = routes.history.count
            try await world.define([.a: Self.spec("two")], in: controller)
            try await eventually("both run") { world.runtime.running(.a).count == 2 }
            await controller.look(at: [.a])
            #expect(routes.target(.a).instance == first)
            let condition = try await world.condition(of: .a)
            #expect(condition == ModelCondition(.ready, "generation 1 serves until generation 2 is ready"))
            let isDone = try await controller.wait(for: .ready, of: .a, timeout: .zero).reached
            #expect(!isDone)

            world.prober.answer(nil, onPort: Self.secondPort)
            world.time.advance(by: 1)
            try await untilAlone("two", world, routes)
            #expect(world.runtime.stopped == [first])
            // Not for a moment had predictions nowhere to go.
            #expect(routes.history.dropFirst(served).allSatisfy { $0.isToInstance })
            let after = try await controller.wait(for: .ready, of: .a, timeout: .zero)
            #expect(after.reached)
            #expect(after.condition == ModelCondition(.ready))
        }
    }

    /// Neither is the former one asked, nor is it judged, as the next one is to be.
    @Test func anEditTakesEffectAsAWhole() async throws {
        let probe = { @Sendable (path: String) in
            var probe = ProbeSpec()
            probe.path = path
            return ReadinessSpec.http(probe)
        }
        let old = Self.spec("one") { $0.readiness = probe("/old") }
        try await Self.serving(old) { world, controller, routes, first in
            world.prober.answer(Self.isLoading, onPort: Self.secondPort)
            let edited = Self.spec("two") { spec in
                spec.endpoint = "/v2/predict"
                spec.readiness = probe("/new")
            }
            try await world.define([.a: edited], in: controller)
            try await eventually("both run") { world.runtime.running(.a).count == 2 }
            await controller.look(at: [.a])
            #expect(routes.route(.a)?.endpoint == "/predict")
            let instances = try #require(try await world.store.model(.a)?.instances)
            #expect(instances.map { controller.effectiveSpec(of: $0)?.readiness } == [probe("/old"), probe("/new")])

            world.prober.answer(nil, onPort: Self.secondPort)
            world.time.advance(by: 1)
            try await untilAlone("two", world, routes)
            #expect(routes.route(.a)?.endpoint == "/v2/predict")
        }
        // The next controller knows it, too.
        let world = World()
        try await Self.serving(old, in: world) { world, controller, _, _ in
            world.prober.answer(Self.isLoading, onPort: Self.secondPort)
            try await world.define([.a: Self.spec("two") { $0.endpoint = "/v2/predict" }], in: controller)
            try await eventually("both run") { world.runtime.running(.a).count == 2 }
        }
        try await world.run { _, routes in
            await routes.wait(for: .a) { $0.isInstance }
            #expect(routes.route(.a)?.endpoint == "/predict")
        }
    }

    /// What serves on is asked as it was asked last, though it was launched for a revision before that.
    @Test func whatServedATakenBackEditIsAskedAsThatSaid() async throws {
        let world = World()
        let asked = { @Sendable (command: String, timeout: Seconds) in Self.spec(command) { $0.timeout = timeout } }
        try await Self.serving(asked("one", 1), in: world) { world, controller, routes, first in
            for port in 20002...20005 { world.prober.answer(Self.isLoading, onPort: port) }
            try await world.define([.a: asked("two", 1)], in: controller)
            try await eventually("two is loading") { world.runtime.commands(.a) == ["one", "two"] }
            try await world.define([.a: asked("one", 2)], in: controller)
            try await untilAlone("one", world, routes)
            await controller.look(at: [.a])
            #expect(routes.route(.a)?.timeout == 2)
            try await world.define([.a: asked("three", 3)], in: controller)
            try await eventually("three is loading") { world.runtime.commands(.a) == ["one", "three"] }
            await controller.look(at: [.a])
            #expect(routes.target(.a).instance == first)
            #expect(routes.route(.a)?.timeout == 2)
        }
        // The next controller knows it, too.
        try await world.run { _, routes in
            await routes.wait(for: .a) { $0.isInstance }
            #expect(routes.route(.a)?.timeout == 2)
        }
    }

    /// The route is recorded before it is published, and published before what it leads away from is ended.
    @Test func theRouteIsFlippedInOneStep() async throws {
        try await Self.serving { world, controller, routes, first in
            try await world.define([.a: Self.spec("two")], in: controller)
            await routes.wait(for: .a) { $0.isInstance && $0.instance != first }
            let routed = world.store.allInstances.filter(\.isRouted)
            #expect(routed.map(\.id) == [routes.target(.a).instance])
            #expect(routed.allSatisfy { $0.phase == .ready })
            try await untilAlone("two", world, routes)
        }
    }

    @Test(arguments: [
        InMemoryRuntime.Habit.exitsAtOnce(code: 1, log: []), .cannotBeExecuted, .cannotBePrepared(.terminal),
    ])
    func theFormerServesOnWhereTheNextFails(_ habit: InMemoryRuntime.Habit) async throws {
        try await Self.serving { world, controller, routes, first in
            world.runtime.setHabit(habit, ofCommand: "bad")
            let served = routes.history.count
            try await world.define([.a: Self.spec("bad")], in: controller)
            try await eventually("the new one has failed") {
                try await world.condition(of: .a)?.reason?.hasPrefix("BlockedByFailedLoad: generation 2") == true
            }
            await controller.look(at: [.a])
            #expect(routes.target(.a).instance == first)
            #expect(routes.history.dropFirst(served).allSatisfy { $0.isToInstance })
            let model = try #require(try await world.store.model(.a)?.model)
            // It is on demand; what has failed does not end what it is loaded for.
            #expect(model.isDemanded)
            let transition = Transition(of: model, instances: world.store.allInstances.filter(\.phase.isLive))
            #expect(transition?.state == .blocked)

            // The next good edit proceeds at once.
            try await world.define([.a: Self.spec("good")], in: controller)
            try await untilAlone("good", world, routes)
            #expect(try await world.store.model(.a)?.model.backoff == nil)
            #expect(routes.history.dropFirst(served).allSatisfy { $0.isToInstance })
        }
    }

    @Test func nothingIsRememberedOfWhatHasEnded() async throws {
        try await Self.serving { world, controller, routes, first in
            for edit in ["two", "three"] {
                try await world.define([.a: Self.spec(edit)], in: controller)
                try await untilAlone(edit, world, routes)
                try await eventually("the former one is gone") {
                    try await world.store.model(.a)?.instances.count == 1
                }
            }
            let last = world.runtime.running(.a)
            #expect(controller.state.withLock { Array($0.formerSpecs.keys) + $0.lastProbe.keys } == [])
            #expect(controller.state.withLock { Array($0.lastUse.keys) } == last)
        }
        // Nor of what was found to have ended when it could be asked again.
        let world = World()
        try await Self.serving(in: world) { world, controller, routes, _ in
            world.prober.answer(Self.isLoading, onPort: Self.secondPort)
            try await world.define([.a: Self.spec("two")], in: controller)
            try await eventually("both run") { world.runtime.running(.a).count == 2 }
        }
        let first = try #require(world.store.allInstances.first?.id)
        world.runtime.setUnreadable(first, true)
        try await world.run { controller, _ in
            try await eventually("it is remembered") { controller.state.withLock { $0.formerSpecs[first] != nil } }
            await controller.look(at: [.a])
            world.runtime.crash(first)
            world.runtime.setUnreadable(first, false)
            try await eventually("it is gone") {
                world.time.advance(by: 10)
                return try await world.store.model(.a)?.instances.contains { $0.id == first } == false
            }
            #expect(controller.state.withLock(\.formerSpecs).isEmpty)
        }
    }

    @Test func aFailureThatIsFinalEndsAWait() async throws {
        try await Self.serving { world, controller, _, _ in
            world.runtime.setHabit(.cannotBeExecuted, ofCommand: "bad")
            try await world.define([.a: Self.spec("bad")], in: controller)
            let outcome = try await controller.wait(for: .ready, of: .a, timeout: .seconds(1000))
            #expect(!outcome.reached)
            #expect(outcome.condition == blocked("command not found"))
        }
    }

    @Test func aRetryFinallySucceeds() async throws {
        try await Self.serving { world, controller, routes, first in
            world.runtime.setHabit(.exitsAtOnce(code: 1, log: []), ofCommand: "two")
            try await world.define([.a: Self.spec("two")], in: controller)
            for failures in 2...5 {
                try await eventually("it has failed \(failures) times") {
                    try await world.store.model(.a)?.model.backoff?.failures == failures
                }
                #expect(routes.target(.a).instance == first)
                if failures == 5 { world.runtime.setHabit(.runs, ofCommand: "two") }
                await controller.look(at: [.a])
                world.time.advance(by: 75)
            }
            try await untilAlone("two", world, routes)
            #expect(world.runtime.launches(of: .a) == 7)
        }
    }

    @Test func whatIsNeverReadyIsGivenUp() async throws {
        try await Self.serving { world, controller, routes, first in
            // It is tried again at once, on the next port.
            for port in 20002...20003 { world.prober.answer(Self.isLoading, onPort: port) }
            try await world.define([.a: Self.spec("two") { $0.startTimeout = 30 }], in: controller)
            try await eventually("both run") { world.runtime.running(.a).count == 2 }
            await controller.look(at: [.a])
            world.time.advance(by: 31)
            try await eventually("the new one has failed") {
                try await world.store.model(.a)?.model.backoff?.failures == 1
            }
            let reason = try #require(try await world.condition(of: .a)?.reason)
            #expect(reason.contains("not ready within start_timeout (30s); the last probe said: connection refused"))
            #expect(routes.target(.a).instance == first)
            try await eventually("it is tried again") { world.runtime.launches(of: .a) == 3 }
            await controller.look(at: [.a])
            world.prober.answer(nil, onPort: 20003)
            world.time.advance(by: 1)
            try await untilAlone("two", world, routes)
        }
    }

    @Test func aSlowDrainDelaysNothing() async throws {
        try await Self.serving { world, controller, routes, first in
            routes.setActivity(InstanceActivity(inFlight: 1), of: first)
            try await world.define([.a: Self.spec("two")], in: controller)
            await routes.wait(for: .a) { $0.isInstance && $0.instance != first }
            try await eventually("the first is being drained") {
                world.store.allInstances.first?.phase == .draining
            }
            try await world.define([.a: Self.spec("three")], in: controller)
            try await eventually("the third serves") {
                routes.target(.a).instance == world.store.allInstances.last?.id
                    && world.runtime.commands(.a) == ["one", "three"]
            }
            #expect(!world.runtime.stopped.contains(first))
            routes.setActivity(InstanceActivity(), of: first)
            try await untilAlone("three", world, routes)
        }
    }

    /// What still answers one long request keeps nobody else waiting.
    @Test func aSuccessorThatDiesDuringTheDrainIsStartedAgainAtOnce() async throws {
        try await Self.serving { world, controller, routes, first in
            routes.setActivity(InstanceActivity(inFlight: 1), of: first)
            try await world.define([.a: Self.spec("two")], in: controller)
            await routes.wait(for: .a) { $0.isInstance && $0.instance != first }
            try await eventually("the first is being drained") {
                world.store.allInstances.first?.phase == .draining
            }
            let second = try #require(routes.target(.a).instance)
            world.runtime.crash(second)
            try await eventually("another one serves") {
                // Asked for again and again, as by callers: what was asked for before the end counts no longer.
                controller.demand(.a)
                return routes.target(.a).instance.map { $0 != first && $0 != second } == true
            }
            #expect(world.runtime.commands(.a) == ["one", "two"])
            #expect(!world.runtime.stopped.contains(first))
            routes.setActivity(InstanceActivity(), of: first)
            try await untilAlone("two", world, routes)
        }
    }

    @Test func ofSeveralEditsTheLastCounts() async throws {
        try await Self.serving { world, controller, routes, first in
            for port in 20002...20010 { world.prober.answer(Self.isLoading, onPort: port) }
            for number in 2...5 {
                try await world.define([.a: Self.spec("\(number)")], in: controller)
                try await eventually("\(number) is loading") {
                    world.runtime.commands(.a) == ["\(number)", "one"]
                }
                #expect(routes.target(.a).instance == first)
            }
            for port in 20002...20010 { world.prober.answer(nil, onPort: port) }
            world.time.advance(by: 1)
            try await untilAlone("5", world, routes)
            #expect(world.runtime.mostAtOnce(.a) <= 3)
        }
    }

    @Test func anEditThatIsTakenBackCostsNothing() async throws {
        try await Self.serving { world, controller, routes, first in
            world.prober.answer(Self.isLoading, onPort: Self.secondPort)
            try await world.define([.a: Self.spec("two")], in: controller)
            try await eventually("both run") { world.runtime.running(.a).count == 2 }
            try await world.define([.a: Self.spec("one")], in: controller)
            try await untilAlone("one", world, routes)
            #expect(routes.target(.a).instance == first)
            #expect(world.runtime.launches(of: .a) == 2)
            let outcome = try await controller.wait(for: .ready, of: .a, timeout: .zero)
            #expect(outcome.reached)
            #expect(outcome.condition == ModelCondition(.ready))
            // A restart means it all the same.
            try await controller.restart(.a, by: "ann")
            await routes.wait(for: .a) { $0.isInstance && $0.instance != first }
            try await untilAlone("one", world, routes)
        }
    }

    @Test func theFormersEndIsNoFailureOfTheNext() async throws {
        try await Self.serving { world, controller, routes, first in
            world.prober.answer(Self.isLoading, onPort: Self.secondPort)
            try await world.define([.a: Self.spec("two")], in: controller)
            try await eventually("both run") { world.runtime.running(.a).count == 2 }
            world.runtime.crash(first)
            await routes.wait(for: .a) { $0.isCold(.starting) }
            let model = try #require(try await world.store.model(.a)?.model)
            #expect(model.isDemanded)
            #expect(model.backoff == nil)
            world.prober.answer(nil, onPort: Self.secondPort)
            world.time.advance(by: 1)
            try await untilAlone("two", world, routes)
        }
    }

    /// A load that was outdated when its end was seen is no failure of what its callers wait for now.
    @Test(arguments: [true, false]) func anOutdatedLoadEndsNoDemand(isRestarted: Bool) async throws {
        let world = World()
        world.prober.answer(Self.isLoading, onPort: 20001)
        try await world.define([.a: Self.spec("bad")])
        try await world.run { controller, routes in
            controller.demand(.a)
            try await eventually("it is loading") { world.runtime.commands(.a) == ["bad"] }
            await controller.look(at: [.a])
            // Accepted, and not looked at before the former one has ended.
            if isRestarted {
                try await world.store.commit(.restart(.a, by: "ann"), at: world.time.now())
            } else {
                try await world.define([.a: Self.spec("good")])
            }
            world.runtime.crash(try #require(world.runtime.running(.a).first))
            await routes.wait(for: .a) { $0.isInstance }
            try await untilAlone(isRestarted ? "bad" : "good", world, routes)
            #expect(routes.history.allSatisfy { $0.isToInstance || $0.isCold })
            #expect(try await world.store.model(.a)?.model.backoff == nil)
        }
    }

    @Test func aLaunchThatWasOutdatedBeforeItFailedEndsNoDemand() async throws {
        let world = World()
        world.runtime.setHabit(.cannotBePrepared(.terminal), ofCommand: "bad")
        try await world.define([.a: Self.spec("bad")])
        world.runtime.beforePreparing { command in
            if command == "bad" { try? await world.define([.a: Self.spec("good")]) }
        }
        try await world.run { controller, routes in
            controller.demand(.a)
            await routes.wait(for: .a) { $0.isInstance }
            try await untilAlone("good", world, routes)
            #expect(routes.history.allSatisfy { $0.isToInstance || $0.isCold })
        }
    }

    @Test func aFormerThatIsFoundDeadDoesNotEndTheNext() async throws {
        let liveness = { @Sendable (spec: inout ModelSpec) in
            spec.liveness = ProbeSpec()
            spec.liveness?.failures = 1
        }
        let world = World()
        try await Self.serving(Self.spec("one", port: 9000, liveness), in: world) { world, controller, routes, first in
            world.prober.answer(Self.isLoading, onPort: 20001)
            try await world.define([.a: Self.spec("two", liveness)], in: controller)
            try await eventually("both run") { world.runtime.running(.a).count == 2 }
            await controller.look(at: [.a])
            world.prober.answer(.answered(status: 500, address: "127.0.0.1"), onPort: 9000)
            try await eventually("the former one has ended") {
                world.time.advance(by: 10)
                return world.runtime.commands(.a) == ["two"]
            }
            #expect(try await world.store.model(.a)?.model.isDemanded == true)
            world.prober.answer(nil, onPort: 20001)
            try await eventually("the next one serves") {
                world.time.advance(by: 1)
                return routes.target(.a).instance == world.runtime.running(.a).first
            }
        }
    }

    /// How a model ends while two instances of it are there.
    enum End: CaseIterable, Sendable {
        case unloaded, held, removed, remote, shutDown
    }

    @Test(arguments: End.allCases, [false, true])
    func bothEndTogether(_ end: End, isDraining: Bool) async throws {
        try await Self.serving { world, controller, routes, first in
            if isDraining {
                routes.setActivity(InstanceActivity(inFlight: 1), of: first)
            } else {
                world.prober.answer(Self.isLoading, onPort: Self.secondPort)
            }
            try await world.define([.a: Self.spec("two")], in: controller)
            if isDraining { await routes.wait(for: .a) { $0.isInstance && $0.instance != first } }
            try await eventually("both run") { world.runtime.running(.a).count == 2 }
            switch end {
            case .unloaded: try await controller.unload(.a, hold: false, by: "ann")
            case .held: try await controller.unload(.a, hold: true, by: "ann")
            case .removed: try await world.define([:], in: controller)
            case .remote: try await world.define([.a: ModelSpec(baseURL: "http://x")], in: controller)
            case .shutDown: await controller.shutDown(keepingInstances: false)
            }
            if isDraining {
                try await eventually("the second has ended") { world.runtime.commands(.a) == ["one"] }
                #expect(!world.runtime.stopped.contains(first))
                routes.setActivity(InstanceActivity(), of: first)
            }
            try await eventually("nothing runs") { world.runtime.running(.a).isEmpty }
            if end == .shutDown { await controller.finished.wait() }
            #expect(world.runtime.launches(of: .a) == 2)
            try await eventually("nothing is left in the state") {
                try await world.store.model(.a)?.instances.isEmpty ?? true
            }
        }
    }
}

extension RouteChange {
    var isToInstance: Bool {
        if case .set(let route) = self, case .instance = route.target { true } else { false }
    }

    var key: ModelKey {
        switch self {
        case .set(let route): route.key
        case .remove(let key): key
        }
    }

    var isCold: Bool {
        if case .set(let route) = self, case .cold = route.target { true } else { false }
    }
}
