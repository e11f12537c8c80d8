import ModelCore
@testable import Reconciler
import Synchronization
import TestSupport
import Testing

/// Images of what takes the place of something: got before it can start, and got again for the way back.
@Suite(.timeLimit(.minutes(1))) struct PullForReplacementTests {
    // MARK: - Got in advance

    /// A world in which x:1 serves as `a`, and x:2 has been got for an edit of it whose start waits for a slot, until `b`
    /// has started.
    private func waitingForASlot(_ body: (World, Controller, RecordingRoutes) async throws -> Void) async throws {
        let world = World(containers: true)
        try await world.define([.a: Self.edit("x:1")])
        try await world.run(startSlots: 1) { controller, routes in
            await routes.wait(for: .a) { $0.isInstance }
            world.prober.answer(.failed(reason: "connection refused"), onPort: 9000)
            try await self.edit(to: Self.edit("x:1"), world, controller)
            await routes.wait(for: .b) { $0.isCold(.starting) }
            try await self.edit(to: Self.edit("x:2"), world, controller)
            #expect(controller.state.withLock { $0.waitingForRoom[.a] } != nil)
            #expect(world.runtime.images.source(askedFor: .a) == Self.edit("x:2").source)
            try await body(world, controller, routes)
        }
    }

    private static func edit(_ image: String, update: UpdatePolicy? = nil) -> ModelSpec {
        .docker(image, load: .eager, pull: .always) { $0.update = update }
    }

    /// Defines `a` anew beside `b`, and waits for the next look at it.
    private func edit(to spec: ModelSpec, _ world: World, _ controller: Controller) async throws {
        try await world.define([.a: spec, .b: .local(load: .eager, port: 9000)], in: controller)
        await controller.look(at: [.a])
    }

    /// A name may come to stand for another image before the start does come.
    @Test func imageThatWasGotForAStartThatNeverCameIsNotKept() async throws {
        try await waitingForASlot { world, controller, routes in
            let images = world.runtime.images
            try await self.edit(to: Self.edit("x:1", update: .resource), world, controller)
            world.prober.answer(nil, onPort: 9000)
            world.time.advance(by: 1)
            await routes.wait(for: .b) { $0.isInstance }
            #expect(world.runtime.launches(of: .a) == 1)
            images.move("x:2", to: "sha256:2")
            images.script(.ready(image: "registry/x:2@sha256:2"), for: .a)
            try await self.edit(to: Self.edit("x:2"), world, controller)
            try await eventually("it has been launched anew") { world.runtime.launches(of: .a) == 2 }
            #expect(world.store.allInstances.last { $0.key == .a }?.image == "registry/x:2@sha256:2")
        }
    }

    @Test func pullOfAnEditThatIsTakenBackIsEnded() async throws {
        try await waitingForASlot { world, controller, routes in
            let images = world.runtime.images
            images.script(.underway(PullProgress(image: "x:3")), for: .a)
            try await self.edit(to: Self.edit("x:3"), world, controller)
            #expect(world.store.pulls.map(\.outcome) == [.open])
            // Not waited for by `look`: what is looked at without end would never be.
            try await world.define(
                [.a: Self.edit("x:2", update: .resource), .b: .local(load: .eager, port: 9000)], in: controller)
            try await eventually("the pull is closed") {
                world.store.pulls.map(\.outcome) == [.failed("its manifest names another image now")]
            }
            world.prober.answer(nil, onPort: 9000)
            world.time.advance(by: 1)
            try await eventually("it has been launched") { world.runtime.launches(of: .a) == 2 }
            #expect(world.store.allInstances.last { $0.key == .a }?.image == "registry/x:2@sha256:1")
            // What had been got before is still good: it was not asked for again.
            #expect(images.source(askedFor: .a) == Self.edit("x:3").source)
        }
    }

    // MARK: - The way back

    /// A world in which x:1 was ready once and an edit to x:2 is about to fail for good; then `provision` holds.
    private func goingBack(
        _ provision: Provision, _ body: (World, Controller, RecordingRoutes) async throws -> Void
    ) async throws {
        let world = World(containers: true)
        try await world.define([.a: .docker(pull: .always)])
        try await world.run { controller, routes in
            controller.demand(.a)
            await routes.wait(for: .a) { $0.isInstance }
            try await controller.unload(.a, hold: false, by: "ann")
            await routes.wait(for: .a) { $0.isCold(.standby) }
            let failure = LoadFailure(.terminal, "x:2 does not exist", at: world.time.now())
            world.runtime.images.script(.failed(failure), provision, for: .a)
            try await world.define([.a: .docker("x:2", pull: .always)], in: controller)
            controller.demand(.a)
            try await body(world, controller, routes)
        }
    }

    private static let former = "registry/x:1@sha256:1"

    /// It may have been removed from this host since.
    @Test func whatIsStartedAgainIsFetchedByTheNameThatWasFixedForIt() async throws {
        try await goingBack(.underway(PullTests.progress())) { world, controller, routes in
            let images = world.runtime.images
            try await eventually("it is being pulled") { try await world.pull(of: .a) != nil }
            for _ in 0..<3 { await controller.look(at: [.a]) }
            // Whatever the name stands for now, and once.
            #expect(images.source(askedFor: .a) == ModelSpec.docker(Self.former, pull: .missing).source)
            #expect(world.store.pulls.map(\.outcome) == [.open])
            #expect(world.store.pulls.map(\.cause) == ["generation 2 has failed for good: x:2 does not exist"])
            #expect(world.runtime.launches(of: .a) == 1)
            images.tell(.ready(image: Self.former), to: .a)
            await routes.wait(for: .a) { $0.isInstance }
            #expect(world.store.pulls.map(\.outcome) == [.succeeded])
            #expect(world.store.allInstances.map(\.image) == [Self.former, Self.former])
            #expect(world.store.allInstances.map(\.insteadOf) == [nil, 2])
            #expect(!routes.history.contains { $0.isUnavailable })
        }
    }

    @Test func wayBackWhoseImageCannotBeHadYetIsTriedAgain() async throws {
        try await goingBack(.underway(PullTests.progress())) { world, controller, routes in
            let images = world.runtime.images
            try await eventually("it is being pulled") { try await world.pull(of: .a) != nil }
            images.tell(.failed(LoadFailure(.retryable, "registry does not answer", at: world.time.now())), to: .a)
            try await eventually("it has failed twice") {
                try await world.store.model(.a)?.model.restoration?.failures == 2
            }
            #expect(world.store.pulls.map(\.outcome) == [.failed("registry does not answer")])
            let model = try await world.store.model(.a)?.model
            #expect(model?.backoff?.failures == 1)
            images.script(.ready(image: Self.former), for: .a)
            world.time.advance(by: 2)
            await routes.wait(for: .a) { $0.isInstance }
            #expect(world.store.allInstances.map(\.insteadOf) == [nil, 2])
        }
    }

    @Test(arguments: [
        ("1.dkr.ecr.eu-west-1.amazonaws.com/team/x@sha256:1", "1.dkr.ecr.eu-west-1.amazonaws.com"),
        ("sha256:1", nil),
    ])
    func imageOfECRIsFixedWithItsRegistry(_ image: String, _ registry: String?) {
        var spec = ECRSpec(repository: "team/x", container: ContainerSpec(containerPort: 80))
        spec.tag = "1"
        spec.container.pull = .never
        var fixed = spec
        fixed.registry = registry
        fixed.tag = nil
        fixed.digest = "sha256:1"
        #expect(SourceSpec.ecr(spec).fixed(to: image) == (registry == nil ? nil : .ecr(fixed)))
    }
}
