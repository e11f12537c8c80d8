internal import ModelCore
internal import Reconciler

extension StoreConformance {
    static let acceptanceRules: [StoreRule] = [
        StoreRule("what is accepted comes back, in the order of keys") { under in
            let store = under.store
            let models = [Sample.manifest(Sample.otherKey), Sample.manifest(Sample.key, file: "a/b.yaml")]
            try expectEqual(try await store.accept(models), 1)
            let records = try await store.models()
            try expectEqual(records.map(\.key), [Sample.key, Sample.otherKey])
            try expectEqual(
                records.first,
                ModelRecord(key: Sample.key, spec: Sample.spec(), root: Sample.root, file: "a/b.yaml"))
            try expectEqual(try await store.roots(), [Sample.root])
            try expectEqual(try await store.model(ModelKey(domain: "a", source: "b", model: "c"))?.model, nil)
        },
        StoreRule("revisions count up over all roots; an empty acceptance makes none") { under in
            let store = under.store
            try expectEqual(try await store.accept([], root: "/empty"), 0)
            try expectEqual(try await store.roots(), ["/empty"])
            try expectEqual(try await store.accept([Sample.manifest()], root: "/a"), 1)
            try expectEqual(try await store.accept([Sample.manifest(Sample.otherKey)], root: "/b"), 2)
            try expectEqual(try await store.accept([Sample.manifest()], root: "/a"), 1)
            try expectEqual(try await store.accept([], root: "/a"), 3)
            try expectEqual(try await store.roots(), ["/empty", "/a", "/b"])
        },
        StoreRule("new run fields make a generation and lift backoff and hold; other fields lift the backoff") {
            under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            func fail() async throws {
                try await store.commit(.backoff(Sample.key, Sample.backoff()), at: Sample.time(1))
                try await store.commit(.hold(Sample.key, Hold(since: Sample.time(1), by: "ops")), at: Sample.time(1))
            }
            try await fail()
            var spec = Sample.spec()
            spec.timeout = 5
            try await store.accept([Sample.manifest(Sample.key, spec)], at: Sample.time(2))
            var model = try await store.models().first
            try expectEqual(model?.spec, spec)
            try expectEqual(model?.generation, 1)
            try expectEqual(model?.backoff, nil)
            try expectEqual(model?.hold, Hold(since: Sample.time(1), by: "ops"))
            try await fail()
            try await store.accept([Sample.manifest(Sample.key, Sample.spec(command: "other"))], at: Sample.time(3))
            model = try await store.models().first
            try expectEqual(model?.generation, 2)
            try expectEqual(model?.backoff, nil)
            try expectEqual(model?.hold, nil)
        },
        StoreRule("a removed model stays until it is forgotten; one that came back is not forgotten") { under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            try await store.commit(.hold(Sample.key, Hold(since: Sample.time(1), by: "ops")), at: Sample.time(1))
            try await store.accept([])
            try expectEqual(try await store.models().map(\.isRemoved), [true])
            try await store.accept([Sample.manifest()])
            try expectEqual(try await store.models().map(\.isRemoved), [false])
            try expectEqual(try await store.models().map(\.hold), [nil])
            try await store.commit(.removed(Sample.key), at: Sample.time(2))
            try expectEqual(try await store.models().count, 1)
            try await store.accept([])
            try await store.commit(.removed(Sample.key), at: Sample.time(2))
            try expectEqual(try await store.models(), [])
        },
        StoreRule("a model is not forgotten while something of it may run") { under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            try await store.launch(to: .ready)
            try await store.accept([])
            try await expectRefused { try await store.commit(.removed(Sample.key), at: Sample.time(9)) }
            try expectEqual(try await store.liveInstances().count, 1)
        },
        StoreRule("a restart between judging and accepting costs no generation") { under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            let changed = ManifestSet(models: [Sample.manifest(Sample.key, Sample.spec(command: "other"))])
            let judged = judge(changed, root: Sample.root, accepted: try await store.models())
            try await store.commit(.restart(Sample.key, by: "ops"), at: Sample.time(1))
            _ = try await store.accept(judged, root: Sample.root, at: Sample.time(2))
            try expectEqual(try await store.models().map(\.generation), [3])
        },
    ]

    static let modelRules: [StoreRule] = [
        StoreRule("demand, hold, backoff and waiting come back") { under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            var expected = ModelRecord(key: Sample.key, spec: Sample.spec(), root: Sample.root, file: "churn.yaml")
            expected.demand = .loaded(since: Sample.time(1), by: "a request")
            expected.hold = Hold(since: Sample.time(2), by: "ops")
            expected.backoff = Sample.backoff()
            expected.waiting = "waits for a start slot"
            try await store.commit(.demand(Sample.key, expected.demand), at: Sample.time(1))
            try await store.commit(.hold(Sample.key, expected.hold), at: Sample.time(2))
            try await store.commit(.backoff(Sample.key, expected.backoff), at: Sample.time(3))
            try await store.commit(.waiting(Sample.key, reason: expected.waiting), at: Sample.time(4))
            try expectEqual(try await store.models(), [expected])

            try await store.commit(.demand(Sample.key, .none), at: Sample.time(5))
            try await store.commit(.hold(Sample.key, nil), at: Sample.time(5))
            try await store.commit(.backoff(Sample.key, nil), at: Sample.time(5))
            try await store.commit(.waiting(Sample.key, reason: nil), at: Sample.time(5))
            try expectEqual(
                try await store.models(),
                [ModelRecord(key: Sample.key, spec: Sample.spec(), root: Sample.root, file: "churn.yaml")])
        },
        StoreRule("a restart is a new generation without backoff and hold") { under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            try await store.commit(.hold(Sample.key, Hold(since: Sample.time(2), by: "ops")), at: Sample.time(2))
            try await store.commit(.backoff(Sample.key, Sample.backoff()), at: Sample.time(3))
            try await store.commit(.restart(Sample.key, by: "ops"), at: Sample.time(4))
            let model = try await store.models().first
            try expectEqual(model?.generation, 2)
            try expectEqual(model?.hold, nil)
            try expectEqual(model?.backoff, nil)
        },
    ]
}
