import ModelCore
import Reconciler
import Synchronization
import Testing

@testable import ControlPlane

@Suite("Every route does what it says", .timeLimit(.minutes(1)))
struct RoutesTests {
    let control = FakeControl()

    @Test func aboutComesBackWhole() async throws {
        let about = try await withClient(of: control) { try await $0.about() }
        #expect(about == control.script.withLock { $0.about })
    }

    @Test func loadIsPassedOn() async throws {
        try await withClient(of: control) { try await $0.load(churn, by: "alice") }
        #expect(await control.nextCall() == .load(churn, by: "alice"))
    }

    @Test(arguments: [true, false]) func unloadIsPassedOn(hold: Bool) async throws {
        try await withClient(of: control) { try await $0.unload(churn, hold: hold, by: "alice") }
        #expect(await control.nextCall() == .unload(churn, hold: hold, by: "alice"))
    }

    @Test func restartIsPassedOn() async throws {
        try await withClient(of: control) { try await $0.restart(churn, by: "alice") }
        #expect(await control.nextCall() == .restart(churn, by: "alice"))
    }

    @Test func forgetIsPassedOnAndComesBackWhole() async throws {
        let forgotten = try await withClient(of: control) { try await $0.forget("0197a000-0000", by: "alice") }
        #expect(forgotten == control.script.withLock { $0.forgotten })
        #expect(await control.nextCall() == .forget("0197a000-0000", by: "alice"))
    }

    private static let pin = RootPin(revision: 3, since: Timestamp(milliseconds: 5), by: "ann", pending: "1 to create")

    /// With something in every field.
    private static let report = ApplyReport(
        revision: 7, isAccepted: false, pin: pin, unpins: pin, restores: 3,
        plan: ChangePlan(
            root: "/srv/my models", scope: "churn",
            changes: [
                PlannedChange(
                    key: churn, action: .create, cause: "new", file: "churn/ä.yaml", line: 3,
                    effect: PlannedEffect(.waitsForDemand, "loaded by its first request")),
                PlannedChange(
                    key: ModelKey(domain: "a.b", source: "c_d", model: "e-f"), action: .replace, cause: "image: 1 → 2",
                    fields: [
                        FieldChange(field: "image", old: "1", new: "2"), FieldChange(field: "x", old: nil, new: ""),
                    ]),
            ],
            heldRemovals: [ModelKey(domain: "x", source: "y", model: "z")], removalRemedy: "modelet apply /m --prune",
            brokenFiles: ["churn/ä.yaml"],
            lastGood: ["churn/ä.yaml": 2],
            blocked: [
                BlockedModel(
                    key: churn, servingGeneration: 1, wantedGeneration: 2, reason: "exited",
                    fields: [FieldChange(field: "image", old: "1", new: "2")],
                    nextAttempt: Timestamp(milliseconds: 9))
            ],
            diagnostics: [
                Diagnostic(
                    .error, file: "churn/ä.yaml", line: 3, column: 5, message: "unknown key \"pot\"",
                    hint: "did you mean `port`?", excerpt: "    pot: 1"),
                Diagnostic(.warning, file: "b.yaml", message: "no such path", isAboutDisk: true),
            ]))

