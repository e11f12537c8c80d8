import ModelCore
@testable import Reconciler
import Synchronization
import TestSupport
import Testing

/// Images whose name has come to stand for another one than runs.
@Suite(.timeLimit(.minutes(1))) struct DriftTests {
    private static let old = "registry/x:1@sha256:1"
    private static let new = "registry/x:1@sha256:2"

    /// Looks at images, and waits until what was seen is recorded.
    private func look(_ controller: Controller) async {
        await controller.lookAtImages()
        await controller.look(at: [.a, .b])
    }

    @Test(arguments: [PullPolicy?.none, .missing, .never])
    func driftIsShownAndNotActedUpon(_ policy: PullPolicy?) async throws {
        let world = World(containers: true)
        let images = world.runtime.images
        try await world.define([.a: .docker(load: .eager, pull: policy)])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isInstance }
            await look(controller)
            let found = try await world.drift(of: .a)
            #expect(found == nil)
            images.move("x:1", to: "sha256:2")
            await look(controller)
            #expect(try await world.drift(of: .a) == Self.new)
            let writes = world.store.writes
            await look(controller)
            #expect(world.store.writes == writes)
            #expect(world.runtime.launches(of: .a) == 1)
            #expect(images.questions(of: .a) == 1)
            // What cannot be told changes nothing.
            images.setUnreachable(true)
            await look(controller)
            #expect(try await world.drift(of: .a) == Self.new)
            images.setUnreachable(false)
            images.move("x:1", to: "sha256:1")
            await look(controller)
            #expect(try await world.drift(of: .a) == nil)
        }
    }

    @Test func driftEndsWithItsInstance() async throws {
        let world = World(containers: true)
        let images = world.runtime.images
        try await world.define([.a: .docker()])
        try await world.run { controller, routes in
            controller.demand(.a)
            await routes.wait(for: .a) { $0.isInstance }
            images.move("x:1", to: "sha256:2")
            await look(controller)
            #expect(try await world.drift(of: .a) == Self.new)
            try await controller.unload(.a, hold: false, by: "ann")
            await routes.wait(for: .a) { $0.isCold(.standby) }
            #expect(try await world.drift(of: .a) == nil)
        }
    }

    @Test func newImageIsRunWhereItIsToBeFollowed() async throws {
        let world = World(containers: true)
        let images = world.runtime.images
        try await world.define([.a: .docker(load: .eager, pull: .always)])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isInstance }
            let first = world.runtime.running(.a)
            images.move("x:1", to: "sha256:2")
            images.script(.underway(PullProgress(image: "x:1")), for: .a)
            await look(controller)
            // What runs serves on while the new one is fetched.
            #expect(routes.target(.a).instance == first.first)
            let found = try await world.condition(of: .a)
            #expect(found == ModelCondition(.ready, "pulling x:1"))
            #expect(world.store.pulls.map(\.cause) == ["image: sha256:1 → sha256:2"])
            // It is fetched once: a start that asked once more would wait without end.
            images.script(.ready(image: Self.new), .underway(PullProgress(image: "x:1")), for: .a)
            images.wake(.a)
            await routes.wait(for: .a) { $0.isInstance && $0.instance != first.first }
            #expect(world.store.allInstances.map(\.image) == [Self.old, Self.new])
            #expect(world.store.allInstances.map(\.generation) == [1, 2])
            try await eventually("the former one has ended") { world.runtime.running(.a).count == 1 }
            #expect(world.store.allInstances.first?.stopCause == "image: sha256:1 → sha256:2")
            try await eventually("drift is forgotten") { try await world.drift(of: .a) == nil }
            #expect(world.store.pulls.map(\.outcome) == [.succeeded])
        }
    }

    /// What serves is replaced for the same reason in the end, however many tries that takes.
    @Test func newImageIsTheCauseEvenWhereItsFirstTriesFail() async throws {
        let world = World(containers: true)
        let images = world.runtime.images
        try await world.define([.a: .docker(load: .eager, pull: .always)])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isInstance }
            let first = world.runtime.running(.a)
            world.runtime.setHabit(.exitsAtOnce(code: 1, log: []), of: .a)
            images.move("x:1", to: "sha256:2")
            await look(controller)
            try await eventually("it has failed twice") {
                try await world.store.model(.a)?.model.backoff?.failures == 2
            }
            #expect(routes.target(.a).instance == first.first)
            world.runtime.setHabit(.runs, of: .a)
            world.time.advance(by: 60)
            await routes.wait(for: .a) { $0.isInstance && $0.instance != first.first }
            try await eventually("the former one has ended") { world.runtime.running(.a).count == 1 }
            #expect(world.store.allInstances.first?.stopCause == "image: sha256:1 → sha256:2")
            try await eventually("drift is forgotten") { try await world.drift(of: .a) == nil }
        }
    }

    @Test func newImageThatCannotBePulledLeavesWhatRuns() async throws {
        let world = World(containers: true)
        let images = world.runtime.images
        try await world.define([.a: .docker(load: .eager, pull: .always)])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isInstance }
            let first = world.runtime.running(.a)
            images.move("x:1", to: "sha256:2")
            let failure = LoadFailure(.terminal, "denied", at: world.time.now())
            images.script(.underway(PullProgress(image: "x:1")), .failed(failure), for: .a)
            await look(controller)
            images.wake(.a)
            while world.store.pulls.map(\.outcome) != [.failed("denied")] { await Task.yield() }
            await controller.look(at: [.a])
            let questions = images.questions(of: .a)
            for _ in 0..<3 { await controller.look(at: [.a]) }
            #expect(routes.target(.a).instance == first.first)
            #expect(try await world.condition(of: .a) == ModelCondition(.ready))
            let model = try await world.store.model(.a)?.model
            #expect(model?.backoff == nil)
            #expect(images.questions(of: .a) == questions)
            // The next look tries again.
            images.script(.ready(image: Self.new), for: .a)
            await look(controller)
            await routes.wait(for: .a) { $0.isInstance && $0.instance != first.first }
        }
    }

    /// The policy of the daemon, or the disk: what must not be launched is not even fetched.
    @Test func newImageThatMustNotBeLaunchedIsNotAskedForAndLeavesWhatRuns() async throws {
        let world = World(containers: true)
        let images = world.runtime.images
        try await world.define([.a: .docker(load: .eager, pull: .always)])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isInstance }
            let first = world.runtime.running(.a)
            world.setObstacle("images of x are not allowed by the policy of this daemon")
            images.move("x:1", to: "sha256:2")
            await look(controller)
            await controller.look(at: [.a])
            #expect(try await world.drift(of: .a) == Self.new)
            #expect(images.questions(of: .a) == 1)
            #expect(world.store.pulls == [])
            #expect(controller.state.withLock(\.following).isEmpty)
            #expect(routes.target(.a).instance == first.first)
            let model = try await world.store.model(.a)?.model
            #expect(model?.generation == 1 && model?.backoff == nil)
            #expect(try await world.condition(of: .a) == ModelCondition(.ready))
            // Once it may, the next look follows.
            world.setObstacle(nil)
            await look(controller)
            await routes.wait(for: .a) { $0.isInstance && $0.instance != first.first }
            #expect(world.store.allInstances.map(\.image) == [Self.old, Self.new])
        }
    }

    @Test func imageThatMovedBackMeanwhileIsNotRunAnew() async throws {
        let world = World(containers: true)
        let images = world.runtime.images
        try await world.define([.a: .docker(load: .eager, pull: .always)])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isInstance }
            images.move("x:1", to: "sha256:2")
            images.script(.ready(image: Self.old), for: .a)
            await look(controller)
            #expect(try await world.drift(of: .a) == nil)
            let model = try await world.store.model(.a)?.model
            #expect(model?.generation == 1)
            #expect(world.runtime.launches(of: .a) == 1)
        }
    }

    @Test func unloadEndsThePullOfANewImage() async throws {
        let world = World(containers: true)
        let images = world.runtime.images
        try await world.define([.a: .docker(pull: .always)])
        try await world.run { controller, routes in
            controller.demand(.a)
            await routes.wait(for: .a) { $0.isInstance }
            images.move("x:1", to: "sha256:2")
            images.script(.underway(PullProgress(image: "x:1")), for: .a)
            await look(controller)
            #expect(world.store.pulls.map(\.outcome) == [.open])
            try await controller.unload(.a, hold: true, by: "ann")
            await routes.wait(for: .a) { $0.unavailability?.code == "model_held" }
            #expect(world.store.pulls.map(\.outcome) == [.failed("unloaded by ann")])
            #expect(controller.state.withLock(\.following).isEmpty)
        }
    }

    @Test func imagesAreLookedAtNowAndThenAndWhenSomebodyApplies() async throws {
        let world = World(containers: true)
        let images = world.runtime.images
        try await world.define([.a: .docker(load: .eager)])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isInstance }
            #expect(images.looks == 0)
            world.time.advance(by: Controller.driftInterval)
            while images.looks < 1 { await Task.yield() }
            // Every apply of an operator; not what is read again by itself.
            _ = try await controller.apply(root: World.root, removalGuard: RemovalGuard(), follows: true)
            await controller.look(at: [.a])
            #expect(images.looks == 1)
            _ = try await controller.apply(root: World.root, removalGuard: RemovalGuard())
            while images.looks < 2 { await Task.yield() }
            await controller.rescanOnce()
            while images.looks < 3 { await Task.yield() }
        }
    }

    @Test func processesHaveNoImage() async throws {
        let world = World(containers: true)
        let images = world.runtime.images
        try await world.define([.a: .local(load: .eager)])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isInstance }
            await look(controller)
            #expect(images.looks == 0)
            #expect(images.questions(of: .a) == 0)
        }
    }
}
