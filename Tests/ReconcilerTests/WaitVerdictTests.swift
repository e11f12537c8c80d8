import ModelCore
import Reconciler
import Testing

/// Whether a wait is over, for each goal and each state that a model can be in.
@Suite struct WaitVerdictTests {
    private static let now = Timestamp(milliseconds: 1_000_000)

    /// What may be said of a model: whether it is the goal, cannot be, or may still be.
    private enum End: String {
        case reached, impossible, open
    }

    private struct Row: CustomTestStringConvertible {
        var name: String
        var model: ModelRecord?
        var instances: [InstanceRecord] = []
        var mayMakeRoom = false
        var ready: End
        var standby: End
        var gone: End = .open

        var testDescription: String { name }
    }

    private static func model(
        load: LoadPolicy = .onDemand, demanded: Bool = false, _ change: (inout ModelRecord) -> Void = { _ in }
    ) -> ModelRecord {
        var model = ModelRecord(key: .a, spec: .local(load: load), root: "/r", file: "a.yaml")
        if demanded { model.demand = .loaded(since: now, by: "request") }
        change(&model)
        return model
    }

    private static func instance(
        _ phase: Phase, generation: Int = 1, isRouted: Bool = false, insteadOf: Int? = nil
    ) -> InstanceRecord {
        var instance = InstanceRecord(
            id: InstanceID("i"), key: .a, generation: generation, attempt: 0,
            source: .localArtifact(LocalArtifactSpec(path: "/a", startupCommand: "x")), host: "localhost", port: 1,
            createdAt: now)
        instance.phase = phase
        instance.isRouted = isRouted
        instance.insteadOf = insteadOf
        return instance
    }

    private static func backoff(_ kind: LoadFailure.Class, seconds: Int64 = 60) -> Backoff {
        Backoff(
            failures: 2, lastFailure: LoadFailure(kind, "exited with code 3", at: now),
            nextAttempt: now + Seconds(seconds))
    }

    /// An eager model whose second generation has failed.
    private static func failed(_ kind: LoadFailure.Class) -> ModelRecord {
        model(load: .eager) {
            $0.generation = 2
            $0.backoff = backoff(kind)
        }
    }

