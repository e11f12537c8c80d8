import ModelCore
import Testing

/// What is decided about an instance of a former generation and its successor, for each update policy and each state of
/// the two. The situations are those in which TensorFlow Serving's manager of aspired versions is tested.
struct ReplaceTests {
    private typealias S = Situation
    private typealias Row = DecideTests.Row
    private static let now = Situation.now
    private static let edited = "startup_command: serve → other"

    @Test(arguments: beside + inTurn + supply + failing + restoring + changingOneself + leaving)
    func decision(_ row: DecideTests.Row) {
        #expect(decide(row.observed, now: Self.now) == row.expected)
    }

    /// A model whose command was edited, so that its instance `i` is of a former generation.
    private static func model(
        _ update: UpdatePolicy? = nil, port: Int? = nil, _ change: (inout ModelRecord) -> Void = { _ in }
    ) -> ModelRecord {
        S.demanded { model in
            model.spec.update = update
            model.spec.source = S.artifact(command: "other", port: port)
            model.generation = 2
            change(&model)
        }
    }

    private static let serving = S.instance(.ready, isRouted: true)
    private static let editedAgain = model {
        $0.generation = 3
        $0.spec.source = S.artifact(command: "third")
    }

    private static func next(_ phase: Phase, isRouted: Bool = false) -> InstanceRecord {
        S.instance(
            phase, id: "other", generation: 2, isRouted: isRouted, source: S.artifact(command: "other")
        ) { $0.port = 20001 }
    }

    private static let beside = [
        Row("the successor is started beside it", model(), [serving], expect: .operate(.start, cause: edited)),
        Row(
            "a restart does the same", S.demanded { $0.beginFreshGeneration() }, [serving],
            expect: .operate(.start, cause: "restart was requested")),
        Row(
            "while the successor loads, it serves", model(), [serving, next(.starting)],
            expect: .wait(until: now + 590, reason: "waits for readiness")),
        Row(
            "once the successor is ready, predictions go there", model(), [serving, next(.ready)],
            expect: .operate(.switch(.other), cause: "instance is ready")),
        Row(
            "only then it is drained, though it has no route any more", model(),
            [S.instance(.ready), next(.ready, isRouted: true)], expect: .operate(.drain(.i), cause: edited)),
        Row(
            "while it is drained, nothing waits for that", model(),
            [S.instance(.draining) { $0.stopCause = edited }, next(.ready, isRouted: true)], attended: [.i],
            expect: .settled),
        Row(
            "once it is drained, it is stopped", model(),
            [S.instance(.draining) { $0.stopCause = edited }, next(.ready, isRouted: true)],
            expect: .operate(.stop(.i), cause: edited)),
        Row(
            "one that became ready just before the edit answers those who wait", model(), [S.instance(.ready)],
            expect: .operate(.switch(.i), cause: "instance is ready")),
        Row(
            "one that is still loading serves nobody", model(), [S.instance(.starting)],
            expect: .operate(.stop(.i), cause: edited)),
        Row(
            "one that is not ready any more leaves the route", model(), [S.instance(.unready, isRouted: true)],
            expect: .operate(.unroute(.i), cause: "readiness probe fails")),
        Row(
            "… and may recover before its successor is ready", model(), [S.instance(.unready)],
            expect: .operate(.start, cause: edited)),
        Row(
            "… the same while that loads", model(), [S.instance(.unready, isRouted: true), next(.starting)],
            expect: .operate(.unroute(.i), cause: "readiness probe fails")),
        Row(
            "… which is waited for", model(), [S.instance(.unready), next(.starting)],
            expect: .wait(until: now + 590, reason: "waits for readiness")),
        Row(
            "… and once it has recovered it serves until then", model(), [S.instance(.ready), next(.starting)],
            expect: .operate(.switch(.i), cause: "instance is ready, and serves until it is replaced")),
        Row(
            "a successor that is ready first is switched to", model(), [S.instance(.unready), next(.ready)],
            expect: .operate(.switch(.other), cause: "instance is ready")),
        Row(
            "a successor that stops being ready before it has served is waited for", model(),
            [serving, next(.unready)], expect: .wait(until: nil, reason: "waits for readiness")),
        Row(
            "a new image that is followed replaces it, and is named",
            S.demanded {
                $0.beginFreshGeneration()
                $0.drift = "r/x@sha256:bbbbbbbbbbbbbbbb"
                $0.followsDrift = true
            }, [S.instance(.ready, isRouted: true) { $0.image = "r/x@sha256:aaaaaaaaaaaaaaaa" }],
            expect: .operate(.start, cause: "image: sha256:aaaaaaaaaaaa… → sha256:bbbbbbbbbbbb…")),
        Row(
            "… beside what an edit changed",
            model {
                $0.drift = "r/x@sha256:b"
                $0.followsDrift = true
            }, [S.instance(.ready, isRouted: true) { $0.image = "r/x@sha256:a" }],
            expect: .operate(.start, cause: "startup_command: serve → other, image: sha256:a → sha256:b")),
        Row(
            "a restart of one whose image has moved is a restart",
            S.demanded {
                $0.beginFreshGeneration()
                $0.drift = "r/x@sha256:b"
            }, [S.instance(.ready, isRouted: true) { $0.image = "r/x@sha256:a" }],
            expect: .operate(.start, cause: "restart was requested")),
        Row(
            "drift alone is not acted upon", S.demanded { $0.drift = "r/x@sha256:b" },
            [S.instance(.ready, isRouted: true) { $0.image = "r/x@sha256:a" }], expect: .settled),
    ]

