import ModelCore
@testable import Reconciler
import Synchronization
import TestSupport
import Testing

/// Replacements that are cut short.
extension ReplaceTests {
    /// The controller dies after each of the writes of a replacement in turn: the next one brings it to its end.
    @Test(arguments: [UpdatePolicy.availability, .resource], [false, true])
    func whereverTheControllerDiesTheNextGoesOn(_ update: UpdatePolicy, isBad: Bool) async throws {
        for step in 0... {
            let world = World()
            if isBad { world.runtime.setHabit(.cannotBeExecuted, ofCommand: "two") }
            var isOver = false
            try await Self.serving(Self.spec("one", update: update), in: world) { world, controller, routes, first in
                world.store.fail(with: .unavailable("the power is gone"), after: step + 1)
                try await world.define([.a: Self.spec("two", update: update)], in: controller)
                try await eventually("it is over, or nothing can be written") {
                    isOver = try await Self.isOver(update, isBad: isBad, first, world, routes)
                    return isOver || controller.state.withLock { $0.unwritten.contains(.a) }
                }
                world.store.fail(with: .unavailable("the power is gone"))
            }
            world.store.fail(with: nil)
            try await world.run { _, routes in
                let wanted = isBad ? blocked("command not found") : ModelCondition(.ready)
                try await eventually("all is as it should be, having died after \(step) writes") {
                    let instances = try await world.store.model(.a)?.instances
                    let condition = try await world.condition(of: .a)
                    return instances?.count == 1 && condition == wanted
                }
                try await untilAlone(isBad ? "one" : "two", world, routes)
                if update == .resource { #expect(world.runtime.mostAtOnce(.a) == 1, "died after \(step) writes") }
            }
            if isOver { return }
            try #require(step < 60)
        }
    }

    private static func isOver(
        _ update: UpdatePolicy, isBad: Bool, _ first: InstanceID, _ world: World, _ routes: RecordingRoutes
    ) async throws -> Bool {
        guard let (model, instances) = try await world.store.model(.a), instances.count == 1 else { return false }
        guard routes.target(.a).instance == instances[0].id else { return false }
        return isBad ? model.backoff != nil : instances[0].generation == 2
    }
}
