import ModelCore
@testable import Reconciler
import TestSupport
import Testing

/// What belongs to nothing that is recorded.
@Suite(.timeLimit(.minutes(1))) struct SweepTests {

    private func intent(_ id: String, in world: World) -> InstanceRecord {
        InstanceRecord(
            id: InstanceID(id), key: .a, generation: 1, attempt: 0,
            source: .docker(DockerSpec(image: "x:1", container: ContainerSpec(containerPort: 80))),
            host: "127.0.0.1", port: 9000, createdAt: world.time.now())
    }

    private func untilNoted(_ text: String, in world: World) async {
        while !world.store.notes.contains(where: { $0.contains(text) }) { await Task.yield() }
    }

    @Test func leftoverIsEndedAndToldOfAndWhatRunsIsNot() async throws {
        let world = World(containers: true)
        try await world.define([.a: .docker(load: .eager)])
        try await world.run { _, routes in await routes.wait(for: .a) { $0.isInstance } }
        let running = world.runtime.running(.a)
        _ = try await world.runtime.prepare(intent("leftover", in: world))
        try await world.runtime.release(InstanceID("leftover"))
        try await world.run { _, _ in
            await untilNoted("leftover was left behind", in: world)
            #expect(world.runtime.running(.a) == running)
        }
    }

    @Test func everyRescanSweeps() async throws {
        let world = World(containers: true)
        try await world.run { controller, _ in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await controller.rescan() }
                _ = try await world.runtime.prepare(intent("late", in: world))
                while world.store.notes.isEmpty {
                    world.time.advance(by: Controller.rescanInterval)
                    await Task.yield()
                }
                await untilNoted("late was left behind", in: world)
                group.cancelAll()
            }
        }
    }

    /// Between the engine's list and the question what is live, a launch is recorded: it is no leftover.
    @Test func launchThatIsJustUnderWayIsNoLeftover() async throws {
        let world = World(containers: true)
        try await world.define([.a: .docker()])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isCold(.standby) }
            await controller.sweep()
            let intent = self.intent("new", in: world)
            let store = world.store
            let now = world.time.now()
            // Before there is anything to be swept: the controller sweeps by itself, too.
            world.runtime.images.setBetweenListingAndLive {
                _ = try? await store.begin(intent, cause: "test", startSlots: 1, at: now)
            }
            _ = try await world.runtime.prepare(intent)
            await controller.sweep()
            #expect(world.store.notes == [])
            #expect(try await world.store.liveInstances().map(\.id) == [intent.id])
        }
    }
}
