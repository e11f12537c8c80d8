internal import ModelCore
internal import Reconciler

extension StoreConformance {
    static let revisionRules: [StoreRule] = [
        StoreRule("a root as a revision left it comes back whole, with what was removed since and without what came") {
            under in
            let store = under.store
            let (first, second) = (Sample.manifest(file: "a/b.yaml", line: 7), Sample.manifest(Sample.otherKey))
            let edited = Sample.manifest(Sample.key, Sample.spec(command: "other"))
            try await store.accept([first, second])
            try await store.accept([edited, second])
            try await store.accept([edited])
            try await store.accept([Sample.manifest(ModelKey(domain: "x", source: "y", model: "z"))], root: "/other")
            try expectEqual(try await store.models(ofRevision: 1), [first, second])
            try expectEqual(try await store.models(ofRevision: 2), [edited, second])
            try expectEqual(try await store.models(ofRevision: 3), [edited])
            try expectEqual(try await store.models(ofRevision: 4)?.map(\.key.domain), ["x"])
            try expectEqual(try await store.latestRevision(of: Sample.root), 3)
            try expectEqual(try await store.latestRevision(of: "/other"), 4)
            try expectEqual(try await store.latestRevision(of: "/unknown"), 0)
            try expectEqual(try await store.models(ofRevision: 5), nil)
            try expectEqual(try await store.models(ofRevision: 0), nil)
        },
        StoreRule("a key that another root has taken over is no more in what the first one says") { under in
            let store = under.store
            try await store.accept([Sample.manifest()], root: "/a")
            try await store.accept([], root: "/a")
            try await store.accept([Sample.manifest(Sample.key, Sample.spec(command: "other"))], root: "/b")
            try expectEqual(try await store.models(ofRevision: 1)?.map(\.key), [Sample.key])
            try expectEqual(try await store.models(ofRevision: 2), [])
            try expectEqual(try await store.models(ofRevision: 3)?.count, 1)
        },
        StoreRule("nor is one that was taken over by the root that came in its place") { under in
            let store = under.store
            try await store.accept([Sample.manifest()], root: "/a")
            let other = Sample.manifest(Sample.otherKey)
            for (models, root, former) in [
                ([Sample.manifest(), other], "/b", "/a"), ([other], "/b", "/a"), ([other], "/a", "/b"),
            ] {
                try await store.serve(directory: root, at: Sample.time(1))
                let acceptance = judge(
                    ManifestSet(models: models), root: root, accepted: try await store.models(),
                    predecessors: [former], guard: RemovalGuard(prune: true))
                _ = try await store.accept(acceptance, root: root, at: Sample.time(2))
            }
            try expectEqual(try await store.revisions().map(\.root), ["/a", "/b", "/b", "/a"])
            func keys(_ revision: Int) async throws -> [ModelKey]? {
                try await store.models(ofRevision: revision)?.map(\.key)
            }
            try expectEqual(try await keys(1), [Sample.key])
            try expectEqual(try await keys(2), [Sample.key, Sample.otherKey])
            try expectEqual(try await keys(3), [Sample.otherKey])
            try expectEqual(try await keys(4), [Sample.otherKey])
        },
        StoreRule("revisions say when, why, and what they changed") { under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            _ = try await store.accept(
                try await store.judged([Sample.manifest(Sample.key, Sample.spec(command: "other"))]),
                root: Sample.root, cause: .applied(by: "ann"), at: Sample.time(5))
            _ = try await store.accept(
                try await store.judged([]), root: Sample.root, cause: .rollback(to: 1, by: "ann"), at: Sample.time(6))
            let found = try await store.revisions()
            try expectEqual(found.map(\.number), [1, 2, 3])
            try expectEqual(found.map(\.root), [Sample.root, Sample.root, Sample.root])
            try expectEqual(found.map(\.acceptedAt), [Sample.time(0), Sample.time(5), Sample.time(6)])
            try expectEqual(
                found.map(\.cause), ["manifests edited", "applied by ann", "rollback to revision 1 by ann"])
            try expectEqual(found.map(\.restored), [nil, nil, 1])
            try expectEqual(found.map { $0.changes.map(\.action) }, [["create"], ["replace"], ["remove"]])
            try expectEqual(
                found[1].changes.first?.fields, "source.startup_command: python serve.py --port ${PORT} → other")
        },
    ]

