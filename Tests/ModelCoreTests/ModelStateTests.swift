import ModelCore
import Testing

/// Situation → state as people see it.
struct ModelStateTests {
    private typealias S = Situation
    private static let now = Situation.now

    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let model: ModelRecord
        let instances: [InstanceRecord]
        let expected: ModelCondition

        init(
            _ name: String, _ model: ModelRecord, _ instances: [InstanceRecord] = [], is state: ModelState,
            _ reason: String? = nil
        ) {
            testDescription = name
            self.model = model
            self.instances = instances
            expected = ModelCondition(state, reason)
        }
    }

    @Test(arguments: withoutInstance + withInstance)
    func condition(_ row: Row) {
        #expect(ModelCore.condition(of: row.model, instances: row.instances, now: Self.now) == row.expected)
    }

    private static let withoutInstance = [
        Row("on demand, nothing asked", S.model(), is: .standby),
        Row("asked, not started yet", S.demanded(), is: .pending),
        Row("asked, waits for a slot", S.demanded { $0.waiting = "a slot" }, is: .pending, "a slot"),
        Row(
            "asked, its image is being fetched",
            S.demanded {
                $0.waiting = "a slot"
                $0.pull = PullProgress(image: "x:1", finishedLayers: 3, layers: 7)
            }, is: .pulling, "pulling x:1: 3 of 7 layers"),
        Row("nobody asks for what is being fetched", S.model { $0.pull = PullProgress(image: "x:1") }, is: .standby),
        Row(
            "a failure outweighs a pull",
            S.eager {
                $0.pull = PullProgress(image: "x:1")
                $0.backoff = S.backoff(until: now + 1)
            }, is: .backoff, "exited with code 1"),
        Row(
            "what was ready last is being fetched, as its successor has failed",
            S.eager {
                $0.pull = PullProgress(image: "x:1")
                $0.backoff = S.backoff(until: now + 1, .terminal)
            }, is: .pulling, "pulling x:1"),
        Row("eager, not started yet", S.eager(), is: .pending),
        Row("served and ended", S.demanded { $0.lastExitAt = now }, is: .standby),
        Row("remote", S.model(S.spec(load: .eager, source: nil)), is: .remote),
        Row(
            "held", S.eager { $0.hold = Hold(since: now, by: "admin") }, is: .held,
            "unloaded by admin; `modelet load` lifts it"),
        Row(
            "a hold outweighs backoff",
            S.eager {
                $0.hold = Hold(since: now, by: "admin")
                $0.backoff = S.backoff(until: now + 1)
            }, is: .held, "unloaded by admin; `modelet load` lifts it"),
        Row("in backoff", S.eager { $0.backoff = S.backoff(until: now + 1) }, is: .backoff, "exited with code 1"),
        Row(
            "failed for good", S.eager { $0.backoff = S.backoff(until: now + 1, .terminal) }, is: .failed,
            "exited with code 1"),
        Row("backoff over, wanted", S.eager { $0.backoff = S.backoff(until: now) }, is: .pending),
        Row(
            "backoff over, not wanted", S.model { $0.backoff = S.backoff(until: now) }, is: .standby,
            "last load failed: exited with code 1"),
        Row(
            "a failure shows although nothing wants it", S.model { $0.backoff = S.backoff(until: now + 1, .terminal) },
            is: .failed, "exited with code 1"),
    ]

    private static let withInstance = [
        Row("recorded", S.demanded(), [S.instance(.intent)], is: .starting),
        Row("gated", S.demanded(), [S.instance(.gated)], is: .starting),
        Row(
            "loading, and the probe says why", S.demanded { $0.waiting = "port is held by pid 1" },
            [S.instance(.starting)], is: .starting, "port is held by pid 1"),
        Row("ready", S.demanded(), [S.instance(.ready, isRouted: true)], is: .ready),
        Row(
            "ready, and its new image is being fetched", S.demanded { $0.pull = PullProgress(image: "x:1") },
            [S.instance(.ready, isRouted: true)], is: .ready, "pulling x:1"),
        Row(
            "ready, and its successor's image cannot be had",
            S.demanded {
                $0.beginFreshGeneration()
                $0.backoff = S.backoff(until: now + 1)
            }, [S.instance(.ready, isRouted: true)], is: .ready,
            "BlockedByFailedLoad: generation 2 has failed: exited with code 1; generation 1 serves"),
        Row(
            "ready, and its successor loads", S.demanded { $0.beginFreshGeneration() },
            [S.instance(.ready, isRouted: true), S.instance(.starting, id: "new", generation: 2)], is: .ready,
            "generation 1 serves until generation 2 is ready"),
        Row(
            "ready, and its successor loads and has trouble",
            S.demanded {
                $0.beginFreshGeneration()
                $0.waiting = "port is held by pid 1"
            }, [S.instance(.ready, isRouted: true), S.instance(.starting, id: "new", generation: 2)], is: .ready,
            "generation 1 serves until generation 2 is ready: port is held by pid 1"),
        Row(
            "ready, and its successor is tried again",
            S.demanded {
                $0.beginFreshGeneration()
                $0.backoff = S.backoff(until: now)
            }, [S.instance(.ready, isRouted: true), S.instance(.starting, id: "new", generation: 2)], is: .ready,
            "BlockedByFailedLoad: generation 2 has failed: exited with code 1; generation 1 serves"),
        Row(
            "ready, and its successor's image is being fetched",
            S.demanded {
                $0.beginFreshGeneration()
                $0.pull = PullProgress(image: "x:1")
            }, [S.instance(.ready, isRouted: true)], is: .ready, "generation 1 serves: pulling x:1"),
        Row(
            "ready, and its successor waits for room",
            S.demanded {
                $0.beginFreshGeneration()
                $0.waiting = "waits for a start slot"
            }, [S.instance(.ready, isRouted: true)], is: .ready, "generation 1 serves: waits for a start slot"),
        Row(
            "ready, and about to be replaced", S.demanded { $0.beginFreshGeneration() }, [S.instance(.ready)],
            is: .ready),
        Row(
            "its successor serves already", S.demanded { $0.beginFreshGeneration() },
            [S.instance(.ready), S.instance(.ready, id: "new", generation: 2, isRouted: true)], is: .ready),
        Row(
            "it is started again, as its successor has failed",
            S.demanded {
                $0.beginFreshGeneration()
                $0.backoff = S.backoff(failures: 3, until: now)
            }, [S.instance(.starting) { $0.insteadOf = 2 }], is: .starting,
            "BlockedByFailedLoad: generation 2 has failed: exited with code 1; generation 1 is started again"),
        Row(
            "unready, and its successor has failed",
            S.demanded {
                $0.beginFreshGeneration()
                $0.backoff = S.backoff(until: now + 1, .terminal)
            }, [S.instance(.unready)], is: .unhealthy,
            "BlockedByFailedLoad: generation 2 has failed: exited with code 1; generation 1 is unhealthy"),
        Row(
            "an edit that waited, and was taken back",
            S.demanded {
                $0.generation = 3
                $0.waiting = "waits for a start slot"
            }, [S.instance(.ready, isRouted: true)], is: .ready),
        Row(
            "a successor that loads is what counts beside one that serves no more",
            S.demanded { $0.beginFreshGeneration() },
            [S.instance(.unready), S.instance(.starting, id: "new", generation: 2)], is: .starting),
        Row(
            "ready in spite of earlier failures", S.demanded { $0.backoff = S.backoff(until: now + 1) },
            [S.instance(.ready)], is: .ready),
        Row("unready", S.demanded(), [S.instance(.unready)], is: .unhealthy, "readiness probe fails"),
        Row(
            "draining", S.model(), [S.instance(.draining) { $0.stopCause = "unloaded by admin" }], is: .draining,
            "unloaded by admin"),
        Row(
            "stopping", S.demanded(), [S.instance(.stopping) { $0.stopCause = "restart was requested" }], is: .stopping,
            "restart was requested"),
        Row(
            "the current one counts, not one on its way out", S.demanded { $0.beginFreshGeneration() },
            [S.instance(.stopping, id: "old"), S.instance(.ready, id: "new", generation: 2)], is: .ready),
        Row(
            "unknown outweighs everything", S.demanded { $0.hold = Hold(since: now, by: "admin") },
            [S.instance(.ready, id: "a"), S.instance(.stopping, id: "b") { $0.unknownReason = "no /proc" }],
            is: .unknown,
            "no /proc; `modelet forget b` gives it up"),
        Row("what has ended does not count", S.model(), [S.instance(.exited)], is: .standby),
        Row("its source is gone, but it still runs", S.model(S.spec(source: nil)), [S.instance(.ready)], is: .ready),
    ]
}
