import ModelCore
@testable import Reconciler
import Synchronization
import TestSupport
import Testing

/// A model that is asked to make room, and is busy for long.
@Suite(.timeLimit(.minutes(1))) struct SlowLookTests {
    private static let other = ModelKey(domain: "d", source: "c", model: "default")

    private static func specs(_ timeout: Seconds) -> [ModelKey: ModelSpec] {
        let edited = ModelSpec.local { $0.timeout = timeout }
        return [.a: edited, .b: .local(), other: edited]
    }

    private func follow(_ specs: [ModelKey: ModelSpec], in world: World, _ controller: Controller) async throws {
        let models = specs.map { ManifestModel(key: $0.key, spec: $0.value, file: "m.yaml", line: 1) }
        world.manifests.set(ManifestSet(models: models), root: World.root)
        _ = try await controller.apply(root: World.root, removalGuard: RemovalGuard(), follows: true)
    }

    @Test func keepsNoManifestFromBeingAccepted() async throws {
        let world = World()
        try await world.define(Self.specs(20))
        try await world.run(limits: HostLimits(maxLoaded: 1)) { controller, routes in
            controller.demand(.a)
            await routes.wait(for: .a) { $0.isInstance }
            await controller.look(at: [.a])
            let busy = try #require(world.runtime.running(.a).first)
            routes.setActivity(InstanceActivity(inFlight: 1), of: busy)
            controller.demand(.b)
            await routes.wait(for: .b) { $0.isCold(.pending) }
            await controller.look(at: [.b])
            world.time.advance(by: 2)
            await routes.wait(for: .a) { !$0.isInstance }

            // What is followed is accepted at once; no time passes here.
            try await follow(Self.specs(21), in: world, controller)
            try await eventually("the other one is edited") { routes.route(Self.other)?.timeout == 21 }

            // An operator is not kept for ever, and keeps nobody.
            let isApplied = Latch()
            async let applied: Void = {
                try await world.define(Self.specs(22), in: controller)
                isApplied.open()
            }()
            try await eventually("it is edited again") { routes.route(Self.other)?.timeout == 22 }
            try await follow(Self.specs(23), in: world, controller)
            try await eventually("and again") { routes.route(Self.other)?.timeout == 23 }
            #expect(!isApplied.isOpen)
            try await eventually("the operator is told") {
                world.time.advance(by: 1)
                return isApplied.isOpen
            }
            try await applied

            routes.setActivity(InstanceActivity(), of: busy)
            try await eventually("its edit is in effect") { routes.route(.a)?.timeout == 23 }
        }
    }

    /// Of what a watch has seen first an operator's apply finds nothing new; it has to be in effect for all that.
    @Test func whatWasFollowedIsInEffectWhenAnOperatorAppliesIt() async throws {
        let world = World()
        let keys = (0..<50).map { ModelKey(domain: "d", source: "s\($0)", model: "default") }
        func all(_ timeout: Seconds) -> [ModelKey: ModelSpec] {
            Dictionary(uniqueKeysWithValues: keys.map { ($0, .local { $0.timeout = timeout }) })
        }
        try await world.run { controller, routes in
            try await world.define(all(20), in: controller)
            try await follow(all(21), in: world, controller)
            try await world.define(all(21), in: controller)
            #expect(keys.filter { routes.route($0)?.timeout != 21 } == [])
        }
    }
}
