internal import ModelCore
internal import Reconciler

extension StoreConformance {
    private static let second = Sample.intent("second", of: Sample.otherKey, port: 20_001)

    static let admissionRules: [StoreRule] = [
        StoreRule("a leased port and a lack of start slots make a start wait, and record nothing") { under in
            let store = under.store
            try await store.accept([Sample.manifest(), Sample.manifest(Sample.otherKey)])
            try await store.launch(to: .intent)
            let samePort = Sample.intent("second", of: Sample.otherKey, port: 20_000)
            let byPort = try await store.begin(samePort, cause: "test", startSlots: 9, at: Sample.time(1))
            try expectEqual(byPort, .wait(reason: "port 20000 is leased to churn/scorer/default"))
            let bySlot = try await store.begin(second, cause: "test", startSlots: 1, at: Sample.time(1))
            try expectEqual(bySlot, .wait(reason: "waits for a start slot (1 of 1 in use)"))
            try expectEqual(try await store.liveInstances().count, 1)
            try expectEqual(try await store.attempts(of: Sample.otherKey, generation: 1), 0)
        },
        StoreRule("the ledger says what a start would be answered, and takes nothing") { under in
            let store = under.store
            let third = ModelKey(domain: "churn", source: "scorer", model: "third")
            try await store.accept([Sample.manifest(), Sample.manifest(Sample.otherKey), Sample.manifest(third)])
            try await store.launch(to: .starting)
            for (slots, age) in [(1, 4), (1, 29), (1, 30), (2, 4)] as [(Int, Int64)] {
                let now = Sample.time(age)
                let claim = Claim(key: Sample.otherKey, port: 20_001, priority: .eager)
                let contest = Contest(limits: HostLimits(startSlots: slots), claim: claim)
                let ledger = try await store.ledger(limits: contest.limits, uses: [:], at: now)
                try expectEqual(ledger.ports, [20_000: Sample.key])
                let isGranted = slots == 2 || age == 30
                try expectEqual(admit(claim, ledger: ledger) == .granted, isGranted)
                guard !isGranted else { continue }
                let answer = try await store.begin(second, cause: "test", contest: contest, at: now)
                try expectEqual(answer, admit(claim, ledger: ledger))
            }
            // Slow as the first ones are, they give their slots back.
            try expectEqual(try await store.begin(second, cause: "test", startSlots: 1, at: Sample.time(30)), .granted)
            let late = Sample.intent("late", of: third, port: 20_002, at: Sample.time(31))
            try expectEqual(
                try await store.begin(late, cause: "test", startSlots: 1, at: Sample.time(31)), .granted)
            let again = try await store.ledger(limits: HostLimits(startSlots: 1), uses: [:], at: Sample.time(32))
            try expectEqual(again.holders.map(\.startingFor), [32, 32, 1])
        },
        StoreRule("readiness gives back the start slot, the end gives back the port") { under in
            let store = under.store
            try await store.accept([Sample.manifest(), Sample.manifest(Sample.otherKey)])
            let first = Sample.intent()
            try await store.launch(first, to: .ready)
            try expectEqual(try await store.begin(second, cause: "test", startSlots: 1, at: Sample.time(9)), .granted)
            try expectEqual(try await store.leasedPorts(), [20_000: Sample.key, 20_001: Sample.otherKey])
            try await store.commit(
                .exited(first.id, Sample.exit(), backoff: nil, endsDemand: true), at: Sample.time(10))
            try await store.commit(
                .exited(second.id, Sample.exit(), backoff: nil, endsDemand: true), at: Sample.time(10))
            try await store.launch(Sample.intent("third", of: Sample.otherKey, attempt: 1), to: .intent)
            try expectEqual(try await store.leasedPorts(), [20_000: Sample.otherKey])
        },
        StoreRule("a generation has one current instance; one on its way out is no hindrance") { under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            let first = Sample.intent()
            try await store.launch(first, to: .ready)
            let twin = Sample.intent("twin", attempt: 1, port: 20_001)
            try await expectRefused {
                _ = try await store.begin(twin, cause: "test", startSlots: 9, at: Sample.time(9))
            }
            try await store.commit(.stopping(first.id, cause: "test"), at: Sample.time(10))
            try await store.launch(twin, to: .intent)
            try expectEqual(try await store.liveInstances().map(\.id), [first.id, twin.id])
            try expectEqual(try await store.model(Sample.key)?.instances.map(\.id), [first.id, twin.id])
        },
        StoreRule("the new instance of a model takes over the route of the old one") { under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            let old = Sample.intent()
            let new = Sample.intent("new", generation: 2, port: 20_001)
            try await store.launch(old, to: .ready)
            try await store.launch(new, to: .ready)
            try await store.commit(.routed(old.id), at: Sample.time(9))
            try await store.commit(.routed(new.id), at: Sample.time(10))
            try expectEqual(try await store.liveInstances().map(\.isRouted), [false, true])
        },
        StoreRule("an id is never used again, and only an intent begins") { under in
            let store = under.store
            try await store.accept([Sample.manifest(), Sample.manifest(Sample.otherKey)])
            let first = Sample.intent()
            try await store.launch(first, to: .exited)
            let again = Sample.intent(of: Sample.otherKey, port: 20_001)
            try await expectRefused {
                _ = try await store.begin(again, cause: "test", startSlots: 9, at: Sample.time(99))
            }
            var running = second
            running.phase = .ready
            try await expectRefused {
                _ = try await store.begin(running, cause: "test", startSlots: 9, at: Sample.time(99))
            }
            let stray = Sample.intent("stray", of: ModelKey(domain: "a", source: "b", model: "c"))
            try await expectRefused {
                _ = try await store.begin(stray, cause: "test", startSlots: 9, at: Sample.time(99))
            }
        },
        StoreRule("attempts are counted for each generation") { under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            for attempt in 0..<30 {
                try await store.launch(Sample.intent("id-\(attempt)", attempt: attempt), to: .exited)
            }
            try expectEqual(try await store.attempts(of: Sample.key, generation: 1), 30)
            try expectEqual(try await store.attempts(of: Sample.key, generation: 2), 0)
            try expectEqual(try await store.attempts(of: Sample.otherKey, generation: 1), 0)
        },
        StoreRule("of many starts at once as many are granted as there are slots") { under in
            let store = under.store
            let keys = (0..<12).map { ModelKey(domain: "many", source: "s", model: "m\($0)") }
            try await store.accept(keys.map { Sample.manifest($0) })
            let granted = try await withThrowingTaskGroup(of: Bool.self) { group in
                for (index, key) in keys.enumerated() {
                    group.addTask {
                        let intent = Sample.intent("id-\(index)", of: key, port: 20_000 + index)
                        return try await store.begin(intent, cause: "test", startSlots: 4, at: Sample.time(1))
                            == .granted
                    }
                }
                return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            try expectEqual(granted, 4)
            try expectEqual(try await store.liveInstances().count, 4)
        },
    ]

    static let ownershipRules: [StoreRule] = [
        StoreRule("the next controller finds everything, and the one before can write nothing more") { under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            try await store.launch(to: .ready)
            let models = try await store.models()
            let instances = try await store.liveInstances()

            let next = try await under.supersede()
            try expectEqual(try await next.models(), models)
            try expectEqual(try await next.liveInstances(), instances)
            try expectEqual(try await next.roots(), [Sample.root])
            let id = Sample.intent().id
            for write in [StateChange.routed(id), .waiting(Sample.key, reason: "?"), .released(InstanceID("nobody"))] {
                do {
                    try await store.commit(write, at: Sample.time(9))
                    throw BrokenPromise(description: "a superseded store has written \(write)")
                } catch StoreError.superseded {}
            }
            do {
                _ = try await store.begin(second, cause: "test", startSlots: 9, at: Sample.time(9))
                throw BrokenPromise(description: "a superseded store has begun a launch")
            } catch StoreError.superseded {}
            do {
                _ = try await store.accept(Acceptance(), root: "/other", at: Sample.time(9))
                throw BrokenPromise(description: "a superseded store has accepted manifests")
            } catch StoreError.superseded {}
            try await next.commit(.routed(id), at: Sample.time(10))
            try expectEqual(try await next.live(id)?.isRouted, true)
        }
    ]
}
