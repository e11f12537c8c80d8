import ModelCore
import Testing
import TestSupport

@testable import Reconciler

/// Probes one after the other → whether the instance is found dead, one row each.
@Suite struct LivenessTallyTests {
    /// One probe and what the gateway saw by then.
    struct Probe: Sendable {
        var verdict: ProbeVerdict
        var activity = InstanceActivity()
        /// When it ended.
        var at: Int64
    }

    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let probes: [Probe]
        /// Of which probe it died, counted from 0, and of what.
        let dies: (at: Int, LivenessTally.Death)?

        init(_ name: String, _ probes: [Probe], dies: (at: Int, LivenessTally.Death)? = nil) {
            testDescription = name
            self.probes = probes
            self.dies = dies
        }
    }

    private static let address = "127.0.0.1"
    private static let ready = ProbeVerdict.ready(address: address)
    private static let sick = ProbeVerdict.answered(status: 500, address: address)
    private static let silent = ProbeVerdict.timedOut(address: address)
    private static let refused = ProbeVerdict.failed(reason: "nothing listens on localhost:9000")

    private static let saidSick = LivenessTally.Death(
        cause: "liveness probe fails: it was answered with status 500", isSilent: false)
    private static let saidNothing = LivenessTally.Death(
        cause: "liveness probe fails: it was not answered within 2s", isSilent: true)
    private static let wasGone = LivenessTally.Death(
        cause: "liveness probe fails: nothing listens on localhost:9000", isSilent: true)

    private static func busy(_ count: Int = 1, heard: Duration? = nil) -> InstanceActivity {
        InstanceActivity(inFlight: count, sinceLastAnswer: .zero, sinceLastByte: heard)
    }

    /// The same verdict every ten seconds.
    private static func every10(
        _ verdict: ProbeVerdict, _ activity: InstanceActivity = InstanceActivity(), times: Int
    ) -> [Probe] {
        (1...times).map { Probe(verdict: verdict, activity: activity, at: Int64($0) * 10) }
    }

    private static let rows = [
        Row("answers keep it alive", every10(ready, times: 9)),
        Row("its own word counts", every10(sick, times: 3), dies: (2, saidSick)),
        Row("two failures are too few", every10(sick, times: 2)),
        Row(
            "failures count only in a row",
            [sick, sick, ready, sick, sick].enumerated().map { Probe(verdict: $1, at: Int64($0) * 10) }),
        Row("refused", every10(refused, times: 3), dies: (2, wasGone)),
        Row("silent and idle", every10(silent, times: 3), dies: (2, saidNothing)),
        Row(
            "somebody else has its port", every10(.stranger(reason: "pid 7 has it"), times: 3),
            dies: (2, LivenessTally.Death(cause: "liveness probe fails: pid 7 has it", isSilent: true))),
        Row(
            "nobody can reach it", every10(.unreachable(reason: "loopback alone"), times: 3),
            dies: (2, LivenessTally.Death(cause: "liveness probe fails: loopback alone", isSilent: true))),
        Row("who answers cannot be told", every10(.unprovable(reason: "?"), times: 9)),
        Row(
            "what cannot be told interrupts no row",
            [sick, sick, .unprovable(reason: "?"), sick].enumerated().map { Probe(verdict: $1, at: Int64($0) * 10) },
            dies: (3, saidSick)),
        // Predictions that are answered.
        Row("silent to probes, not to predictions", every10(silent, busy(heard: .seconds(3)), times: 9)),
        Row("refuses probes, answers predictions", every10(refused, busy(0, heard: .seconds(3)), times: 9)),
        Row(
            "its own word outweighs predictions", every10(sick, busy(heard: .seconds(3)), times: 3), dies: (2, saidSick)
        ),
        Row(
            "predictions of long ago prove nothing", every10(silent, busy(0, heard: .seconds(60)), times: 3),
            dies: (2, saidNothing)),
        Row(
            "a prediction in between is a success",
            [(silent, nil), (silent, nil), (silent, 1), (silent, nil), (silent, nil)].enumerated().map { index, probe in
                Probe(
                    verdict: probe.0, activity: busy(0, heard: probe.1.map { .seconds($0) }), at: Int64(index) * 10)
            }),
        Row(
            "a kept connection may occupy a one-threaded server",
            (1...5).map { Probe(verdict: silent, activity: busy(0, heard: .seconds($0)), at: Int64($0)) }),
        // Busy, and silent.
        Row("busy for as long as a prediction may take", every10(silent, busy(), times: 3)),
        Row("busy, and silent for too long", every10(silent, busy(), times: 9), dies: (5, saidNothing)),
        Row(
            "a request now and then hides no dead server",
            (1...9).map { Probe(verdict: silent, activity: busy($0 % 3 == 0 ? 0 : 1), at: Int64($0) * 10) },
            dies: (4, saidNothing)),
        Row(
            "a word in between, and its time begins anew",
            every10(silent, busy(), times: 5) + [Probe(verdict: ready, at: 60)]
                + (7...10).map { Probe(verdict: silent, activity: busy(), at: Int64($0) * 10) }),
    ]

    @Test func whoMayAnswerIsAsForReadiness() {
        var readiness = ProbeSpec()
        readiness.owner = .any
        var spec = ModelSpec()
        #expect(spec.effective.liveness == nil)
        spec.liveness = ProbeSpec()
        #expect(spec.effective.liveness?.effectiveOwner == .ours)
        spec.readiness = .http(readiness)
        #expect(spec.effective.liveness?.effectiveOwner == .any)
        spec.liveness?.owner = .ours
        #expect(spec.effective.liveness?.effectiveOwner == .ours)
    }

    @Test(arguments: rows)
    func verdict(_ row: Row) {
        var tally = LivenessTally()
        var probe = ProbeSpec()
        probe.interval = 10
        let rules = LivenessRules(probe, ModelSpec().effective)
        for (index, probe) in row.probes.enumerated() {
            let death = tally.note(
                probe.verdict, activity: probe.activity, rules: rules, at: Timestamp(milliseconds: probe.at * 1000))
            #expect(death == (row.dies?.at == index ? row.dies?.1 : nil), "probe \(index)")
            if death != nil { return }
        }
        #expect(row.dies == nil)
    }
}

