import ModelCore
import Reconciler
import TestSupport
import Testing

/// Going back to a revision, and what holds meanwhile.
@Suite(.timeLimit(.minutes(1))) struct RollbackTests {
    private static let everything = RemovalGuard(prune: true, allowEmpty: true)

    private func command(of key: ModelKey, in world: World) async throws -> String? {
        guard let model = try await world.store.model(key)?.model, !model.isRemoved,
            case .localArtifact(let source) = model.spec.source
        else { return nil }
        return source.startupCommand
    }

    private func write(_ specs: [ModelKey: ModelSpec], _ world: World) {
        let models = specs.map { ManifestModel(key: $0.key, spec: $0.value, file: "m.yaml", line: 1) }
        world.manifests.set(ManifestSet(models: models), root: World.root)
    }

    /// Two revisions: `a` as `v1`, then `a` as `v2` with `b` beside it.
    private func twoRevisions(_ world: World, _ controller: Controller) async throws {
        try await world.define([.a: .local("v1", load: .eager)], in: controller)
        try await world.define([.a: .local("v2", load: .eager), .b: .local("b")], in: controller)
    }

    @Test func whatWasIsWhatRunsAgain() async throws {
        let world = World()
        try await world.run { controller, routes in
            try await twoRevisions(world, controller)
            await routes.wait(for: .a) { $0.isInstance }
            let report = try await controller.rollback(RollbackOrder(by: "ann"))
            #expect(report.isAccepted && report.restores == 1 && report.revision == 3)
            #expect(report.changes.map(\.action) == [.replace, .remove])
            #expect(report.changes[0].fields.map(\.description) == ["source.startup_command: v2 → v1"])
            #expect(report.changes[1].cause == "not defined in revision 1")
            #expect(report.pin?.revision == 1 && report.pin?.by == "ann")
            // The manifests still say what they said.
            #expect(report.pin?.pending == "1 to create, 1 to replace")
            #expect(try await command(of: .a, in: world) == "v1")
            await routes.wait(for: .b) { $0 == nil }
        }
    }

    @Test func editsOfAPinnedRootArePendingAlsoAfterARestart() async throws {
        let world = World()
        try await world.run { controller, _ in
            // On demand, so that nothing else is written meanwhile.
            for version in ["v1", "v2"] { try await world.define([.a: .local(version)], in: controller) }
            _ = try await controller.rollback(RollbackOrder(by: "ann"))
            write([.a: .local("v3")], world)
            await controller.rescanOnce()
            #expect(try await command(of: .a, in: world) == "v1")
            #expect(try await world.store.pins()[World.root]?.pending == "1 to replace")
        }
        // The next controller finds it pinned, and so does `serve`, which reads the manifests first.
        try await world.run { controller, _ in
            let report = try await controller.serve(World.root)
            #expect(!report.isAccepted && report.pin?.revision == 1)
            #expect(report.changes.map(\.key) == [.a])
            #expect(try await command(of: .a, in: world) == "v1")
            // What waits is told; to say it again writes nothing.
            let writes = world.store.writes
            await controller.rescanOnce()
            #expect(world.store.writes == writes)

            write([.a: .local("v1")], world)
            await controller.rescanOnce()
            #expect(try await world.store.pins()[World.root].map(\.pending) == .some(nil))

            write([.a: .local("v4")], world)
            let applied = try await controller.apply(root: World.root, removalGuard: RemovalGuard(), by: "bob")
            #expect(applied.isAccepted && applied.unpins?.revision == 1 && applied.pin == nil)
            #expect(try await command(of: .a, in: world) == "v4")
            #expect(try await world.store.pins() == [:])
            // And from now on edits are followed again.
            write([.a: .local("v5")], world)
            await controller.rescanOnce()
            #expect(try await command(of: .a, in: world) == "v5")
        }
    }

    /// Who only reads the state is told the same as who asks a daemon.
    @Test(arguments: ["/manifests", "/manifests/part"], [false, true])
    func ofAPinnedRootAllSeeTheSame(_ directory: String, isUnreadable: Bool) async throws {
        let world = World()
        try await world.run { controller, _ in
            // On demand, so that nothing changes between one look and the other.
            for version in ["v1", "v2"] { try await world.define([.a: .local(version)], in: controller) }
            _ = try await controller.rollback(RollbackOrder(by: "ann"))
            let broken = isUnreadable ? ["m.yaml"] : []
            let models = isUnreadable ? [] : [ManifestModel(key: .a, spec: .local("v3"), file: "part/m.yaml", line: 1)]
            let set = ManifestSet(models: models, brokenFiles: broken)
            world.manifests.set(set, root: World.root)
            let roots = try await world.store.roots()
            let (root, scope) = ManifestApplier.split(directory, roots: roots)
            let now = world.time.now()
            let state = (
                accepted: try await world.store.models(), instances: try await world.store.liveInstances(),
                pin: try await world.store.pins()[root], revision: try await world.store.revisions().last?.number ?? 0
            )
            func read() throws(ApplyError) -> ApplyReport {
                try ManifestApplier.preview(
                    set, root: root, scope: scope, accepted: state.accepted, predecessors: [],
                    instances: state.instances, pin: state.pin, revision: state.revision, guard: RemovalGuard(),
                    now: now)
            }
            guard scope == nil else {
                let sentence =
                    "/manifests is pinned at revision 1: `modelet apply /manifests` unpins it and applies all of it; "
                    + "before that, part alone cannot be applied"
                await #expect(throws: ControlError.refused(sentence)) {
                    try await controller.preview(root: directory, removalGuard: RemovalGuard())
                }
                #expect(throws: ApplyError.refused(sentence)) { try read() }
                return
            }
            let asked = try await controller.preview(root: directory, removalGuard: RemovalGuard())
            #expect(try read() == asked)
            #expect(asked.pin?.revision == 1 && (asked.unpins == nil) == isUnreadable)
        }
    }

    @Test func saidAgainItGoesFurtherBackAndNotToAndFro() async throws {
        let world = World()
        try await world.run { controller, _ in
            for version in ["v1", "v2", "v3"] { try await world.define([.a: .local(version)], in: controller) }
            #expect(try await controller.rollback(RollbackOrder(by: "ann")).restores == 2)
            #expect(try await controller.rollback(RollbackOrder(by: "ann")).restores == 1)
            await #expect(throws: ControlError.self) { try await controller.rollback(RollbackOrder(by: "ann")) }
            #expect(try await command(of: .a, in: world) == "v1")
            // Unpinned where nothing else is applied, the latest revision is the way back itself: before that is what was
            // before what it went back to.
            write([.a: .local("v1")], world)
            _ = try await controller.apply(root: World.root, removalGuard: RemovalGuard())
            await #expect(throws: ControlError.self) { try await controller.rollback(RollbackOrder(by: "ann")) }
            #expect(try await controller.rollback(RollbackOrder(revision: 3, by: "ann")).isAccepted)
            #expect(try await command(of: .a, in: world) == "v3")
        }
    }

    @Test func whereManyWouldGoNothingIsDone() async throws {
        let world = World()
        try await world.run { controller, _ in
            try await world.define([.a: .local("v1")], in: controller)
            var many: [ModelKey: ModelSpec] = [.a: .local("v2")]
            for number in 0..<5 { many[ModelKey(domain: "d", source: "m\(number)", model: "x")] = .local("m") }
            try await world.define(many, in: controller)
            let held = try await controller.rollback(RollbackOrder(by: "ann"))
            #expect(!held.isAccepted && held.heldRemovals.count == 5)
            #expect(held.plan.removalRemedy == "modelet rollback 1 --prune")
            #expect(try await command(of: .a, in: world) == "v2")
            #expect(try await world.store.pins() == [:])
            #expect(try await world.store.revisions().count == 2)

            let order = RollbackOrder(removalGuard: RemovalGuard(prune: true), by: "ann")
            #expect(try await controller.rollback(order).isAccepted)
            #expect(try await command(of: .a, in: world) == "v1")
        }
    }

    @Test func aStoreThatCannotBeWrittenChangesNothingAtAll() async throws {
        let world = World()
        try await world.run { controller, _ in
            try await twoRevisions(world, controller)
            world.store.fail(with: .unavailable("the disk is full"))
            await #expect(throws: ControlError.unavailable("the disk is full")) {
                try await controller.rollback(RollbackOrder(by: "ann"))
            }
            world.store.fail(with: nil)
            #expect(try await world.store.pins() == [:])
            #expect(try await command(of: .a, in: world) == "v2")
        }
    }

    @Test func aPartOfAPinnedRootIsNotApplied() async throws {
        let world = World()
        try await world.run { controller, _ in
            try await twoRevisions(world, controller)
            _ = try await controller.rollback(RollbackOrder(by: "ann"))
            let error = await #expect(throws: ControlError.self) {
                try await controller.apply(root: World.root + "/folder", removalGuard: RemovalGuard())
            }
            guard case .refused(let reason)? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(reason.contains("pinned at revision 1") && reason.contains("`modelet apply \(World.root)`"))
            #expect(try await world.store.pins().count == 1)
        }
    }

    @Test func whereNothingCanBeReadAPinStays() async throws {
        let world = World()
        try await world.run { controller, _ in
            try await twoRevisions(world, controller)
            _ = try await controller.rollback(RollbackOrder(by: "ann"))
            world.manifests.set(ManifestSet(brokenFiles: ["."]), root: World.root)
            let report = try await controller.apply(root: World.root, removalGuard: Self.everything)
            #expect(!report.isAccepted && report.pin?.revision == 1)
            #expect(try await command(of: .a, in: world) == "v1")
        }
    }

    @Test func whatAnotherRootHasTakenOverIsRefused() async throws {
        let world = World()
        try await world.run { controller, _ in
            try await twoRevisions(world, controller)
            try await world.define([.a: .local("v2", load: .eager)], in: controller)
            world.manifests.set(
                ManifestSet(models: [ManifestModel(key: .b, spec: .local("b2"), file: "m.yaml", line: 1)]),
                root: "/other")
            _ = try await controller.apply(root: "/other", removalGuard: RemovalGuard())
            let error = await #expect(throws: ControlError.self) {
                try await controller.rollback(RollbackOrder(revision: 2, by: "ann"))
            }
            guard case .refused(let reason)? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(reason.contains("\(ModelKey.b)"))
        }
    }

    // MARK: - Which revision

    private static let history = RevisionHistory(
        roots: ["/a", "/b"], pins: [:],
        revisions: [3, 5, 8, 9].map { number in
            RevisionRecord(
                number: number, root: number == 8 ? "/b" : "/a", acceptedAt: Timestamp(milliseconds: 0), cause: "")
        })

    private func reason(_ order: RollbackOrder, _ history: RevisionHistory = history) -> String? {
        do {
            _ = try RollbackTarget(order, in: history)
            return nil
        } catch .refused(let reason) {
            return reason
        } catch {
            return "\(error)"
        }
    }

    @Test func aNumberAloneNamesARevisionAndItsRoot() throws {
        let target = try RollbackTarget(RollbackOrder(revision: 8, by: "ann"), in: Self.history)
        #expect(target.root == "/b" && target.revision == 8)
        let before = try RollbackTarget(RollbackOrder(root: "/a", by: "ann"), in: Self.history)
        #expect(before.revision == 5)
    }

    @Test func mistakesAreToldWithWhatThereIs() {
        #expect(
            reason(RollbackOrder(revision: 42, by: "ann"))
                == "there is no revision 42: those of /a are 3, 5, 9; those of /b are 8")
        #expect(
            reason(RollbackOrder(revision: 2, by: "ann"))
                == "revision 2 is no longer kept: those of /a are 3, 5, 9; those of /b are 8")
        // Each root has its own oldest.
        #expect(reason(RollbackOrder(revision: 4, by: "ann"))?.hasPrefix("revision 4 is no longer kept: ") == true)
        #expect(
            reason(RollbackOrder(root: "/a", revision: 8, by: "ann"))
                == "revision 8 is one of /b: those of /a are 3, 5, 9")
        #expect(
            reason(RollbackOrder(by: "ann"))
                == "which directory? Name it with --root: those that are followed are /a, /b")
        #expect(
            reason(RollbackOrder(root: "/c", by: "ann")) == "/c is not followed: those that are followed are /a, /b")
        #expect(
            reason(RollbackOrder(root: "/b", by: "ann"))
                == "there is no revision before that which is enforced: those of /b are 8")
        let none = RevisionHistory(roots: [], pins: [:], revisions: [])
        #expect(reason(RollbackOrder(by: "ann"), none)?.contains("nothing has been applied yet") == true)
        #expect(reason(RollbackOrder(revision: 1, by: "ann"), none)?.contains("nothing has been applied yet") == true)
    }
}