    private static let inTurn = [
        Row(
            "resource: what serves is drained first", model(.resource), [serving],
            expect: .operate(.drain(.i), cause: edited)),
        Row(
            "a fixed port that both need: the same", model(port: 20000), [serving],
            expect: .operate(
                .drain(.i), cause: "port: (not set) → 20000, startup_command: serve → other")),
        Row(
            "another fixed port: beside it", model(port: 8501), [serving],
            expect: .operate(.start, cause: "port: (not set) → 8501, startup_command: serve → other")),
        Row(
            "no room for two: what serves is drained first", model(), [serving], lacksRoomBeside: true,
            expect: .operate(.drain(.i), cause: edited)),
        Row(
            "resource: the successor waits for the end", model(.resource),
            [S.instance(.stopping) { $0.stopCause = edited }], attended: [.i],
            expect: .wait(until: nil, reason: "waits for the end of the former instance: \(edited)")),
        Row(
            "resource: then it is started", model(.resource), expect: .operate(.start, cause: "demanded by request")),
    ]

    private static let supply = [
        Row(
            "resource: what serves is not ended before the image of the new one is there", model(.resource), [serving],
            outlook: .awaitsImage, expect: .wait(until: nil, reason: "the image of the new generation is being fetched")
        ),
        Row(
            "… nor before its port is free", model(.resource), [serving],
            outlook: .awaitsPort(9000, holder: ModelKey(domain: "o", source: "o", model: "o")),
            expect: .wait(until: nil, reason: "port 9000 is leased to o/o/o")),
        Row(
            "… nor where that cannot be got", model(.resource) { $0.backoff = S.backoff(until: now + 3) }, [serving],
            outlook: .awaitsImage, expect: .wait(until: now + 3, reason: "BlockedByFailedLoad: exited with code 1")),
        Row(
            "… it is asked for again when its time has come",
            model(.resource) { $0.backoff = S.backoff(until: now, .terminal) }, [serving], outlook: .awaitsImage,
            expect: .wait(until: nil, reason: "the image of the new generation is being fetched")),
        Row(
            "… what serves nobody is ended at once", model(.resource), [S.instance(.starting)], outlook: .awaitsImage,
            expect: .operate(.stop(.i), cause: edited)),
        Row(
            "… what waits for that is unloaded once it is idle",
            model(.resource) { $0.spec.idleTimeout = .after(4) }, [serving], idleSince: now + -4, outlook: .awaitsImage,
            expect: .operate(.unload(.i), cause: "idle for 4s (idle_timeout)")),
        Row(
            "… is looked at again when it may be idle",
            model(.resource) {
                $0.spec.idleTimeout = .after(4)
                $0.backoff = S.backoff(until: now + 30)
            }, [serving], idleSince: now + -1, outlook: .awaitsImage,
            expect: .wait(until: now + 3, reason: "it is unloaded after being idle for 4s")),
        Row(
            "… and makes room", model(.resource), [serving], eviction: "makes room for o/o/o", outlook: .awaitsImage,
            expect: .operate(.unload(.i), cause: "makes room for o/o/o")),
        Row(
            "… a hold waits for no image", model(.resource) { $0.hold = Hold(since: now, by: "admin") }, [serving],
            outlook: .awaitsImage, expect: .operate(.drain(.i), cause: "unloaded by admin")),
        Row(
            "… nor does a shutdown", model(.resource), [serving], isShuttingDown: true, outlook: .awaitsImage,
            expect: .operate(.drain(.i), cause: "modelet is shutting down")),
    ]

