internal import ModelCore
internal import Reconciler

extension StoreConformance {
    private static let first = Sample.intent()
    private static let next: InstanceRecord = {
        var intent = Sample.intent(
            "0197a000-0000-7000-8000-000000000002", generation: 2, port: 20_001, at: Sample.time(50))
        intent.insteadOf = 3
        return intent
    }()

    static let replaceRules: [StoreRule] = [
        StoreRule("two generations stand beside each other, and one of them has the route") { under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            try await store.launch(first, to: .ready)
            try await store.commit(.routed(first.id), at: Sample.time(9))
            try await store.commit(.restart(Sample.key, by: "ops"), at: Sample.time(10))
            try await store.launch(next, to: .ready)
            try expectEqual(try await store.live(first.id)?.isRouted, true)
            try await store.commit(.routed(next.id), at: Sample.time(60))
            try expectEqual(try await store.liveInstances().map(\.isRouted), [false, true])
            try expectEqual(try await store.liveInstances().map(\.insteadOf), [nil, 3])
            try await store.commit(.draining(first.id, cause: "replaced"), at: Sample.time(61))
            try expectEqual(try await store.live(next.id)?.isRouted, true)
        },
        StoreRule("the last instance that was ready is remembered after its end") { under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            try expectEqual(try await store.lastReady(of: Sample.key)?.id, nil)
            try await store.launch(first, to: .exited)
            try expectEqual(try await store.lastReady(of: Sample.key)?.id, first.id)
            // More failed loads than there are instances kept.
            for attempt in 0..<25 {
                let intent = Sample.intent("failed-\(attempt)", generation: 2, attempt: attempt, port: 20_002)
                _ = try await store.begin(intent, cause: "test", startSlots: 1, at: Sample.time(70))
                let exit = Sample.exit(.neverStarted)
                try await store.commit(.exited(intent.id, exit, backoff: nil, endsDemand: true), at: Sample.time(71))
            }
            try expectEqual(try await store.lastReady(of: Sample.key)?.id, first.id)
            try expectEqual(try await store.lastReady(of: Sample.key)?.source, first.source)
        },
        StoreRule("a former instance's failure is not its model's") { under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            try await store.launch(first, to: .ready)
            try await store.commit(.restart(Sample.key, by: "ops"), at: Sample.time(10))
            let backoff = Sample.backoff(failures: 1)
            try await store.commit(
                .exited(first.id, Sample.exit(), backoff: backoff, endsDemand: false), at: Sample.time(11))
            var model = try await store.model(Sample.key)?.model
            try expectEqual(model?.backoff, nil)
            try expectEqual(model?.restoration, nil)

            // What stands in has a backoff of its own, for as long as the model has one.
            try await store.commit(.backoff(Sample.key, Sample.backoff(failures: 3)), at: Sample.time(12))
            try await store.commit(
                .restorationFailed(Sample.key, insteadOf: 2, backoff, ending: .none), at: Sample.time(13))
            model = try await store.model(Sample.key)?.model
            try expectEqual(model?.restoration, backoff)
            try expectEqual(model?.backoff?.failures, 3)
            try await store.commit(.backoff(Sample.key, Sample.backoff(failures: 4)), at: Sample.time(14))
            try expectEqual(try await store.model(Sample.key)?.model.restoration, nil)
        },
        StoreRule("what an earlier generation failed at is not the next one's") { under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            let demand = Demand.loaded(since: Sample.time(1), by: "request")
            try await store.commit(.demand(Sample.key, demand), at: Sample.time(1))
            try await store.accept([Sample.manifest(Sample.key, Sample.spec(command: "other"))])
            // Decided before the edit was accepted, and recorded after it.
            let late = Sample.backoff(failures: 1)
            try await store.commit(.loadFailed(Sample.key, generation: 1, late, ending: demand), at: Sample.time(2))
            var model = try await store.model(Sample.key)?.model
            try expectEqual(model?.backoff, nil)
            try expectEqual(model?.demand, demand)

            try await store.commit(
                .loadFailed(Sample.key, generation: 2, Sample.backoff(failures: 3), ending: .none), at: Sample.time(3))
            try await store.commit(
                .restorationFailed(Sample.key, insteadOf: 1, late, ending: demand), at: Sample.time(4))
            model = try await store.model(Sample.key)?.model
            try expectEqual(model?.backoff?.failures, 3)
            try expectEqual(model?.restoration, nil)
            try expectEqual(model?.demand, demand)

            // Nor is it what stands in for the next one that has failed.
            try await store.launch(first, to: .ready)
            try await store.commit(
                .exited(first.id, Sample.exit(), backoff: late, endsDemand: false), at: Sample.time(11))
            try expectEqual(try await store.model(Sample.key)?.model.restoration, nil)
            var standIn = Sample.intent("stand-in", attempt: 1, port: 20_003, at: Sample.time(50))
            standIn.insteadOf = 2
            try await store.launch(standIn, to: .ready)
            try await store.commit(
                .exited(standIn.id, Sample.exit(), backoff: late, endsDemand: false), at: Sample.time(61))
            try expectEqual(try await store.model(Sample.key)?.model.restoration, late)
        },
        StoreRule("an outdated load that fails ends no demand") { under in
            let store = under.store
            let demand = Demand.loaded(since: Sample.time(1), by: "request")
            try await store.accept([Sample.manifest()])
            try await store.commit(.demand(Sample.key, demand), at: Sample.time(1))
            try await store.launch(first, to: .starting)
            try await store.commit(.restart(Sample.key, by: "ops"), at: Sample.time(10))
            // Decided before the restart, and recorded after it.
            let late = Sample.backoff(failures: 1)
            try await store.commit(
                .givenUp(first.id, cause: "too slow", backoff: late, ending: demand), at: Sample.time(11))
            try expectEqual(try await store.model(Sample.key)?.model.isDemanded, true)
            try await store.commit(
                .exited(first.id, Sample.exit(), backoff: late, endsDemand: true), at: Sample.time(12))
            try expectEqual(try await store.model(Sample.key)?.model.isDemanded, true)
            try expectEqual(try await store.model(Sample.key)?.model.backoff, nil)

            // That of what is wanted does, and of what stands in for it, and the end of what has served.
            let wanted = Sample.intent("wanted", generation: 2, port: 20_001, at: Sample.time(100))
            var standIn = Sample.intent("stand-in", attempt: 1, port: 20_002, at: Sample.time(200))
            standIn.insteadOf = 2
            let former = Sample.intent("former", attempt: 2, port: 20_003, at: Sample.time(300))
            for (intent, phase) in [(wanted, Phase.starting), (standIn, .starting), (former, .ready)] {
                let now = intent.createdAt
                try await store.commit(.demand(Sample.key, .loaded(since: now, by: "request")), at: now)
                try await store.launch(intent, to: phase)
                try expectEqual(try await store.model(Sample.key)?.model.isDemanded, true)
                try await store.commit(
                    .exited(intent.id, Sample.exit(), backoff: late, endsDemand: true), at: now + 60)
                try expectEqual(try await store.model(Sample.key)?.model.isDemanded, false)
            }
        },
        StoreRule("what is stale since a restart, or a new image, is remembered") { under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            try expectEqual(try await store.model(Sample.key)?.model.freshSince, 1)
            try await store.accept([Sample.manifest(Sample.key, Sample.spec(command: "other"))])
            try expectEqual(try await store.model(Sample.key)?.model.freshSince, 1)
            try await store.commit(.restart(Sample.key, by: "ops"), at: Sample.time(1))
            try expectEqual(try await store.model(Sample.key)?.model.freshSince, 3)
            try await store.commit(.backoff(Sample.key, Sample.backoff()), at: Sample.time(2))
            try await store.commit(.newImage(Sample.key, "sha256:1"), at: Sample.time(3))
            try expectEqual(try await store.model(Sample.key)?.model.freshSince, 4)
            // A new generation has not failed yet.
            try expectEqual(try await store.model(Sample.key)?.model.backoff, nil)
        },
        StoreRule("what was accepted of each generation is remembered") { under in
            let store = under.store
            var spec = Sample.spec()
            try await store.accept([Sample.manifest(Sample.key, spec)])
            spec.timeout = 5
            try await store.accept([Sample.manifest(Sample.key, spec)])
            try await store.commit(.restart(Sample.key, by: "ops"), at: Sample.time(1))
            let edited = Sample.spec(command: "other")
            try await store.accept([Sample.manifest(Sample.key, edited)])
            func accepted(_ spec: ModelSpec, before generation: Int, _ key: ModelKey = Sample.key) async throws
                -> ModelSpec?
            {
                guard let source = spec.source else { return nil }
                return try await store.spec(of: key, running: source.runFields, before: generation)
            }
            try expectEqual(try await accepted(spec, before: 1), nil)
            try expectEqual(try await accepted(spec, before: 2), spec)
            try expectEqual(try await accepted(spec, before: 3), spec)
            try expectEqual(try await accepted(edited, before: 3), nil)
            try expectEqual(try await accepted(edited, before: 4), edited)
            try expectEqual(try await accepted(spec, before: 4, Sample.otherKey), nil)
            // Taken back, with another timeout: from then on it is that one's.
            var back = spec
            back.timeout = 6
            try await store.accept([Sample.manifest(Sample.key, back)])
            try expectEqual(try await accepted(spec, before: 4), spec)
            try expectEqual(try await accepted(spec, before: 5), back)
        },
    ]
}
