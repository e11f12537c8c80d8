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
                $0.generation = 2
                $0.backoff = S.backoff(until: now + 1)
            }, [S.instance(.ready, isRouted: true)], is: .ready,
            "the old generation serves on: exited with code 1"),
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
            "the current one counts, not one on its way out", S.demanded { $0.generation = 2 },
            [S.instance(.stopping, id: "old"), S.instance(.ready, id: "new", generation: 2)], is: .ready),
        Row(
            "unknown outweighs everything", S.demanded { $0.hold = Hold(since: now, by: "admin") },
            [S.instance(.ready, id: "a"), S.instance(.stopping, id: "b") { $0.unknownReason = "no /proc" }],
            is: .unknown,
            "no /proc"),
        Row("what has ended does not count", S.model(), [S.instance(.exited)], is: .standby),
        Row("its source is gone, but it still runs", S.model(S.spec(source: nil)), [S.instance(.ready)], is: .ready),
    ]
}