    private static let failing = [
        Row(
            "an error does not unload what serves; it is tried again later",
            model { $0.backoff = S.backoff(until: now + 3) }, [serving],
            expect: .wait(until: now + 3, reason: "BlockedByFailedLoad: exited with code 1")),
        Row(
            "a terminal error does not unload it either",
            model { $0.backoff = S.backoff(until: now + 600, .terminal) }, [serving],
            expect: .wait(until: now + 600, reason: "BlockedByFailedLoad: exited with code 1")),
        Row(
            "a retry is made when its time has come", model { $0.backoff = S.backoff(failures: 2, until: now) },
            [serving], expect: .operate(.start, cause: "try 3 after: exited with code 1")),
        Row(
            "however often it has failed", model { $0.backoff = S.backoff(failures: 20, until: now) },
            [serving], expect: .operate(.start, cause: "try 21 after: exited with code 1")),
        Row(
            "a retry that finally succeeds is switched to", model { $0.backoff = S.backoff(failures: 2, until: now) },
            [serving, next(.ready)], expect: .operate(.switch(.other), cause: "instance is ready")),
        Row(
            "the next good edit proceeds at once", model { $0.generation = 3 }, [serving],
            expect: .operate(.start, cause: edited)),
        Row(
            "what waits for a retry is unloaded when it is idle",
            model {
                $0.backoff = S.backoff(until: now + 3)
                $0.spec.idleTimeout = .after(4)
            }, [serving], idleSince: now + -4, expect: .operate(.unload(.i), cause: "idle for 4s (idle_timeout)")),
        Row(
            "… and makes room", model { $0.backoff = S.backoff(until: now + 3) }, [serving], eviction: "makes room",
            expect: .operate(.unload(.i), cause: "makes room")),
        Row(
            "what stops being ready while its successor may not be tried leaves the route",
            model { $0.backoff = S.backoff(until: now + 3) }, [S.instance(.unready, isRouted: true)],
            expect: .operate(.unroute(.i), cause: "readiness probe fails")),
        Row(
            "… is left to recover", model { $0.backoff = S.backoff(until: now + 3) }, [S.instance(.unready)],
            expect: .wait(until: now + 3, reason: "BlockedByFailedLoad: exited with code 1")),
        Row(
            "… and serves again", model { $0.backoff = S.backoff(until: now + 3) }, [S.instance(.ready)],
            expect: .operate(.switch(.i), cause: "instance is ready")),
        Row(
            "what the next generation has failed at is not forgotten because the former one has lasted",
            model { $0.backoff = S.backoff(until: now + 3) },
            [S.instance(.ready, isRouted: true) { $0.phaseSince = now + -100 }],
            expect: .wait(until: now + 3, reason: "BlockedByFailedLoad: exited with code 1")),
        Row(
            "a successor that is not ready in time is given up",
            model { $0.spec.startTimeout = 10 }, [serving, next(.starting)],
            expect: .operate(.giveUp(.other), cause: "not ready within start_timeout (10s)")),
        Row(
            "what is left of it is stopped", model(),
            [serving, next(.stopping)], expect: .operate(.stop(.other), cause: "stop was interrupted")),
        Row(
            "a successor whose launch was interrupted is stopped", model(), [serving, next(.intent)],
            expect: .operate(.stop(.other), cause: "its launch was interrupted")),
    ]