    static let pinRules: [StoreRule] = [
        StoreRule("a rollback makes a revision and pins, even where nothing else changes; said again it does nothing") {
            under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            func rollback(at time: Int64) async throws -> Int {
                try await store.accept(
                    Acceptance(), root: Sample.root, cause: .rollback(to: 1, by: "ann"), at: Sample.time(time))
            }
            try expectEqual(try await rollback(at: 1), 2)
            let pin = RootPin(revision: 1, since: Sample.time(1), by: "ann")
            try expectEqual(try await store.pins(), [Sample.root: pin])
            try expectEqual(try await rollback(at: 2), 2)
            try expectEqual(try await store.pins(), [Sample.root: pin])
            try expectEqual(try await store.revisions().map(\.number), [1, 2])
        },
        StoreRule("a pinned root takes no edits, and an operator's word unpins it in the same transaction") { under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            _ = try await store.accept(
                Acceptance(), root: Sample.root, cause: .rollback(to: 1, by: "ann"), at: Sample.time(1))
            let edit = try await store.judged([Sample.manifest(), Sample.manifest(Sample.otherKey)])
            try await expectRefused {
                _ = try await store.accept(edit, root: Sample.root, cause: .edited, at: Sample.time(2))
            }
            try expectEqual(try await store.models().map(\.key), [Sample.key])
            try expectEqual(try await store.accept(Acceptance(), root: Sample.root, at: Sample.time(2)), 2)
            try expectEqual(try await store.pins().count, 1)
            // Others are not concerned.
            try expectEqual(
                try await store.accept(
                    [Sample.manifest(ModelKey(domain: "x", source: "y", model: "z"))], root: "/other"), 3)
            let number = try await store.accept(
                edit, root: Sample.root, cause: .applied(by: "bob"), at: Sample.time(3))
            try expectEqual(number, 4)
            try expectEqual(try await store.pins(), [:])
            try expectEqual(try await store.models().count, 3)
        },
        StoreRule("an operator's word unpins where there is nothing to accept, too") { under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            _ = try await store.accept(
                Acceptance(), root: Sample.root, cause: .rollback(to: 1, by: "ann"), at: Sample.time(1))
            let number = try await store.accept(
                Acceptance(), root: Sample.root, cause: .applied(by: "bob"), at: Sample.time(2))
            try expectEqual(number, 2)
            try expectEqual(try await store.pins(), [:])
        },
        StoreRule("a rollback to another root's revision is refused, and changes nothing") { under in
            let store = under.store
            try await store.accept([Sample.manifest()], root: "/a")
            try await store.accept([Sample.manifest(Sample.otherKey)], root: "/b")
            for target in [2, 9] {
                try await expectRefused {
                    _ = try await store.accept(
                        Acceptance(), root: "/a", cause: .rollback(to: target, by: "ann"), at: Sample.time(1))
                }
            }
            try expectEqual(try await store.pins(), [:])
            try expectEqual(try await store.revisions().count, 2)
        },
        StoreRule("what is pending is kept of a pinned root alone, and goes with the pin") { under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            try await store.notePending("1 to create", root: Sample.root, at: Sample.time(1))
            try expectEqual(try await store.pins(), [:])
            func pin(at time: Int64) async throws {
                _ = try await store.accept(
                    Acceptance(), root: Sample.root, cause: .rollback(to: 1, by: "ann"), at: Sample.time(time))
            }
            try await pin(at: 2)
            try await store.notePending("1 to create", root: Sample.root, at: Sample.time(3))
            try expectEqual(try await store.pins()[Sample.root]?.pending, "1 to create")
            try await store.notePending(nil, root: Sample.root, at: Sample.time(4))
            try expectEqual(try await store.pins()[Sample.root].map(\.pending), .some(nil))
            try await store.notePending("2 to remove", root: Sample.root, at: Sample.time(5))
            _ = try await store.accept(
                Acceptance(), root: Sample.root, cause: .applied(by: "bob"), at: Sample.time(6))
            try await pin(at: 7)
            try expectEqual(try await store.pins()[Sample.root].map(\.pending), .some(nil))
        },
    ]
}

extension InstanceStore {
    /// What accepting these models as the only ones of the usual root would change.
    fileprivate func judged(_ models: [ManifestModel]) async throws -> Acceptance {
        judge(
            ManifestSet(models: models), root: Sample.root, accepted: try await self.models(),
            guard: RemovalGuard(prune: true, allowEmpty: true))
    }
}
