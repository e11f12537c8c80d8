internal import ModelCore
internal import Reconciler

extension StoreConformance {
    private static let first = Sample.intent()
    private static let second = Sample.intent("second", of: Sample.otherKey, port: 20_001)

    private static func contest(
        _ limits: HostLimits, waiting: [Claim] = [], uses: [InstanceID: InstanceUse] = [:], memory: Int64 = 0
    ) -> Contest {
        let claim = Claim(
            key: Sample.otherKey, port: 0, memory: memory, priority: .caller, since: Sample.time(9))
        return Contest(limits: limits, claim: claim, waiting: waiting, uses: uses)
    }

    private static func begin(_ store: any InstanceStore, _ contest: Contest) async throws -> Admission {
        try await store.begin(second, cause: "test", contest: contest, at: Sample.time(9))
    }

    static let roomRules: [StoreRule] = [
        StoreRule("where all places are taken a start waits, or asks who is idle to leave, and records nothing") {
            under in
            let store = under.store
            try await store.accept([Sample.manifest(), Sample.manifest(Sample.otherKey)])
            try await store.launch(first, to: .ready)
            let limits = HostLimits(maxLoaded: 1)
            guard case .wait = try await begin(store, contest(limits)) else {
                throw BrokenPromise(description: "a second model was admitted, or a busy one asked to leave")
            }
            let idle = [first.id: InstanceUse(tenure: .idle(since: Sample.time(8)))]
            guard case .evict([first.id], _) = try await begin(store, contest(limits, uses: idle)) else {
                throw BrokenPromise(description: "the idle one was not asked to leave")
            }
            try expectEqual(try await store.liveInstances().map(\.id), [first.id])
            try await store.commit(.unloading(first.id, cause: "test", ending: .none), at: Sample.time(10))
            guard case .wait = try await begin(store, contest(limits, uses: idle)) else {
                throw BrokenPromise(description: "admitted before the other has ended")
            }
            try await store.commit(
                .exited(first.id, Sample.exit(), backoff: nil, endsDemand: false), at: Sample.time(11))
            try expectEqual(try await begin(store, contest(limits)), .granted)
        },
        StoreRule("an eager and a pinned model make no room") { under in
            let store = under.store
            for change in [{ $0.load = .eager }, { $0.pinned = true }] as [@Sendable (inout ModelSpec) -> Void] {
                var spec = Sample.spec()
                change(&spec)
                try await store.accept([Sample.manifest(Sample.key, spec), Sample.manifest(Sample.otherKey)])
                if try await store.liveInstances().isEmpty { try await store.launch(first, to: .ready) }
                let idle = [first.id: InstanceUse(tenure: .idle(since: Sample.time(8)))]
                guard case .wait = try await begin(store, contest(HostLimits(maxLoaded: 1), uses: idle)) else {
                    throw BrokenPromise(description: "it was asked to leave")
                }
            }
        },
        StoreRule("memory is taken as measured now, else as recorded, and at least as declared") { under in
            let store = under.store
            var spec = Sample.spec()
            spec.memory = 4
            try await store.accept([Sample.manifest(Sample.key, spec), Sample.manifest(Sample.otherKey)])
            try await store.launch(first, to: .ready)
            func waits(_ uses: [InstanceID: InstanceUse] = [:]) async throws -> Bool {
                let admission = try await begin(store, contest(HostLimits(memory: 10), uses: uses, memory: 7))
                return admission != .granted
            }
            try expect(try await waits(), "the declared memory counts")
            spec.memory = 3
            try await store.accept([Sample.manifest(Sample.key, spec), Sample.manifest(Sample.otherKey)])
            try await store.commit(.measured(Sample.key, memory: 4), at: Sample.time(9))
            try expectEqual(try await store.model(Sample.key)?.model.memory, 4)
            try expect(try await waits(), "the recorded memory counts")
            try expect(try await waits([first.id: InstanceUse(memory: 5)]), "the measured memory counts")
            try expect(try await !waits([first.id: InstanceUse(memory: 1)]), "what is measured now is newer")
        },
        StoreRule("what is larger than the budget is refused; who stands in line before goes before") { under in
            let store = under.store
            try await store.accept([Sample.manifest(), Sample.manifest(Sample.otherKey)])
            guard case .refused = try await begin(store, contest(HostLimits(memory: 10), memory: 11)) else {
                throw BrokenPromise(description: "was not refused")
            }
            let earlier = Claim(key: Sample.key, port: 0, priority: .caller, since: Sample.time(8))
            guard case .wait = try await begin(store, contest(HostLimits(maxLoaded: 1), waiting: [earlier])) else {
                throw BrokenPromise(description: "has overtaken who came first")
            }
        },
        StoreRule("every load adds to the load times; new run fields make the size unknown, not the load times") {
            under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            for (attempt, seconds) in [4, 8].enumerated() as EnumeratedSequence<[Int64]> {
                let intent = Sample.intent("id-\(attempt)", attempt: attempt)
                try await store.launch(intent, to: .starting)
                try await store.commit(.ready(intent.id, address: "::1"), at: Sample.time(2 + seconds))
                try await store.commit(
                    .exited(intent.id, Sample.exit(), backoff: nil, endsDemand: true), at: Sample.time(60))
            }
            let times = LoadTimes(count: 2, last: 8, usual: 5)
            try expectEqual(try await store.model(Sample.key)?.model.loads, times)
            try await store.commit(.measured(Sample.key, memory: 1 << 40), at: Sample.time(61))
            try await store.accept([Sample.manifest(Sample.key, Sample.spec(command: "other"))])
            try expectEqual(try await store.model(Sample.key)?.model.loads, times)
            try expectEqual(try await store.model(Sample.key)?.model.memory, nil)
        },
    ]