    private static let former = S.instance(.exited)
    private static let standIn = S.instance(.ready, id: "again", isRouted: true) { $0.insteadOf = 2 }
    private static let again = InstanceID("again")

    private static func accepted(startTimeout: Seconds) -> ModelSpec {
        var spec = S.spec()
        spec.startTimeout = startTimeout
        return spec
    }

    private static let hasty = model(.resource) {
        $0.spec.startTimeout = 1
        $0.backoff = S.backoff(failures: 3, until: now + 600, .terminal)
    }

    private static let restoring = [
        Row(
            "resource: after one failure the new one is tried again",
            model(.resource) { $0.backoff = S.backoff(failures: 1, until: now) }, restorable: former,
            expect: .operate(.start, cause: "try 2 after: exited with code 1")),
        Row(
            "… after the second, too", model(.resource) { $0.backoff = S.backoff(failures: 2, until: now + 1) },
            restorable: former, expect: .wait(until: now + 1, reason: "exited with code 1")),
        Row(
            "… after the third, the last one that was ready is started again, at once",
            model(.resource) { $0.backoff = S.backoff(failures: 3, until: now + 2) }, restorable: former,
            expect: .operate(.restore, cause: "generation 2 has failed 3 times: exited with code 1")),
        Row(
            "… after one that is final, too",
            model(.resource) { $0.backoff = S.backoff(failures: 1, until: now + 600, .terminal) }, restorable: former,
            expect: .operate(.restore, cause: "generation 2 has failed for good: exited with code 1")),
        Row(
            "… whatever the policy: what served may have ended while its successor could not be loaded",
            model { $0.backoff = S.backoff(failures: 3, until: now + 2) }, restorable: former,
            expect: .operate(.restore, cause: "generation 2 has failed 3 times: exited with code 1")),
        Row(
            "… for a model that nobody wants nothing is",
            model(.resource) {
                $0.demand = .none
                $0.backoff = S.backoff(failures: 3, until: now + 2)
            }, restorable: former, expect: .wait(until: now + 2, reason: "exited with code 1")),
        Row(
            "where nothing was ever ready, the new one is tried on and on",
            model(.resource) { $0.backoff = S.backoff(failures: 30, until: now) },
            expect: .operate(.start, cause: "try 31 after: exited with code 1")),
        Row(
            "one that stands in is waited for", model(.resource) { $0.backoff = S.backoff(failures: 3, until: now) },
            [S.instance(.starting, id: "again") { $0.insteadOf = 2 }],
            expect: .wait(until: now + 590, reason: "waits for readiness")),
        Row(
            "… is switched to", model(.resource) { $0.backoff = S.backoff(failures: 3, until: now) },
            [S.instance(.ready, id: "again") { $0.insteadOf = 2 }],
            expect: .operate(.switch(again), cause: "instance is ready")),
        Row(
            "… and then left alone", model(.resource) { $0.backoff = S.backoff(failures: 3, until: now + -9) },
            [standIn], expect: .wait(until: nil, reason: "BlockedByFailedLoad: exited with code 1")),
        Row(
            "… until the next edit, which proceeds at once", model(.resource) { $0.generation = 3 }, [standIn],
            expect: .operate(.drain(again), cause: edited)),
        Row(
            "… or a word of an operator", model(.resource), [standIn],
            expect: .operate(.drain(again), cause: edited)),
        Row(
            "availability: beside it the new one is tried again when its time has come",
            model { $0.backoff = S.backoff(failures: 3, until: now) }, [standIn],
            expect: .operate(.start, cause: "try 4 after: exited with code 1")),
        Row(
            "… not before it serves", model { $0.backoff = S.backoff(failures: 3, until: now) },
            [S.instance(.starting, id: "again") { $0.insteadOf = 2 }],
            expect: .wait(until: now + 590, reason: "waits for readiness")),
        Row(
            "what stands in has the time to load that it was accepted with", hasty,
            [S.instance(.starting, id: "again") { $0.insteadOf = 2 }],
            formerSpecs: [again: accepted(startTimeout: 60)],
            expect: .wait(until: now + 50, reason: "waits for readiness")),
        Row(
            "… and no more", hasty, [S.instance(.starting, id: "again") { $0.insteadOf = 2 }],
            formerSpecs: [again: accepted(startTimeout: 10)],
            expect: .operate(.giveUp(again), cause: "not ready within start_timeout (10s)")),
        Row(
            "one that is still loading when it is not needed any more is stopped",
            model(.resource) { $0.generation = 3 },
            [S.instance(.starting, id: "again") { $0.insteadOf = 2 }],
            expect: .operate(.stop(again), cause: edited)),
        Row(
            "what stands in and fails is tried again after its own backoff",
            model(.resource) {
                $0.backoff = S.backoff(failures: 3, until: now + 600, .terminal)
                $0.restoration = S.backoff(failures: 2, until: now + 1)
            }, restorable: former, expect: .wait(until: now + 1, reason: "exited with code 1")),
        Row(
            "… and then at once",
            model(.resource) {
                $0.backoff = S.backoff(failures: 3, until: now + 600, .terminal)
                $0.restoration = S.backoff(failures: 2, until: now)
            }, restorable: former,
            expect: .operate(.restore, cause: "generation 2 has failed for good: exited with code 1")),
        Row(
            "resource: one that fits the port of the former is not started beside it",
            model(port: 20000) { $0.backoff = S.backoff(failures: 3, until: now) }, [standIn],
            expect: .wait(until: nil, reason: "BlockedByFailedLoad: exited with code 1")),
    ]

