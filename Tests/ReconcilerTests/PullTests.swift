import ModelCore
@testable import Reconciler
import Synchronization
import TestSupport
import Testing

/// Images that are not there yet.
@Suite(.timeLimit(.minutes(1))) struct PullTests {
    static func progress(_ finished: Int = 0, of layers: Int = 7, bytes: Int64 = 0) -> PullProgress {
        PullProgress(image: "x:1", finishedLayers: finished, layers: layers, fetchedBytes: bytes, totalBytes: 700)
    }

    private static let image = "registry/x:1@sha256:1"

    @Test func modelIsStartedFromTheImageOnceThatIsThere() async throws {
        let world = World(containers: true)
        let images = world.runtime.images
        images.script(.underway(Self.progress(3, bytes: 300)), for: .a)
        try await world.define([.a: .docker(load: .eager)])
        try await world.run { _, routes in
            await routes.wait(for: .a) { $0.isCold(.pulling) }
            #expect(
                try await world.condition(of: .a)
                    == ModelCondition(.pulling, "pulling x:1: 3 of 7 layers, 300B of 700B"))
            #expect(world.store.allInstances == [])
            world.time.advance(by: 3600)
            images.tell(.ready(image: Self.image), to: .a)
            await routes.wait(for: .a) { $0.isInstance }
            let instance = try #require(world.store.allInstances.first)
            #expect(instance.image == Self.image)
            #expect(instance.containerID == "container-\(instance.id)")
            // The hour is not the load's.
            let model = try await world.store.model(.a)?.model
            #expect(model?.loads?.last == .zero)
            #expect(try await world.pull(of: .a) == nil)
            #expect(world.store.pulls.map(\.outcome) == [.succeeded])
            #expect(world.store.pulls.map(\.cause) == ["load: eager"])
        }
    }

    @Test func callersAreHeldForThePull() async throws {
        let world = World(containers: true)
        let images = world.runtime.images
        images.script(.underway(Self.progress()), for: .a)
        try await world.define([.a: .docker()])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isCold(.standby) }
            controller.demand(.a)
            await routes.wait(for: .a) { $0.isCold(.pulling) }
            images.tell(.ready(image: Self.image), to: .a)
            await routes.wait(for: .a) { $0.isInstance }
            #expect(!routes.history.contains { $0.isUnavailable })
            #expect(world.store.pulls.map(\.cause) == ["demanded by request"])
        }
    }

    @Test func pullHoldsNoSlot() async throws {
        let world = World(containers: true)
        let images = world.runtime.images
        images.script(.underway(Self.progress()), for: .a)
        try await world.define([.a: .docker(load: .eager)])
        try await world.run(startSlots: 1) { controller, routes in
            await routes.wait(for: .a) { $0.isCold(.pulling) }
            try await world.define([.a: .docker(load: .eager), .b: .local(load: .eager)], in: controller)
            await routes.wait(for: .b) { $0.isInstance }
            #expect(routes.target(.a).isCold(.pulling))
            #expect(controller.state.withLock(\.waitingForRoom).isEmpty)
        }
    }

    @Test func failedPullIsTriedAgainAfterABackoff() async throws {
        let world = World(containers: true)
        let images = world.runtime.images
        let failure = LoadFailure(.retryable, "registry does not answer", at: world.time.now())
        images.script(.underway(Self.progress()), for: .a)
        try await world.define([.a: .docker(load: .eager)])
        try await world.run { _, routes in
            await routes.wait(for: .a) { $0.isCold(.pulling) }
            images.tell(.failed(failure), to: .a)
            await routes.wait(for: .a) { $0.unavailability?.code == "model_backoff" }
            let found = try await world.condition(of: .a)
            #expect(found == ModelCondition(.backoff, "registry does not answer"))
            #expect(world.store.pulls.map(\.outcome) == [.failed("registry does not answer")])
            // The first failure is tried again at once.
            #expect(try await world.store.model(.a)?.model.backoff?.failures == 2)
            images.script(.underway(Self.progress()), for: .a)
            world.time.advance(by: 60)
            await routes.wait(for: .a) { $0.isCold(.pulling) }
            images.tell(.ready(image: Self.image), to: .a)
            await routes.wait(for: .a) { $0.isInstance }
            #expect(world.store.pulls.count == 2)
            #expect(world.store.pulls.last?.cause == "try 3 after: registry does not answer")
        }
    }

    @Test func imageThatDoesNotExistIsFinal() async throws {
        let world = World(containers: true)
        let images = world.runtime.images
        let failure = LoadFailure(.terminal, "x:1 does not exist", at: world.time.now())
        images.script(.underway(Self.progress()), for: .a)
        try await world.define([.a: .docker()])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isCold(.standby) }
            try await controller.load(.a, by: "ann")
            await routes.wait(for: .a) { $0.isCold(.pulling) }
            async let outcome = controller.wait(for: .ready, of: .a, timeout: .seconds(1000))
            images.tell(.failed(failure), to: .a)
            let end = try await outcome
            #expect(end.condition == ModelCondition(.failed, "x:1 does not exist"))
            #expect(!end.reached)
            await routes.wait(for: .a) { $0.unavailability?.code == "model_failed" }
            let questions = images.questions(of: .a)
            for _ in 0..<3 { await controller.look(at: [.a]) }
            #expect(images.questions(of: .a) == questions)
            // `load` tries it again at once.
            images.script(.ready(image: Self.image), for: .a)
            try await controller.load(.a, by: "ann")
            await routes.wait(for: .a) { $0.isInstance }
        }
    }

    @Test func unloadDuringThePullAnswersCallers() async throws {
        let world = World(containers: true)
        let images = world.runtime.images
        images.script(.underway(Self.progress()), for: .a)
        try await world.define([.a: .docker()])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isCold(.standby) }
            controller.demand(.a)
            await routes.wait(for: .a) { $0.isCold(.pulling) }
            try await controller.unload(.a, hold: false, by: "ann")
            await routes.wait(for: .a) { $0.isCold(.standby) }
            #expect(
                routes.history.contains {
                    if case .set(let route) = $0 {
                        Optional(route.target).unavailability?.message.contains("unloaded by ann") == true
                    } else {
                        false
                    }
                })
            let condition = try await world.condition(of: .a)
            #expect(condition?.state == .standby)
            // Callers are told before that is recorded.
            try await eventually("the pull is left") {
                world.store.pulls.map(\.outcome) == [.failed("nothing demands the model any more")]
            }
            #expect(!images.isAsking(.a))
            // What comes for nobody starts nothing.
            images.tell(.ready(image: Self.image), to: .a)
            await controller.look(at: [.a])
            #expect(world.store.allInstances == [])
        }
    }

    /// How a model leaves its pull, and what is recorded of that.
    enum Leave: CaseIterable, Sendable {
        case held, removed, remote, process, shutdown

        var reason: String {
            switch self {
            case .held: "unloaded by ann"
            case .removed: "the model was removed from its manifest"
            case .remote: "the model has no source any more"
            case .process: ""
            case .shutdown: "modelet is shutting down"
            }
        }
    }

    @Test(arguments: Leave.allCases)
    func pullIsLeft(_ leave: Leave) async throws {
        let world = World(containers: true)
        let images = world.runtime.images
        images.script(.underway(Self.progress()), for: .a)
        try await world.define([.a: .docker(load: .eager)])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isCold(.pulling) }
            #expect(images.isAsking(.a))
            switch leave {
            case .held: try await controller.unload(.a, hold: true, by: "ann")
            case .removed: try await world.define([:], in: controller)
            case .remote: try await world.define([.a: ModelSpec(baseURL: "http://x")], in: controller)
            case .process: try await world.define([.a: .local(load: .eager)], in: controller)
            case .shutdown: await controller.shutDown(keepingInstances: false)
            }
            await controller.look(at: [.a])
            #expect(try await world.pull(of: .a) == nil)
            let outcome: InMemoryPull.Outcome = leave == .process ? .succeeded : .failed(leave.reason)
            #expect(world.store.pulls.map(\.outcome) == [outcome])
            if leave == .process { await routes.wait(for: .a) { $0.isInstance } }
            await controller.look(at: [.a])
            #expect(!images.isAsking(.a))
        }
    }

    @Test func editOfTheImageBeginsAnotherPull() async throws {
        let world = World(containers: true)
        let images = world.runtime.images
        images.script(.underway(Self.progress()), for: .a)
        try await world.define([.a: .docker(load: .eager)])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isCold(.pulling) }
            images.script(.underway(PullProgress(image: "x:2")), for: .a)
            try await world.define([.a: .docker("x:2", load: .eager)], in: controller)
            await controller.look(at: [.a])
            let pull = try await world.pull(of: .a)
            #expect(pull?.image == "x:2")
            #expect(
                world.store.pulls.map(\.outcome) == [.failed("its manifest names another image now"), .open])
            // Another command needs no other image.
            try await world.define([.a: .docker("x:2", load: .eager, command: ["serve"])], in: controller)
            await controller.look(at: [.a])
            #expect(world.store.pulls.count == 2)
            images.tell(.ready(image: "registry/x:2@sha256:2"), to: .a)
            await routes.wait(for: .a) { $0.isInstance }
            #expect(world.store.allInstances.map(\.image) == ["registry/x:2@sha256:2"])
        }
    }

    @Test func whatServesGoesOnUntilItsSuccessorsImageIsThere() async throws {
        let world = World(containers: true)
        let images = world.runtime.images
        try await world.define([.a: .docker()])
        try await world.run { controller, routes in
            controller.demand(.a)
            await routes.wait(for: .a) { $0.isInstance }
            let first = world.runtime.running(.a)
            images.script(.underway(PullProgress(image: "x:2")), for: .a)
            try await world.define([.a: .docker("x:2")], in: controller)
            await controller.look(at: [.a])
            #expect(routes.target(.a).instance == first.first)
            let found = try await world.condition(of: .a)
            #expect(found == ModelCondition(.ready, "generation 1 serves: pulling x:2"))
            #expect(world.store.pulls.map(\.cause) == ["image: x:1 → x:2"])
            // Who waits for the edit is not told that it is done.
            let isDone = try await controller.wait(for: .ready, of: .a, timeout: .zero).reached
            #expect(!isDone)
            images.tell(.ready(image: "registry/x:2@sha256:2"), to: .a)
            await routes.wait(for: .a) { $0.isInstance && $0.instance != first.first }
            #expect(world.store.pulls.map(\.outcome) == [.succeeded])
            try await eventually("the former one has ended") { world.runtime.running(.a).count == 1 }
            #expect(world.store.allInstances.map(\.stopCause) == ["image: x:1 → x:2", nil])
            #expect(world.store.allInstances.last?.image == "registry/x:2@sha256:2")
        }
    }

    @Test func whatServesGoesOnWhereItsSuccessorsImageCannotBeHad() async throws {
        let world = World(containers: true)
        let images = world.runtime.images
        let failure = LoadFailure(.terminal, "x:2 does not exist", at: world.time.now())
        try await world.define([.a: .docker(load: .eager)])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isInstance }
            let first = world.runtime.running(.a)
            images.script(.underway(PullProgress(image: "x:2")), for: .a)
            try await world.define([.a: .docker("x:2", load: .eager)], in: controller)
            await controller.look(at: [.a])
            async let outcome = controller.wait(for: .ready, of: .a, timeout: .seconds(1000))
            images.tell(.failed(failure), to: .a)
            let end = try await outcome
            #expect(
                end.condition
                    == ModelCondition(
                        .ready, "BlockedByFailedLoad: generation 2 has failed: x:2 does not exist; generation 1 serves")
            )
            #expect(!end.reached)
            let questions = images.questions(of: .a)
            for _ in 0..<3 { await controller.look(at: [.a]) }
            #expect(routes.target(.a).instance == first.first)
            #expect(world.store.pulls.map(\.outcome) == [.failed("x:2 does not exist")])
            #expect(images.questions(of: .a) == questions)
            // Mended in the manifest.
            images.script(.ready(image: "registry/x:3@sha256:3"), for: .a)
            try await world.define([.a: .docker("x:3", load: .eager)], in: controller)
            await routes.wait(for: .a) { $0.isInstance && $0.instance != first.first }
            // Back to what runs: nothing to do.
            #expect(world.runtime.launches(of: .a) == 2)
        }
    }

    @Test func everyModelOfAnImageWaitsForItself() async throws {
        let world = World(containers: true)
        let images = world.runtime.images
        for key in [ModelKey.a, .b] { images.script(.underway(Self.progress()), for: key) }
        try await world.define([.a: .docker(load: .eager), .b: .docker(load: .eager)])
        try await world.run { controller, routes in
            for key in [ModelKey.a, .b] { await routes.wait(for: key) { $0.isCold(.pulling) } }
            try await controller.unload(.a, hold: true, by: "ann")
            await routes.wait(for: .a) { $0.unavailability?.code == "model_held" }
            images.tell(.ready(image: Self.image), to: .b)
            await routes.wait(for: .b) { $0.isInstance }
            #expect(world.store.allInstances.map(\.key) == [.b])
        }
    }

    @Test func pullThatWasCutShortWithItsControllerIsClosedAndBegunAnew() async throws {
        let world = World(containers: true)
        let images = world.runtime.images
        images.script(.underway(Self.progress()), for: .a)
        try await world.define([.a: .docker()])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isCold(.standby) }
            controller.demand(.a)
            await routes.wait(for: .a) { $0.isCold(.pulling) }
        }
        #expect(try await world.pull(of: .a) != nil)
        try await world.adopt()
        #expect(try await world.pull(of: .a) == nil)
        #expect(world.store.pulls.map(\.outcome) == [.failed("cut short by the end of modelet")])
        try await world.run { _, routes in
            await routes.wait(for: .a) { $0.isCold(.pulling) }
            images.tell(.ready(image: Self.image), to: .a)
            await routes.wait(for: .a) { $0.isInstance }
            #expect(world.store.pulls.map(\.outcome).last == .succeeded)
        }
    }

    /// A pull of `pull: always` is told once: a start that waits for room afterwards must not begin another one.
    @Test func imageThatWasGotIsKeptForTheStartThatWaitsForRoom() async throws {
        let world = World(containers: true)
        let images = world.runtime.images
        images.script(.underway(Self.progress()), for: .a)
        try await world.define([.a: .docker(load: .eager, pull: .always), .b: .local(load: .eager, port: 9000)])
        world.prober.answer(.failed(reason: "connection refused"), onPort: 9000)
        try await world.run(startSlots: 1) { controller, routes in
            await routes.wait(for: .b) { $0.isCold(.starting) }
            await routes.wait(for: .a) { $0.isCold(.pulling) }
            // Who asked for it once more would wait without end.
            images.script(.ready(image: Self.image), .underway(Self.progress(1)), for: .a)
            images.wake(.a)
            await routes.wait(for: .a) { $0.isCold(.pending) }
            for _ in 0..<3 { await controller.look(at: [.a]) }
            world.prober.answer(nil, onPort: 9000)
            world.time.advance(by: 1)
            await routes.wait(for: .a) { $0.isInstance }
            #expect(world.store.pulls.map(\.outcome) == [.succeeded])
        }
    }

    @Test func progressIsWrittenOnceASecondAndToldEveryFive() async throws {
        let world = World(containers: true)
        let images = world.runtime.images
        images.script(.underway(Self.progress()), for: .a)
        try await world.define([.a: .docker(load: .eager)])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isCold(.pulling) }
            await controller.look(at: [.a])
            let writes = world.store.writes
            for count in 1...20 {
                images.script(.underway(Self.progress(1, bytes: Int64(count))), for: .a)
                await controller.look(at: [.a])
            }
            #expect(world.store.writes == writes)
            // The latest is not lost where nothing wakes the model any more.
            world.time.advance(by: 1)
            await untilPull(in: world, is: Self.progress(1, bytes: 20))
            #expect(world.store.writes == writes + 1)
            await controller.look(at: [.a])
            #expect(world.store.writes == writes + 1)
            #expect(world.store.pulls.map(\.news) == [[Self.progress()]])
            world.time.advance(by: 4)
            images.script(.underway(Self.progress(1, bytes: 30)), for: .a)
            await controller.look(at: [.a])
            #expect(world.store.pulls.map(\.news) == [[Self.progress(), Self.progress(1, bytes: 30)]])
            // No layer more: no event.
            world.time.advance(by: 10)
            images.script(.underway(Self.progress(1, bytes: 40)), for: .a)
            await controller.look(at: [.a])
            let found = try await world.pull(of: .a)
            #expect(found == Self.progress(1, bytes: 40))
            #expect(world.store.pulls.map(\.news.count) == [2])
        }
    }

    private func untilPull(in world: World, is progress: PullProgress) async {
        while (try? await world.pull(of: .a)) != progress { await Task.yield() }
    }

    @Test func obstacleOnTheDiskIsFoundBeforeAnythingIsPulled() async throws {
        let world = World(containers: true)
        let images = world.runtime.images
        world.setObstacle("a volume is missing")
        images.script(.underway(Self.progress()), for: .a)
        try await world.define([.a: .docker(load: .eager)])
        try await world.run { _, routes in
            await routes.wait(for: .a) { $0.unavailability?.message == "a volume is missing" }
            #expect(images.questions(of: .a) == 0)
        }
    }
}

extension RouteChange {
    var isUnavailable: Bool {
        if case .set(let route) = self, case .unavailable = route.target { true } else { false }
    }
}
