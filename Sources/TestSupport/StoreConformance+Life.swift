internal import ModelCore
internal import Reconciler

extension StoreConformance {
    private static let intent = Sample.intent()
    private static var id: InstanceID { intent.id }

    static let lifeRules: [StoreRule] = [
        StoreRule("an instance comes back as it was recorded, at every step of its life") { under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            var expected = intent
            try expectEqual(try await store.begin(intent, cause: "test", startSlots: 1, at: Sample.time(0)), .granted)
            try expectEqual(try await store.live(id), expected)

            try await store.commit(.gated(id, PreparedInstance(shim: Sample.shim)), at: Sample.time(1))
            expected.phase = .gated
            expected.phaseSince = Sample.time(1)
            expected.shim = Sample.shim
            try expectEqual(try await store.live(id), expected)

            try await store.commit(.released(id), at: Sample.time(2))
            try await store.commit(.server(id, Sample.server), at: Sample.time(3))
            expected.phase = .starting
            expected.phaseSince = Sample.time(2)
            expected.startedAt = Sample.time(2)
            expected.server = Sample.server
            try expectEqual(try await store.live(id), expected)

            try await store.commit(.ready(id, address: "::1"), at: Sample.time(5))
            try await store.commit(.routed(id), at: Sample.time(6))
            expected.phase = .ready
            expected.phaseSince = Sample.time(5)
            expected.readyAt = Sample.time(5)
            expected.address = "::1"
            expected.isRouted = true
            try expectEqual(try await store.live(id), expected)
            try expectEqual(try await store.model(Sample.key)?.model.loads, LoadTimes(count: 1, last: 3, usual: 3))

            try await store.commit(.draining(id, cause: "unloaded by a test"), at: Sample.time(7))
            expected.phase = .draining
            expected.phaseSince = Sample.time(7)
            expected.isRouted = false
            expected.stopCause = "unloaded by a test"
            try expectEqual(try await store.live(id), expected)

            try await store.commit(
                .exited(id, Sample.exit(), backoff: Sample.backoff(), endsDemand: true), at: Sample.time(61))
            try expectEqual(try await store.live(id), nil)
            let model = try await store.model(Sample.key)?.model
            try expectEqual(model?.lastExitAt, Sample.time(61))
            try expectEqual(model?.backoff, Sample.backoff())
        },
        StoreRule("an end that was asked for leaves demand as it is") { under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            try await store.launch(to: .stopping)
            let id = Sample.intent().id
            try await store.commit(.exited(id, Sample.exit(), backoff: nil, endsDemand: false), at: Sample.time(61))
            try expectEqual(try await store.model(Sample.key)?.model.lastExitAt, nil)
        },
        StoreRule("a container is as good an identity as a shim") { under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            try await store.launch(to: .intent)
            try await store.commit(.gated(id, PreparedInstance(containerID: "c0ffee")), at: Sample.time(1))
            try expectEqual(try await store.live(id)?.containerID, "c0ffee")
        },
        StoreRule("nothing is gated without an identity, and no identity is replaced") { under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            try await store.launch(to: .intent)
            try await expectRefused { try await store.commit(.gated(id, PreparedInstance()), at: Sample.time(1)) }
            try expectEqual(try await store.live(id), intent)
            try await store.commit(.gated(id, PreparedInstance(shim: Sample.shim)), at: Sample.time(1))
            var other = Sample.shim
            other.pid += 1
            let changed = PreparedInstance(shim: other)
            try await expectRefused { try await store.commit(.gated(id, changed), at: Sample.time(2)) }
        },
        StoreRule("phases move only along the arrows") { under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            try await store.launch(to: .intent)
            try await expectRefused { try await store.commit(.released(id), at: Sample.time(1)) }
            try await store.commit(.gated(id, PreparedInstance(shim: Sample.shim)), at: Sample.time(1))
            try await expectRefused { try await store.commit(.ready(id, address: "::1"), at: Sample.time(2)) }
            try await store.commit(.released(id), at: Sample.time(2))
            try await expectRefused { try await store.commit(.unready(id, reason: "?"), at: Sample.time(3)) }
            try await expectRefused { try await store.commit(.draining(id, cause: "?"), at: Sample.time(3)) }
            try await store.commit(.stopping(id, cause: "given up"), at: Sample.time(3))
            try await expectRefused { try await store.commit(.ready(id, address: "::1"), at: Sample.time(4)) }
            try await expectRefused { try await store.commit(.draining(id, cause: "?"), at: Sample.time(4)) }
        },
        StoreRule("ready and unready alternate, and the load time is the first one's") { under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            try await store.launch(to: .ready)
            try await store.commit(.unready(id, reason: "readiness probe fails"), at: Sample.time(20))
            try expectEqual(try await store.live(id)?.phase, .unready)
            try await store.commit(.ready(id, address: Sample.address), at: Sample.time(30))
            let instance = try await store.live(id)
            try expectEqual(instance?.phaseSince, Sample.time(30))
            try expectEqual(instance?.readyAt, Sample.time(3))
            try expectEqual(try await store.model(Sample.key)?.model.loads?.count, 1)
        },
        StoreRule("only a ready instance is routed; the route lasts until it is taken away") { under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            try await store.launch(to: .starting)
            try await expectRefused { try await store.commit(.routed(id), at: Sample.time(3)) }
            try await store.commit(.ready(id, address: Sample.address), at: Sample.time(4))
            try await store.commit(.routed(id), at: Sample.time(5))
            try await store.commit(.unready(id, reason: "readiness probe fails"), at: Sample.time(6))
            try expectEqual(try await store.live(id)?.isRouted, true)
            try await store.commit(.unrouted(id, reason: "readiness probe fails"), at: Sample.time(7))
            try expectEqual(try await store.live(id)?.isRouted, false)
            try await expectRefused { try await store.commit(.routed(id), at: Sample.time(8)) }
        },
        StoreRule("an instance that ends loses its route and gives back its port") { under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            try await store.launch(to: .ready)
            try await store.commit(.routed(id), at: Sample.time(5))
            try expectEqual(try await store.leasedPorts(), [20_000: Sample.key])
            try await store.commit(.exited(id, Sample.exit(.lost), backoff: nil, endsDemand: true), at: Sample.time(61))
            try expectEqual(try await store.leasedPorts(), [:])
            try expectEqual(try await store.liveInstances(), [])
            try expectEqual(try await store.model(Sample.key)?.model.backoff, nil)
        },
        StoreRule("an intent that is stopped keeps the cause and can only end") { under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            try await store.launch(to: .intent)
            try await store.commit(.stopping(id, cause: "modelet is shutting down"), at: Sample.time(1))
            let instance = try await store.live(id)
            try expectEqual(instance?.phase, .intent)
            try expectEqual(instance?.stopCause, "modelet is shutting down")
            try await store.commit(
                .exited(id, Sample.exit(.neverStarted), backoff: nil, endsDemand: true), at: Sample.time(2))
            try expectEqual(try await store.live(id), nil)
        },
        StoreRule("every kind of exit is kept") { under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            let kinds: [ExitRecord.Kind] = [
                .exited(code: 0), .exited(code: 255), .signaled(signal: 9), .notExecuted(errno: 2), .neverStarted,
                .lost,
            ]
            for (attempt, kind) in kinds.enumerated() {
                let intent = Sample.intent("id-\(attempt)", attempt: attempt)
                try await store.launch(intent, to: .starting)
                try await store.commit(
                    .exited(intent.id, Sample.exit(kind), backoff: nil, endsDemand: true), at: Sample.time(9))
                try expectEqual(try await store.live(intent.id), nil)
            }
            try expectEqual(try await store.attempts(of: Sample.key, generation: 1), kinds.count)
        },
        StoreRule("an unknown instance is known again once it is adopted") { under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            try await store.launch(to: .ready)
            try await store.commit(.unknown(id, reason: "/proc cannot be read"), at: Sample.time(9))
            try expectEqual(try await store.live(id)?.unknownReason, "/proc cannot be read")
            try await store.commit(.adopted(id, server: Sample.server), at: Sample.time(10))
            let instance = try await store.live(id)
            try expectEqual(instance?.unknownReason, nil)
            try expectEqual(instance?.adopted, true)
            try expectEqual(instance?.server, Sample.server)
            try await store.commit(.adopted(id, server: nil), at: Sample.time(11))
            try expectEqual(try await store.live(id)?.server, Sample.server)
        },
        StoreRule("what is unknown may be forgotten: it is lost, and so is its claim on a port") { under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            try await store.launch(to: .ready)
            try await store.commit(.routed(id), at: Sample.time(8))
            try await store.commit(
                .demand(Sample.key, .loaded(since: Sample.time(8), by: "test")), at: Sample.time(8))
            try await store.commit(.forgotten(id, by: "ann"), at: Sample.time(9))
            try expectEqual(try await store.live(id)?.phase, .ready)
            try expectEqual(try await store.live(id)?.isRouted, true)
            try await store.commit(.unknown(id, reason: "/proc cannot be read"), at: Sample.time(10))
            try await store.commit(.forgotten(id, by: "ann"), at: Sample.time(11))
            try expectEqual(try await store.liveInstances(), [])
            try expectEqual(try await store.leasedPorts(), [:])
            let model = try await store.model(Sample.key)?.model
            try expectEqual(model?.isDemanded, true)
            try expectEqual(model?.backoff, nil)
            // Once more, and found after all: both come too late.
            try await store.commit(.forgotten(id, by: "bob"), at: Sample.time(12))
            try await store.commit(.adopted(id, server: nil), at: Sample.time(13))
            try expectEqual(try await store.liveInstances(), [])
            try expectEqual(try await store.attempts(of: Sample.key, generation: 1), 1)
            try expectEqual(
                try await store.begin(
                    Sample.intent("0197a000-0000-7000-8000-000000000002", attempt: 1), cause: "test", startSlots: 1,
                    at: Sample.time(14)), .granted)
        },
        StoreRule("what is unknown may be forgotten in every phase") { under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            let phases = Phase.allCases.filter(\.isLive)
            for (number, phase) in phases.enumerated() {
                let intent = Sample.intent("0197a000-0000-7000-8000-00000000010\(number)", attempt: number)
                try await store.launch(intent, to: phase)
                try await store.commit(.unknown(intent.id, reason: "/proc cannot be read"), at: Sample.time(10))
                try await store.commit(.forgotten(intent.id, by: "ann"), at: Sample.time(11))
                try expectEqual(try await store.liveInstances(), [])
            }
        },
        StoreRule("what comes too late changes nothing") { under in
            let store = under.store
            try await store.accept([Sample.manifest()])
            try await store.launch(to: .exited)
            let before = try await store.models()
            try await store.commit(.ready(id, address: Sample.address), at: Sample.time(99))
            try await store.commit(
                .exited(id, Sample.exit(at: Sample.time(99)), backoff: Sample.backoff(), endsDemand: true),
                at: Sample.time(99))
            try await store.commit(.routed(InstanceID("nobody")), at: Sample.time(99))
            try await store.commit(.waiting(Sample.otherKey, reason: "?"), at: Sample.time(99))
            try expectEqual(try await store.models(), before)
            try expectEqual(try await store.liveInstances(), [])
        },
    ]
}