    private static let changingOneself = [
        Row(
            "another edit: the successor that loads is of no use", editedAgain,
            [serving, next(.starting)], expect: .operate(.stop(.other), cause: "startup_command: other → third")),
        Row(
            "the next one need not wait for its end", editedAgain,
            [serving, next(.stopping)], attended: [.other],
            expect: .operate(.start, cause: "startup_command: serve → third")),
        Row(
            "another restart: the successor that loads is stale",
            model {
                $0.beginFreshGeneration()
            }, [serving, next(.starting)], expect: .operate(.stop(.other), cause: "restart was requested")),
        Row(
            "another edit that leaves the run fields as they are: the successor is as good as ever",
            model { $0.spec.timeout = 5 }, [serving, next(.starting)],
            expect: .wait(until: now + 590, reason: "waits for readiness")),
        Row(
            "an edit that is taken back needs nothing but what runs", S.demanded { $0.generation = 3 }, [serving],
            expect: .settled),
        Row(
            "… its successor goes, ready or not", S.demanded { $0.generation = 3 }, [serving, next(.starting)],
            expect: .operate(.stop(.other), cause: "startup_command: other → serve")),
        Row(
            "… even if predictions go there already", S.demanded { $0.generation = 3 },
            [S.instance(.ready), next(.ready, isRouted: true)],
            expect: .operate(.switch(.i), cause: "instance is ready")),
        Row(
            "… but not what is on its way out", S.demanded { $0.generation = 3 },
            [S.instance(.draining), next(.ready, isRouted: true)], attended: [.i],
            expect: .operate(.start, cause: "startup_command: other → serve")),
        Row(
            "… nor what a restart was asked for",
            S.demanded {
                $0.beginFreshGeneration()
                $0.generation += 1
            }, [serving], expect: .operate(.start, cause: "restart was requested")),
        Row(
            "resource: what stands in is what is wanted once the edit is taken back",
            S.demanded {
                $0.generation = 3
                $0.spec.update = .resource
            }, [standIn], expect: .settled),
        Row(
            "unloaded meanwhile: what serves goes", model { $0.demand = .none }, [serving, next(.starting)],
            expect: .operate(.drain(.i), cause: "unloaded: nothing demands it")),
        Row(
            "and what loads goes", model { $0.demand = .none },
            [S.instance(.draining), next(.starting)], attended: [.i],
            expect: .operate(.stop(.other), cause: "unloaded: nothing demands it")),
        Row(
            "and what has just been switched from", model { $0.demand = .none },
            [S.instance(.ready), next(.ready, isRouted: true)],
            expect: .operate(.drain(.other), cause: "unloaded: nothing demands it")),
        Row(
            "removed meanwhile: the same", model { $0.isRemoved = true },
            [serving, next(.starting)], expect: .operate(.drain(.i), cause: "removed from its manifest")),
        Row(
            "a shutdown amid it ends both", model(), [serving, next(.starting)], isShuttingDown: true,
            expect: .operate(.drain(.i), cause: "modelet is shutting down")),
        Row(
            "it is not unloaded for being idle while its successor loads",
            model { $0.spec.idleTimeout = .after(1) }, [serving, next(.starting)], idleSince: now + -100,
            expect: .wait(until: now + 590, reason: "waits for readiness")),
        Row(
            "nor does what loads make room in its place", model(), [serving, next(.unready)], eviction: "makes room",
            expect: .wait(until: nil, reason: "waits for readiness")),
        Row(
            "one that is idle is not replaced, but unloaded", model { $0.spec.idleTimeout = .after(1) }, [serving],
            idleSince: now + -100, expect: .operate(.unload(.i), cause: "idle for 1s (idle_timeout)")),
    ]