    static let wordRules: [StoreRule] = [
        StoreRule("unloading drains and ends the demand that it saw; one that came later stays") { under in
            let store = under.store
            for (attempt, isLater) in [false, true].enumerated() {
                try await store.accept([Sample.manifest()])
                let seen = Demand.loaded(since: Sample.time(1), by: "request")
                let later = Demand.loaded(since: Sample.time(8), by: "load")
                try await store.commit(.demand(Sample.key, isLater ? later : seen), at: Sample.time(1))
                let intent = Sample.intent("id-\(attempt)", attempt: attempt)
                try await store.launch(intent, to: .ready)
                try await store.commit(.routed(intent.id), at: Sample.time(4))
                try await store.commit(.unloading(intent.id, cause: "idle", ending: seen), at: Sample.time(9))
                let instance = try await store.live(intent.id)
                try expectEqual(instance?.phase, .draining)
                try expectEqual(instance?.stopCause, "idle")
                try expectEqual(instance?.isRouted, false)
                try expectEqual(try await store.model(Sample.key)?.model.demand, isLater ? later : .none)
                try await store.commit(
                    .exited(intent.id, Sample.exit(), backoff: nil, endsDemand: false), at: Sample.time(10))
            }
        },
        StoreRule("what is unloaded for a failure fails in the same piece") { under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            let demand = Demand.loaded(since: Sample.time(0), by: "request")
            try await store.commit(.demand(Sample.key, demand), at: Sample.time(0))
            try await store.launch(first, to: .ready)
            let dead = StateChange.unloading(
                first.id, cause: "dead", ending: demand, backoff: Sample.backoff(failures: 2))
            try await store.commit(dead, at: Sample.time(9))
            let found = try await store.model(Sample.key)
            try expectEqual(found?.instances.map(\.phase), [.draining])
            try expectEqual(found?.model.backoff, Sample.backoff(failures: 2))
            try expectEqual(found?.model.demand, Demand.none)
        },
        StoreRule("a load that is given up stops, fails and ends its demand in one piece") { under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            let demand = Demand.loaded(since: Sample.time(0), by: "request")
            try await store.commit(.demand(Sample.key, demand), at: Sample.time(0))
            try await store.launch(first, to: .starting)
            try await store.commit(
                .givenUp(first.id, cause: "too slow", backoff: Sample.backoff(), ending: demand), at: Sample.time(9))
            let found = try await store.model(Sample.key)
            try expectEqual(found?.instances.map(\.phase), [.stopping])
            try expectEqual(found?.instances.map(\.stopCause), ["too slow"])
            try expectEqual(found?.model.backoff, Sample.backoff())
            try expectEqual(found?.model.demand, Demand.none)
            // Told twice, it counts once.
            try await store.commit(
                .givenUp(first.id, cause: "again", backoff: Sample.backoff(failures: 3), ending: demand),
                at: Sample.time(10))
            try expectEqual(try await store.model(Sample.key)?.model.backoff, Sample.backoff())
        },
        StoreRule("a load that fails before it begins ends its demand, not a later one") { under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            let demand = Demand.loaded(since: Sample.time(1), by: "request")
            try await store.commit(.demand(Sample.key, demand), at: Sample.time(1))
            try await store.commit(
                .loadFailed(Sample.key, generation: 1, Sample.backoff(), ending: .none), at: Sample.time(2))
            try expectEqual(try await store.model(Sample.key)?.model.demand, demand)
            try expectEqual(try await store.model(Sample.key)?.model.backoff, Sample.backoff())
            try await store.commit(
                .loadFailed(Sample.key, generation: 1, Sample.backoff(), ending: demand), at: Sample.time(2))
            try expectEqual(try await store.model(Sample.key)?.model.demand, Demand.none)
        },
        StoreRule("load lifts hold and backoff and demands; unload takes the demand back, and holds where asked to") {
            under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            try await store.commit(.unload(Sample.key, hold: true, by: "ops"), at: Sample.time(1))
            var model = try await store.model(Sample.key)?.model
            try expectEqual(model?.hold, Hold(since: Sample.time(1), by: "ops"))
            try await store.commit(.backoff(Sample.key, Sample.backoff()), at: Sample.time(2))
            try await store.commit(.measured(Sample.key, memory: 5), at: Sample.time(2))
            try await store.commit(.load(Sample.key, by: "ann"), at: Sample.time(3))
            model = try await store.model(Sample.key)?.model
            try expectEqual(model?.hold, nil)
            try expectEqual(model?.backoff, nil)
            // It may have been too large to be started: it is found out anew.
            try expectEqual(model?.memory, nil)
            try expectEqual(model?.demand, .loaded(since: Sample.time(3), by: "ann"))
            try await store.commit(.measured(Sample.key, memory: 5), at: Sample.time(4))
            try await store.commit(.load(Sample.key, by: "bob"), at: Sample.time(4))
            try expectEqual(try await store.model(Sample.key)?.model.memory, 5)
            try await store.commit(.unload(Sample.key, hold: false, by: "ann"), at: Sample.time(5))
            model = try await store.model(Sample.key)?.model
            try expectEqual(model?.hold, nil)
            try expectEqual(model?.demand, Demand.none)
        },
        StoreRule("a load counts even where the last end was in the same millisecond") { under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            try await store.launch(first, to: .starting)
            try await store.commit(.exited(first.id, Sample.exit(), backoff: nil, endsDemand: true), at: Sample.time(9))
            try await store.commit(.load(Sample.key, by: "ann"), at: Sample.time(9))
            try expectEqual(try await store.model(Sample.key)?.model.isDemanded, true)
        },
        StoreRule("a note changes nothing that is enforced") { under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            let before = try await store.models()
            try await store.commit(.noted(Sample.key, "too large"), at: Sample.time(1))
            try await store.commit(.noted(Sample.otherKey, "nobody"), at: Sample.time(1))
            try expectEqual(try await store.models(), before)
        },
    ]
}