    @Test(arguments: [true, false]) func applyComesBackWhole(isDryRun: Bool) async throws {
        control.script.withLock { $0.report = Self.report }
        let removalGuard = RemovalGuard(prune: true, allowEmpty: true)
        let seen = try await withClient(of: control) { client in
            try await client.apply(root: "/srv/my models", removalGuard: removalGuard, by: "ann", isDryRun: isDryRun)
        }
        #expect(seen == Self.report)
        #expect(
            await control.nextCall()
                == .apply(root: "/srv/my models", removalGuard, by: "ann", isDryRun: isDryRun))
    }

    @Test(arguments: [
        RollbackOrder(by: "ann"),
        RollbackOrder(
            root: "/srv/my models", revision: 3, removalGuard: RemovalGuard(prune: true, allowEmpty: true), by: "ann",
            isDryRun: true),
    ])
    func rollbackComesBackWhole(_ order: RollbackOrder) async throws {
        control.script.withLock { $0.report = Self.report }
        let seen = try await withClient(of: control) { try await $0.rollback(order) }
        #expect(seen == Self.report)
        #expect(await control.nextCall() == .rollback(order))
    }

    @Test func viewComesBackWhole() async throws {
        let id = InstanceID("0190b2f0-0000-7000-8000-000000000001")
        func time(_ seconds: Int64) -> Timestamp { Timestamp(milliseconds: 1_700_000_000_123 + seconds * 1000) }
        var view = ControllerView(
            decision: DecisionReport(
                .wait, step: "drain", instance: id, reason: "waits for \"readiness\"", until: time(9)))
        view.isShuttingDown = true
        view.idleSince = time(1)
        view.eviction = "makes room for a/b/c"
        view.isSupplied = false
        view.nextLook = time(2)
        view.inLineSince = time(3)
        view.calledSince = time(4)
        view.instances = [
            InstanceView(id: id, inFlight: 7, lastAnswer: time(5), lastProbe: "connection refused"),
            InstanceView(id: InstanceID("other"), inFlight: 0),
        ]
        for expected in [view, ControllerView(decision: DecisionReport(.underway))] {
            control.script.withLock { $0.view = expected }
            let seen = try await withClient(of: control) { try await $0.view(of: churn, within: .seconds(60)) }
            #expect(seen == expected)
            #expect(await control.nextCall() == .view(churn))
        }
    }

    @Test func viewIsSnakeCaseJSON() async throws {
        var view = ControllerView(decision: DecisionReport(.operate, step: "start", reason: "load: eager"))
        view.nextLook = Timestamp(milliseconds: 1_700_000_000_123)
        control.script.withLock { $0.view = view }
        let reply = try await withClient(of: control) {
            try await $0.raw("GET", "/v1/models/churn/scorer/default/view")
        }
        let expected = """
            {"decision":{"kind":"operate","reason":"load: eager","step":"start"},"instances":[],\
            "model":"churn/scorer/default","next_look_at":"2023-11-14T22:13:20.123Z","shutting_down":false,\
            "supplied":true}

            """
        #expect(reply.body == expected)
    }

    @Test(arguments: [true, false]) func shutdownIsAnsweredFirst(keep: Bool) async throws {
        try await withClient(of: control) { try await $0.shutdown(keep: keep) }
        #expect(await control.nextCall() == .shutdown(keep: keep))
    }

    @Test func shutdownThatEndsTheServerAtOnceIsStillAnswered() async throws {
        try await withDirectory { directory in
            let socket = directory + "/modelet.sock"
            // As many rounds as make a lost answer likely to show.
            for _ in 0..<50 {
                let asked = try await withServer(control, on: socket) {
                    let asking = Task { try await AdminClient(socket: socket).shutdown(keep: true) }
                    #expect(await control.nextCall() == .shutdown(keep: true))
                    return asking
                }
                try await asked.value
            }
        }
    }

    @Test func bodyMayBeLeftOut() async throws {
        try await withClient(of: control) { client in
            for action in ["load", "unload", "restart", "wait"] {
                async let reply = client.raw("POST", "/v1/models/churn/scorer/default/\(action)")
                let call = await control.nextCall()
                control.endWait(of: churn, FakeControl.Outcome(condition: ModelCondition(.ready), reached: true))
                let status = try await reply.status
                #expect(status / 100 == 2)
                switch action {
                case "load": #expect(call == .load(churn, by: "the admin API"))
                case "unload": #expect(call == .unload(churn, hold: false, by: "the admin API"))
                case "restart": #expect(call == .restart(churn, by: "the admin API"))
                default: #expect(call == .wait(churn, .ready, timeout: .seconds(600)))
                }
            }
        }
    }

    @Test func answersAreSnakeCaseJSON() async throws {
        let reply = try await withClient(of: control) { try await $0.raw("GET", "/v1/about") }
        #expect(reply.contentType == "application/json")
        let expected = """
            {"gateway":"127.0.0.1:8080","pid":4711,"started_at":"2023-11-14T22:13:20.123Z",\
            "state_uuid":"0190b2f0-0000-7000-8000-000000000000","version":"1.2.3"}

            """
        #expect(reply.body == expected)
    }
}
