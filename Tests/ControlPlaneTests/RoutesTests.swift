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

    @Test func applyComesBackWhole() async throws {
        let report = ApplyReport(
            revision: 7,
            changes: [
                PlannedChange(key: churn, action: .create, cause: "new"),
                PlannedChange(
                    key: ModelKey(domain: "a.b", source: "c_d", model: "e-f"), action: .replace, cause: "image: 1 → 2"),
            ],
            heldRemovals: [ModelKey(domain: "x", source: "y", model: "z")], brokenFiles: ["churn/ä.yaml"],
            diagnostics: [
                Diagnostic(
                    .error, file: "churn/ä.yaml", line: 3, column: 5, message: "unknown key \"pot\"",
                    hint: "did you mean `port`?", excerpt: "    pot: 1"),
                Diagnostic(.warning, file: "b.yaml", message: "no such path", isAboutDisk: true),
            ])
        control.script.withLock { $0.report = report }
        let removalGuard = RemovalGuard(prune: true, allowEmpty: true)
        let seen = try await withClient(of: control) { client in
            try await client.apply(root: "/srv/my models", removalGuard: removalGuard)
        }
        #expect(seen == report)
        #expect(await control.nextCall() == .apply(root: "/srv/my models", removalGuard))
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
