import ModelCore
import Testing

/// Situation → decision and cause, one row each.
struct DecideTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let observed: Observation
        let expected: Decision

        init(
            _ name: String, _ model: ModelRecord, _ instances: [InstanceRecord] = [], isShuttingDown: Bool = false,
            idleSince: Timestamp? = nil, eviction: String? = nil, outlook: SuccessorOutlook = .ready,
            attended: Set<InstanceID> = [], lacksRoomBeside: Bool = false, restorable: InstanceRecord? = nil,
            formerSpecs: [InstanceID: ModelSpec] = [:], expect expected: Decision
        ) {
            testDescription = name
            var observed = Observation(
                model: model, instances: instances, isShuttingDown: isShuttingDown, idleSince: idleSince,
                eviction: eviction)
            observed.outlook = outlook
            observed.attended = attended
            observed.lacksRoomBeside = lacksRoomBeside
            observed.restorable = restorable
            observed.formerSpecs = formerSpecs
            self.observed = observed
            self.expected = expected
        }
    }

    private typealias S = Situation
    private static let now = Situation.now

    @Test(arguments: nothingRuns + loading + serving + idling + ending + unknown + shuttingDown)
    func decision(_ row: Row) {
        #expect(decide(row.observed, now: Self.now) == row.expected)
    }

    private static let nothingRuns = [
        Row("standby stays standby", S.model(), expect: .settled),
        Row(
            "a request starts an on-demand model", S.demanded(), expect: .operate(.start, cause: "demanded by request")),
        Row("eager starts by itself", S.eager(), expect: .operate(.start, cause: "load: eager")),
        Row(
            "eager says eager, whoever asks", S.eager { $0.demand = .loaded(since: now, by: "load") },
            expect: .operate(.start, cause: "load: eager")),
        Row("a remote model has nothing to start", S.model(S.spec(load: .eager, source: nil)), expect: .settled),
        Row("a hold outweighs eager", S.eager { $0.hold = Hold(since: now, by: "admin") }, expect: .settled),
        Row("a hold outweighs demand", S.demanded { $0.hold = Hold(since: now, by: "admin") }, expect: .settled),
        Row("demand that was served counts no longer", S.demanded { $0.lastExitAt = now + -5 }, expect: .settled),
        Row(
            "demand after the last exit counts", S.demanded { $0.lastExitAt = now + -15 },
            expect: .operate(.start, cause: "demanded by request")),
        Row(
            "an eager model that ended starts again", S.eager { $0.lastExitAt = now },
            expect: .operate(.start, cause: "load: eager")),
        Row(
            "backoff is waited for", S.eager { $0.backoff = S.backoff(until: now + 3) },
            expect: .wait(until: now + 3, reason: "exited with code 1")),
        Row(
            "backoff is over at its very moment", S.eager { $0.backoff = S.backoff(failures: 2, until: now) },
            expect: .operate(.start, cause: "try 3 after: exited with code 1")),
        Row(
            "a terminal failure is tried again too",
            S.demanded { $0.backoff = S.backoff(failures: 1, until: now + -1, .terminal) },
            expect: .operate(.start, cause: "try 2 after: exited with code 1")),
        Row(
            "a standby model in backoff is looked at again", S.model { $0.backoff = S.backoff(until: now + 3) },
            expect: .wait(until: now + 3, reason: "exited with code 1")),
        Row(
            "a standby model remembers, but does nothing", S.model { $0.backoff = S.backoff(until: now) },
            expect: .settled),
        Row(
            "a removed model is forgotten", S.eager { $0.isRemoved = true },
            expect: .operate(.remove, cause: "removed from its manifest")),
        Row(
            "a removed model is forgotten in backoff too",
            S.eager {
                $0.isRemoved = true
                $0.backoff = S.backoff(until: now + 3)
            }, expect: .operate(.remove, cause: "removed from its manifest")),
    ]

    private static let loading = [
        Row(
            "a load is waited for, up to its limit", S.demanded(), [S.instance(.starting)],
            expect: .wait(until: now + 590, reason: "waits for readiness")),
        Row(
            "before it is let go, the limit counts from its making", S.demanded(), [S.instance(.gated)],
            expect: .wait(until: now + 589, reason: "waits for readiness")),
        Row(
            "a load at its limit is given up", S.demanded { $0.spec.startTimeout = 10 }, [S.instance(.starting)],
            expect: .operate(.giveUp(.i), cause: "not ready within start_timeout (10s)")),
        Row(
            "the limit is the model's own, as it is now",
            S.demanded { $0.spec.startTimeout = Seconds(milliseconds: 10_001) },
            [S.instance(.starting)],
            expect: .wait(until: now + Seconds(milliseconds: 1), reason: "waits for readiness")),
        Row(
            "a load nobody wants any more is stopped", S.model(), [S.instance(.starting)],
            expect: .operate(.stop(.i), cause: "unloaded: nothing demands it")),
        Row(
            "an edit replaces what is still loading", S.demanded { edit(&$0, command: "other") },
            [S.instance(.starting)],
            expect: .operate(.stop(.i), cause: "startup_command: serve → other")),
    ]

    private static let idling = [
        Row(
            "idle for less than it may be", idleAfter5(), [routed], idleSince: now + -4,
            expect: .wait(until: now + 1, reason: "it is unloaded after being idle for 5s")),
        Row(
            "idle for as long as it may be", idleAfter5(), [routed], idleSince: now + -5,
            expect: .operate(.unload(.i), cause: "idle for 5s (idle_timeout)")),
        Row(
            "in use: it is idle for long enough in five seconds at the earliest", idleAfter5(), [routed],
            expect: .wait(until: now + 5, reason: "it is in use")),
        Row(
            "pinned ones are unloaded by idleness, too", idleAfter5 { $0.spec.pinned = true }, [routed],
            idleSince: now + -5, expect: .operate(.unload(.i), cause: "idle for 5s (idle_timeout)")),
        Row(
            "eager ones stay", idleAfter5 { $0.spec.load = .eager }, [routed], idleSince: now + -5, expect: .settled),
        Row("no timeout, no end", S.demanded(), [routed], idleSince: now + -5000, expect: .settled),
        Row(
            "failures are forgotten before it is idle for long enough",
            idleAfter5 {
                $0.spec.idleTimeout = .after(500)
                $0.backoff = S.backoff(until: now)
            }, [routed], idleSince: now,
            expect: .wait(until: now + 50, reason: "earlier failures are forgotten once it has been ready for a while")),
        Row(
            "an unready one that nobody uses", idleAfter5(), [S.instance(.unready)], idleSince: now + -5,
            expect: .operate(.unload(.i), cause: "idle for 5s (idle_timeout)")),
        Row(
            "one that is not yet switched to is not idle", idleAfter5(), [S.instance(.ready)], idleSince: now + -50,
            expect: .operate(.switch(.i), cause: "instance is ready")),
        Row(
            "one that is to make room", S.demanded(), [routed], eviction: "makes room",
            expect: .operate(.unload(.i), cause: "makes room")),
        Row(
            "a pinned one makes none", S.demanded { $0.spec.pinned = true }, [routed], eviction: "makes room",
            expect: .settled),
        Row("an eager one makes none", S.eager(), [routed], eviction: "makes room", expect: .settled),
        Row(
            "one that loads makes none", S.demanded(), [S.instance(.starting)], eviction: "makes room",
            expect: .wait(until: now + 590, reason: "waits for readiness")),
    ]

    private static let routed = S.instance(.ready, isRouted: true)

    private static func idleAfter5(_ change: (inout ModelRecord) -> Void = { _ in }) -> ModelRecord {
        S.demanded {
            $0.spec.idleTimeout = .after(5)
            change(&$0)
        }
    }

    private static let serving = [
        Row(
            "a ready instance is switched to", S.demanded(), [S.instance(.ready)],
            expect: .operate(.switch(.i), cause: "instance is ready")),
        Row("all is well", S.demanded(), [S.instance(.ready, isRouted: true)], expect: .settled),
        Row(
            "route fields are applied to what runs",
            S.demanded {
                $0.spec.timeout = 1
                $0.spec.endpoint = "/other"
                $0.spec.headers = ["A": "b"]
            }, [S.instance(.ready, isRouted: true)], expect: .settled),
        Row(
            "failures are forgotten after a minute of readiness",
            S.demanded { $0.backoff = S.backoff(until: now + -100) }, [S.instance(.ready, isRouted: true)],
            expect: .wait(until: now + 50, reason: "earlier failures are forgotten once it has been ready for a while")),
        Row(
            "… and then they are",
            S.demanded { $0.backoff = S.backoff(until: now + -100) },
            [S.instance(.ready, isRouted: true) { $0.phaseSince = now + -60 }],
            expect: .operate(.forgetBackoff, cause: "ready for 60s")),
        Row(
            "an unready instance gets no requests", S.demanded(), [S.instance(.unready, isRouted: true)],
            expect: .operate(.unroute(.i), cause: "readiness probe fails")),
        Row(
            "an unready instance is left to recover", S.demanded(), [S.instance(.unready)],
            expect: .wait(until: nil, reason: "waits for readiness")),
    ]

    private static let ending = [
        Row(
            "what has requests is drained first", S.model(), [S.instance(.ready, isRouted: true)],
            expect: .operate(.drain(.i), cause: "unloaded: nothing demands it")),
        Row(
            "what may have had some is drained, too", S.model(), [S.instance(.ready)],
            expect: .operate(.drain(.i), cause: "unloaded: nothing demands it")),
        Row(
            "an unready one without a route as well", S.model(), [S.instance(.unready)],
            expect: .operate(.drain(.i), cause: "unloaded: nothing demands it")),
        Row(
            "what has never been ready is stopped", S.model(), [S.instance(.starting)],
            expect: .operate(.stop(.i), cause: "unloaded: nothing demands it")),
        Row(
            "a hold ends it", S.eager { $0.hold = Hold(since: now, by: "admin") },
            [S.instance(.ready, isRouted: true)], expect: .operate(.drain(.i), cause: "unloaded by admin")),
        Row(
            "a removal ends it", S.eager { $0.isRemoved = true }, [S.instance(.ready, isRouted: true)],
            expect: .operate(.drain(.i), cause: "removed from its manifest")),
        Row(
            "a model that became remote ends it",
            S.model(S.spec(source: nil), generation: 2), [S.instance(.ready, isRouted: true)],
            expect: .operate(.drain(.i), cause: "source was removed from its manifest")),
        Row(
            "after the drain comes the stop, for the same cause", S.model(),
            [S.instance(.draining) { $0.stopCause = "unloaded by admin" }],
            expect: .operate(.stop(.i), cause: "unloaded by admin")),
        Row(
            "what is leaving leaves, though it is wanted again", S.demanded(),
            [S.instance(.draining) { $0.stopCause = "unloaded by admin" }],
            expect: .operate(.stop(.i), cause: "unloaded by admin")),
        Row(
            "a stop goes on after a crash", S.model(), [S.instance(.stopping)],
            expect: .operate(.stop(.i), cause: "stop was interrupted")),
        Row(
            "what is leaving goes before the new one is looked at", S.demanded { $0.generation = 2 },
            [S.instance(.stopping, id: "old"), S.instance(.ready, id: "new", generation: 2)],
            expect: .operate(.stop(InstanceID("old")), cause: "stop was interrupted")),
    ]

    private static let unknown = [
        Row(
            "an unknown instance stops everything", S.eager(),
            [S.instance(.ready, isRouted: true) { $0.unknownReason = "no /proc" }],
            expect: .wait(until: nil, reason: "no /proc")),
        Row(
            "it is not stopped with its model", S.eager { $0.isRemoved = true },
            [S.instance(.stopping) { $0.unknownReason = "no /proc" }], expect: .wait(until: nil, reason: "no /proc")),
        Row(
            "nor is another one", S.model(),
            [S.instance(.ready, id: "a"), S.instance(.stopping, id: "b") { $0.unknownReason = "no /proc" }],
            expect: .wait(until: nil, reason: "no /proc")),
        Row(
            "not even at a shutdown", S.model(), [S.instance(.starting) { $0.unknownReason = "no /proc" }],
            isShuttingDown: true, expect: .wait(until: nil, reason: "no /proc")),
    ]

    private static let shuttingDown = [
        Row(
            "a shutdown drains", S.eager(), [S.instance(.ready, isRouted: true)], isShuttingDown: true,
            expect: .operate(.drain(.i), cause: "modelet is shutting down")),
        Row(
            "a shutdown stops a load", S.eager(), [S.instance(.starting)], isShuttingDown: true,
            expect: .operate(.stop(.i), cause: "modelet is shutting down")),
        Row("a shutdown starts nothing", S.eager(), isShuttingDown: true, expect: .settled),
        Row(
            "a shutdown still forgets what was removed", S.eager { $0.isRemoved = true }, isShuttingDown: true,
            expect: .operate(.remove, cause: "removed from its manifest")),
    ]

    private static func edit(_ model: inout ModelRecord, command: String) {
        model.spec.source = S.artifact(command: command)
        model.generation += 1
    }
}
