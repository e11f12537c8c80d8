internal import ModelCore
internal import Reconciler

extension StoreConformance {
    static let noteRules: [StoreRule] = [
        StoreRule("a removal that is held comes back, until it is carried out or the model is defined again") { under in
            let store = under.store
            try await store.accept([Sample.manifest(), Sample.manifest(Sample.otherKey)])
            func held() async throws -> [HeldRemoval?] { try await store.models().map(\.heldRemoval) }
            var revision = 1
            func hold(_ remedy: String, at time: Int64) async throws {
                var acceptance = Acceptance()
                acceptance.heldRemovals = [Sample.key, Sample.otherKey]
                acceptance.removalRemedy = remedy
                try expectEqual(try await store.accept(acceptance, root: Sample.root, at: Sample.time(time)), revision)
            }
            try await hold("modelet apply --prune", at: 1)
            // What is to be run may change; since when it is so does not.
            try await hold("modelet apply --allow-empty", at: 2)
            let expected = HeldRemoval(since: Sample.time(1), remedy: "modelet apply --allow-empty")
            try expectEqual(try await held(), [expected, expected])
            var release = Acceptance()
            release.releasedRemovals = [Sample.otherKey]
            _ = try await store.accept(release, root: Sample.root, at: Sample.time(3))
            try expectEqual(try await held(), [expected, nil])
            revision = try await store.accept([Sample.manifest(Sample.otherKey)], at: Sample.time(4))
            try expectEqual(try await held(), [nil, nil])
            try expectEqual(try await store.models().map(\.isRemoved), [true, false])
            // What is on its way out is not held any more.
            try await hold("modelet apply --prune", at: 5)
            try expectEqual(try await held().map { $0 == nil }, [true, false])
        },
        StoreRule("a removal is held from the revision on that was judged with it, and a rollback ends that") { under in
            let store = under.store
            let old = (0..<3).map { ModelKey(domain: "d", source: "s", model: "m\($0)") }
            try await store.accept(old.map { Sample.manifest($0, Sample.spec(command: "serve \($0.model)")) })
            let acceptance = judge(
                ManifestSet(models: [Sample.manifest(), Sample.manifest(Sample.otherKey)]), root: Sample.root,
                accepted: try await store.models())
            try expectEqual(acceptance.heldRemovals, old)
            try expectEqual(try await store.accept(acceptance, root: Sample.root, at: Sample.time(1)), 2)
            let remedy = HeldRemoval(since: Sample.time(1), remedy: "modelet apply \(Sample.root) --prune")
            try expectEqual(try await store.models().map(\.heldRemoval), [nil, nil, remedy, remedy, remedy])
            var back = Acceptance()
            back.releasedRemovals = old
            _ = try await store.accept(
                back, root: Sample.root, cause: .rollback(to: 2, by: "ann"), at: Sample.time(2))
            try expectEqual(try await store.models().compactMap(\.heldRemoval), [])
            // What a pinned root no longer defines is pending, and held by nobody.
            var pending = Acceptance()
            (pending.heldRemovals, pending.removalRemedy) = (old, remedy.remedy)
            try expectEqual(try await store.accept(pending, root: Sample.root, at: Sample.time(3)), 3)
            try expectEqual(try await store.models().compactMap(\.heldRemoval), [])
        },
        StoreRule("a model that is defined in another file is known there, and nothing else of it has changed") {
            under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            try await store.commit(.backoff(Sample.key, Sample.backoff()), at: Sample.time(1))
            var expected = try await store.models()
            let moved = Sample.manifest(Sample.key, file: "folder/other.yaml")
            try await store.note(ManifestNotes(moves: [moved]), root: Sample.root, at: Sample.time(2))
            expected[0].file = "folder/other.yaml"
            try expectEqual(try await store.models(), expected)
            try expectEqual(try await store.accept([moved], at: Sample.time(3)), 1)
            try await store.note(ManifestNotes(moves: [Sample.manifest()]), root: "/other", at: Sample.time(4))
            try expectEqual(try await store.models(), expected)
        },
        StoreRule("of the roots that were served only the latest is followed, and takes the place of those before") {
            under in
            let store = under.store
            try await store.serve(directory: "/a", at: Sample.time(0))
            try await store.accept([Sample.manifest()], root: "/a")
            try await store.accept([Sample.manifest(Sample.otherKey)], root: "/applied")
            try expectEqual(try await store.predecessors(of: "/a"), [])
            try await store.serve(directory: "/b", at: Sample.time(1))
            try expectEqual(try await store.roots(), ["/applied", "/b"])
            try expectEqual(try await store.predecessors(of: "/b"), ["/a"])
            try expectEqual(try await store.predecessors(of: "/applied"), [])
            // Its model moves to the new one, and can be removed by it.
            let acceptance = judge(
                ManifestSet(models: [Sample.manifest()]), root: "/b", accepted: try await store.models(),
                predecessors: ["/a"])
            _ = try await store.accept(acceptance, root: "/b", at: Sample.time(2))
            try expectEqual(try await store.models().map(\.root), ["/b", "/applied"])
            try expectEqual(try await store.predecessors(of: "/b"), [])
            try await store.serve(directory: "/a", at: Sample.time(3))
            try expectEqual(Set(try await store.roots()), ["/a", "/applied"])
            try expectEqual(try await store.predecessors(of: "/a"), ["/b"])
            let removal = judge(
                ManifestSet(), root: "/a", accepted: try await store.models(), predecessors: ["/b"],
                guard: RemovalGuard(prune: true, allowEmpty: true))
            _ = try await store.accept(removal, root: "/a", at: Sample.time(4))
            try expectEqual(try await store.models().map(\.isRemoved), [true, false])
            // Whoever is asked for by name is followed again.
            _ = try await store.accept(Acceptance(), root: "/b", at: Sample.time(5))
            try expect(try await store.roots().contains("/b"), "applied again, followed again")
            try await store.serve(directory: "/a", at: Sample.time(6))
            try expect(try await store.roots().contains("/b"), "a restart changes nothing of that")
        },
        StoreRule("what an operator applied beside the root that is served is followed, whatever is served later") {
            under in
            let store = under.store
            try await store.serve(directory: "/a", at: Sample.time(0))
            let by = RevisionCause.applied(by: "an operator")
            // Of the one that is served this says nothing new.
            _ = try await store.accept(Acceptance(), root: "/a", cause: by, at: Sample.time(1))
            _ = try await store.accept(Acceptance(), root: "/b", cause: by, at: Sample.time(2))
            try await store.serve(directory: "/b", at: Sample.time(3))
            try expectEqual(try await store.roots(), ["/b"])
            try await store.serve(directory: "/a", at: Sample.time(4))
            try expectEqual(Set(try await store.roots()), ["/a", "/b"])
        },
        StoreRule("a root takes the place of those that lie in it and are not pinned") { under in
            let store = under.store
            try await store.accept([Sample.manifest()], root: "/a/x")
            let first = try await store.accept([Sample.manifest(Sample.otherKey)], root: "/a/y")
            let back = RevisionCause.rollback(to: first, by: "an operator")
            _ = try await store.accept(Acceptance(), root: "/a/y", cause: back, at: Sample.time(1))
            try expectEqual(try await store.predecessors(of: "/a"), ["/a/x"])
            try expectEqual(try await store.predecessors(of: "/a/x"), [])
            let acceptance = judge(
                ManifestSet(models: [Sample.manifest()]), root: "/a", accepted: try await store.models(),
                predecessors: ["/a/x"])
            _ = try await store.accept(acceptance, root: "/a", at: Sample.time(2))
            try expectEqual(try await store.models().map(\.root), ["/a", "/a/y"])
            try expectEqual(Set(try await store.roots()), ["/a", "/a/y"])
            try expectEqual(try await store.predecessors(of: "/a"), [])
        },
        StoreRule("a root that is followed no longer is not pinned any more") { under in
            let store = under.store
            try await store.serve(directory: "/a", at: Sample.time(0))
            let first = try await store.accept([Sample.manifest()], root: "/a")
            let back = RevisionCause.rollback(to: first, by: "an operator")
            _ = try await store.accept(Acceptance(), root: "/a", cause: back, at: Sample.time(1))
            try await store.serve(directory: "/a", at: Sample.time(2))
            try expectEqual(try await store.pins().mapValues(\.revision), ["/a": first])
            try await store.serve(directory: "/b", at: Sample.time(3))
            try await store.serve(directory: "/a", at: Sample.time(4))
            try expectEqual(try await store.pins(), [:])
        },
        StoreRule("a root that takes the place of the one that is served is served, and has what former ones had") {
            under in
            let store = under.store
            try await store.serve(directory: "/former", at: Sample.time(0))
            try await store.accept([Sample.manifest()], root: "/former")
            try await store.serve(directory: "/m/inner", at: Sample.time(1))
            try await store.accept([Sample.manifest(Sample.otherKey)], root: "/m/inner")
            try expectEqual(try await store.predecessors(of: "/m/inner"), ["/former"])
            // As it will be, so it is told before.
            try expectEqual(try await store.predecessors(of: "/m"), ["/former", "/m/inner"])
            try expectEqual(try await store.predecessors(of: "/m2"), [])
            _ = try await store.accept(
                Acceptance(), root: "/m", cause: .applied(by: "ann"), at: Sample.time(2))
            try expectEqual(try await store.roots(), ["/m"])
            try expectEqual(try await store.predecessors(of: "/m"), ["/former", "/m/inner"])
            // A restart names the inner one again: part of what an operator has asked for.
            try expectEqual(try await store.serve(directory: "/m/inner", at: Sample.time(3)), "/m")
            try expectEqual(try await store.roots(), ["/m"])
            try expectEqual(try await store.serve(directory: "/next", at: Sample.time(4)), "/next")
            try expectEqual(try await store.roots(), ["/m", "/next"])
            try expectEqual(try await store.predecessors(of: "/next"), ["/former", "/m/inner"])
        },
        StoreRule("what only `serve` named ends where that names a part of it") { under in
            let store = under.store
            try expectEqual(try await store.serve(directory: "/m", at: Sample.time(0)), "/m")
            try await store.accept([Sample.manifest()], root: "/m")
            try expectEqual(try await store.serve(directory: "/m/inner", at: Sample.time(1)), "/m/inner")
            try expectEqual(try await store.roots(), ["/m/inner"])
            try expectEqual(try await store.predecessors(of: "/m/inner"), ["/m"])
        },
    ]
}