@Suite(.timeLimit(.minutes(1))) struct LivenessTests {
    private static let port = 9000
    private static let sick = ProbeVerdict.answered(status: 500, address: "127.0.0.1")
    private static let cause = "liveness probe fails: it was answered with status 500"

    private func spec(
        load: LoadPolicy = .eager, liveness: Bool = true, _ change: (inout ModelSpec) -> Void = { _ in }
    ) -> ModelSpec {
        .local(load: load, port: Self.port) { spec in
            // No readiness probe goes on after the first success: what is asked is asked for liveness.
            spec.baseURL = "http://localhost:1"
            if liveness {
                var probe = ProbeSpec()
                probe.interval = 1
                probe.failures = 2
                spec.liveness = probe
            }
            change(&spec)
        }
    }

    /// Moves time on until the route of `a` answers `condition`, or for longer than any machine needs.
    private func advance(
        _ world: World, _ routes: RecordingRoutes, until condition: @escaping @Sendable (Route.Target?) -> Bool
    ) async {
        await withTaskGroup { group in
            group.addTask { await routes.wait(for: .a, condition) }
            group.addTask {
                let deadline = ContinuousClock.now + .seconds(60)
                while !Task.isCancelled, ContinuousClock.now < deadline {
                    world.time.advance(by: 1)
                    try? await Task.sleep(for: .milliseconds(1))
                }
            }
            await group.next()
            group.cancelAll()
        }
    }

    private func wasUnhealthy(_ routes: RecordingRoutes) -> Bool {
        routes.history.contains { change in
            guard case .set(let route) = change else { return false }
            let reason = Optional(route.target).unavailability
            return reason?.code == "model_unhealthy" && reason?.state == .unhealthy && reason?.message == Self.cause
        }
    }

    @Test func aDeadInstanceIsReplaced() async throws {
        let world = World()
        try await world.define([.a: spec()])
        try await world.run { _, routes in
            await routes.wait(for: .a) { $0.isInstance }
            let first = world.runtime.running(.a)
            world.prober.answer(Self.sick, onPort: Self.port)
            await advance(world, routes) { !$0.isInstance }
            world.prober.answer(nil, onPort: Self.port)
            await advance(world, routes) { $0.isInstance && $0.instance != first.first }
            #expect(wasUnhealthy(routes))
            #expect(world.runtime.stopped == first)
            #expect(world.runtime.launches(of: .a) == 2)
            let (model, _) = try #require(try await world.store.model(.a))
            #expect(model.backoff?.failures == 1 && model.backoff?.lastFailure.message == Self.cause)
        }
    }

    /// As after a crash: whoever asks next starts it.
    @Test func anOnDemandModelGoesToStandby() async throws {
        let world = World()
        try await world.define([.a: spec(load: .onDemand)])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isCold(.standby) }
            controller.demand(.a)
            await routes.wait(for: .a) { $0.isInstance }
            world.prober.answer(Self.sick, onPort: Self.port)
            await advance(world, routes) { $0.isCold(.standby) }
            #expect(wasUnhealthy(routes) && world.runtime.launches(of: .a) == 1)
            world.prober.answer(nil, onPort: Self.port)
            controller.demand(.a)
            await routes.wait(for: .a) { $0.isInstance }
            #expect(world.runtime.launches(of: .a) == 2)
        }
    }

    @Test func whatFailsAgainAndAgainWaitsLongerAndLonger() async throws {
        let world = World()
        try await world.define([.a: spec()])
        try await world.run { _, routes in
            await routes.wait(for: .a) { $0.isInstance }
            for failures in 1...3 {
                world.prober.answer(Self.sick, onPort: Self.port)
                await advance(world, routes) { !$0.isInstance }
                world.prober.answer(nil, onPort: Self.port)
                await advance(world, routes) { $0.isInstance }
                let (model, _) = try #require(try await world.store.model(.a))
                #expect(model.backoff?.failures == failures)
            }
        }
    }

    @Test func withoutLivenessNothingIsEnded() async throws {
        let world = World()
        try await world.define([.a: spec(liveness: false)])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isInstance }
            world.prober.answer(Self.sick, onPort: Self.port)
            // An edit that gives it counts at once.
            try await world.define([.a: spec()], in: controller)
            await advance(world, routes) { !$0.isInstance }
            #expect(wasUnhealthy(routes))
        }
    }

    /// The wait for a probe two hours away ends with an edit.
    @Test func anEditAppliesAtOnce() async throws {
        let world = World()
        try await world.define([.a: spec { $0.liveness?.interval = 7200 }])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isInstance }
            let start = world.time.now()
            world.prober.answer(Self.sick, onPort: Self.port)
            try await world.define([.a: spec()], in: controller)
            await advance(world, routes) { !$0.isInstance }
            #expect(world.time.now() - start < 7200)
        }
    }

    @Test func takingLivenessAwayEndsTheAsking() async throws {
        let world = World()
        try await world.define([.a: spec()])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isInstance }
            try await world.define([.a: spec(liveness: false)], in: controller)
            let isApplied = { @Sendable in
                if case .set(let last) = routes.history.last { Optional(last.target).isInstance } else { false }
            }
            await routes.wait(for: .a) { _ in isApplied() }
            world.prober.answer(Self.sick, onPort: Self.port)
            for _ in 0..<50 {
                world.time.advance(by: 1)
                await Task.yield()
            }
            #expect(routes.target(.a).isInstance && world.runtime.launches(of: .a) == 1)
        }
    }

    /// A server that still speaks finishes what is in flight, and one that does not is not waited for.
    @Test(arguments: [true, false])
    func onlyAServerThatSpeaksIsDrained(_ speaks: Bool) async throws {
        let world = World()
        try await world.define([.a: spec()])
        try await world.run { _, routes in
            await routes.wait(for: .a) { $0.isInstance }
            let first = world.runtime.running(.a)
            routes.keepBusy()
            world.prober.answer(speaks ? Self.sick : .failed(reason: "refused"), onPort: Self.port)
            await advance(world, routes) { !$0.isInstance }
            if speaks {
                // The drain of these routes never ends by itself.
                #expect(world.runtime.running(.a) == first)
            } else {
                world.prober.answer(nil, onPort: Self.port)
                await advance(world, routes) { $0.isInstance }
                #expect(world.runtime.stopped == first)
            }
        }
    }

    /// As for readiness: a one-threaded server that has just answered may be waiting on that connection.
    @Test func whoHasJustAnsweredIsNotUnready() async throws {
        let world = World()
        let explicit = spec(liveness: false) { $0.readiness = .http(ProbeSpec()) }
        try await world.define([.a: explicit])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isInstance }
            routes.setActivity(InstanceActivity(sinceLastAnswer: .seconds(1), sinceLastByte: .seconds(1)))
            world.prober.answer(.timedOut(address: "127.0.0.1"), onPort: Self.port)
            for _ in 0..<10 { await world.time.advanceToNextDeadline() }
            // A look that comes later than whatever the probes have led to.
            var edited = explicit
            edited.timeout = 5
            try await world.define([.a: edited], in: controller)
            #expect(routes.target(.a).isInstance)
            #expect(
                !routes.history.contains { change in
                    if case .set(let route) = change { Optional(route.target).unavailability != nil } else { false }
                })
            routes.setActivity(InstanceActivity())
            await advance(world, routes) { $0.unavailability?.code == "model_unhealthy" }
        }
    }

    @Test func anAdoptedInstanceIsWatchedToo() async throws {
        let world = World()
        try await world.define([.a: spec()])
        try await world.run { _, routes in await routes.wait(for: .a) { $0.isInstance } }
        try await world.run { _, routes in
            await routes.wait(for: .a) { $0.isInstance }
            world.prober.answer(Self.sick, onPort: Self.port)
            await advance(world, routes) { !$0.isInstance }
            #expect(wasUnhealthy(routes))
        }
    }
}