    private static let rows: [Row] = [
        Row(name: "no such model", model: nil, ready: .impossible, standby: .reached, gone: .reached),
        Row(
            name: "remote", model: model { $0.spec = ModelSpec(baseURL: "http://x") }, ready: .reached,
            standby: .reached),
        Row(name: "standby", model: model(), ready: .impossible, standby: .reached),
        Row(
            name: "held", model: model(load: .eager) { $0.hold = Hold(since: now, by: "ann") }, ready: .impossible,
            standby: .reached),
        Row(name: "pending", model: model(demanded: true), ready: .open, standby: .impossible),
        Row(
            name: "pending, idle_timeout", model: model(demanded: true) { $0.spec.idleTimeout = .after(5) },
            ready: .open,
            standby: .open),
        Row(
            name: "pending, may make room", model: model(demanded: true), mayMakeRoom: true, ready: .open,
            standby: .open),
        Row(name: "eager, pending", model: model(load: .eager), ready: .open, standby: .impossible),
        Row(
            name: "failed for good, eager", model: model(load: .eager) { $0.backoff = backoff(.terminal) },
            ready: .impossible, standby: .impossible),
        Row(
            name: "failed for good, not demanded", model: model { $0.backoff = backoff(.terminal) }, ready: .impossible,
            standby: .reached),
        Row(
            name: "backoff, eager", model: model(load: .eager) { $0.backoff = backoff(.retryable) }, ready: .open,
            standby: .impossible),
        Row(
            name: "backoff, not demanded", model: model { $0.backoff = backoff(.retryable) }, ready: .impossible,
            standby: .reached),
        Row(
            name: "starting", model: model(load: .eager), instances: [instance(.starting)], ready: .open,
            standby: .impossible),
        Row(
            name: "ready, not routed yet", model: model(load: .eager), instances: [instance(.ready)], ready: .open,
            standby: .impossible),
        Row(
            name: "ready", model: model(load: .eager), instances: [instance(.ready, isRouted: true)], ready: .reached,
            standby: .impossible),
        Row(
            name: "ready, nothing demands it any more", model: model(), instances: [instance(.ready, isRouted: true)],
            ready: .reached, standby: .open),
        Row(
            name: "of an older generation", model: model(load: .eager) { $0.generation = 2 },
            instances: [instance(.ready, isRouted: true)], ready: .open, standby: .impossible),
        Row(
            name: "of an older generation, and the new one has failed for good", model: failed(.terminal),
            instances: [instance(.ready, isRouted: true)], ready: .impossible, standby: .impossible),
        Row(
            name: "unhealthy, and the new one has failed for good", model: failed(.terminal),
            instances: [instance(.unready)], ready: .impossible, standby: .impossible),
        Row(
            name: "unhealthy, and the new one is tried again", model: failed(.retryable),
            instances: [instance(.unready)],
            ready: .open, standby: .impossible),
        Row(
            name: "draining, and the new one has failed for good", model: failed(.terminal),
            instances: [instance(.draining)], ready: .impossible, standby: .impossible),
        Row(
            name: "started again, as the new one has failed for good", model: failed(.terminal),
            instances: [instance(.starting, insteadOf: 2)], ready: .impossible, standby: .impossible),
        Row(
            name: "of an older generation, and the new one starts in spite of failures", model: failed(.terminal),
            instances: [instance(.ready, isRouted: true), instance(.starting, generation: 2)], ready: .open,
            standby: .impossible),
        Row(
            name: "stopping", model: model { $0.hold = Hold(since: now, by: "ann") }, instances: [instance(.stopping)],
            ready: .open, standby: .open),
        Row(
            name: "removed, and still there", model: model(load: .eager) { $0.isRemoved = true },
            instances: [instance(.ready, isRouted: true)], ready: .impossible, standby: .open),
    ]

    @Test(arguments: rows) private func endsAsTheTableSays(_ row: Row) {
        let awaited = AwaitedModel(
            key: .a, model: row.model, instances: row.instances, mayMakeRoom: row.mayMakeRoom)
        for (goal, expected) in [(WaitGoal.ready, row.ready), (.standby, row.standby), (.gone, row.gone)] {
            switch awaited.verdict(on: goal, at: Self.now) {
            case .reached: #expect(expected == .reached, "\(goal)")
            case .open: #expect(expected == .open, "\(goal)")
            case .impossible(let why):
                #expect(expected == .impossible, "\(goal)")
                #expect(!why.isEmpty)
            }
        }
    }

    @Test func whatIsImpossibleSaysWhatWouldHelp() {
        func why(_ model: ModelRecord, _ goal: WaitGoal) -> String {
            let awaited = AwaitedModel(key: .a, model: model, instances: [], mayMakeRoom: false)
            guard case .impossible(let why) = awaited.verdict(on: goal, at: Self.now) else { return "" }
            return why
        }
        #expect(why(Self.model(), .ready) == "nothing demands it; a request or `modelet load d/a/default` does")
        #expect(
            why(Self.model { $0.backoff = Self.backoff(.retryable, seconds: -1) }, .ready)
                == "last load failed: exited with code 3; nothing demands it; a request or `modelet load d/a/default` does"
        )
        #expect(
            why(Self.model { $0.hold = Hold(since: Self.now, by: "ann") }, .ready)
                == "unloaded by ann; `modelet load` lifts it")
        let held = Self.model { $0.heldRemoval = HeldRemoval(since: Self.now, remedy: "modelet apply /r --prune") }
        #expect(
            why(held, .gone)
                == "RemovalHeld: no manifest defines it any more; `modelet apply /r --prune` removes it, "
                + "defining it again keeps it")
        #expect(
            why(Self.model(load: .eager), .standby)
                == "it is eager, and is loaded again by itself; `modelet unload d/a/default` holds it")
        #expect(
            why(Self.model(demanded: true), .standby)
                == "nothing unloads it: its idle_timeout is never; `modelet unload d/a/default` does")
    }
}