    private static let three = (1...3).map { number in
        S.instance(.stopping, id: "leaving-\(number)") { $0.stopCause = edited }
    }

    private static let threeIDs = Set(three.map(\.id))
    private static let threeBesideOne = three + [serving]
    private static let twoBesideOne = Array(three.dropLast()) + [serving]

    private static let leaving = [
        Row(
            "what was unloaded and is wanted again does not wait for its end", S.demanded(),
            [S.instance(.stopping) { $0.stopCause = "unloaded by admin" }], attended: [.i],
            expect: .operate(.start, cause: "demanded by request")),
        Row(
            "… resource: it does", S.demanded { $0.spec.update = .resource },
            [S.instance(.stopping) { $0.stopCause = "unloaded by admin" }], attended: [.i],
            expect: .wait(until: nil, reason: "waits for the end of the former instance: unloaded by admin")),
        Row(
            "the successor has died while the former one is drained: it is tried again",
            model { $0.backoff = S.backoff(failures: 1, until: now) },
            [S.instance(.draining) { $0.stopCause = edited }],
            attended: [.i], expect: .operate(.start, cause: "try 2 after: exited with code 1")),
        Row(
            "… once its backoff is over",
            model { $0.backoff = S.backoff(until: now + 3) }, [S.instance(.draining) { $0.stopCause = edited }],
            attended: [.i], expect: .wait(until: now + 3, reason: "exited with code 1")),
        Row(
            "… and where it is rejected, what was ready last is started beside its own former instance",
            model { $0.backoff = S.backoff(failures: 3, until: now + 2) },
            [S.instance(.draining) { $0.stopCause = edited }], attended: [.i], restorable: former,
            expect: .operate(.restore, cause: "generation 2 has failed 3 times: exited with code 1")),
        Row(
            "… a port that is still taken is waited for",
            model(port: 20000) { $0.backoff = S.backoff(until: now) },
            [S.instance(.draining) { $0.stopCause = edited }], attended: [.i],
            expect: .wait(until: nil, reason: "waits for the end of the former instance: \(edited)")),
        Row(
            "… and room that is not there yet", model(), [S.instance(.draining) { $0.stopCause = edited }],
            attended: [.i], lacksRoomBeside: true,
            expect: .wait(until: nil, reason: "waits for the end of the former instance: \(edited)")),
        Row(
            "nothing is started beside three that are leaving", model(), three, attended: threeIDs,
            expect: .wait(until: nil, reason: "waits for the end of the former instance: \(edited)")),
        Row(
            "… nor where another one serves", model(), threeBesideOne,
            attended: threeIDs,
            expect: .wait(until: nil, reason: "waits for the end of former instances")),
        Row(
            "… beside two it is", model(), twoBesideOne,
            attended: threeIDs, expect: .operate(.start, cause: edited)),
        Row(
            "a removed model is forgotten only once nothing is left", S.eager { $0.isRemoved = true },
            [S.instance(.stopping) { $0.stopCause = "removed" }], attended: [.i],
            expect: .wait(until: nil, reason: "waits for the end of the former instance: removed")),
    ]
}
