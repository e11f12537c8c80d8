import Glibc
import TestSupport
import Testing

extension EndToEnd {
    @Suite struct CommandLine {
        @Test func versionIsPrinted() async throws {
            try await TestHost.run { host in
                let ended = try await host.modelet("version")
                #expect(ended.status == 0)
                #expect(ended.output.hasPrefix("modelet "))
            }
        }

        @Test func usageErrorsEndWith64() async throws {
            try await TestHost.run { host in
                let unknown = try await host.modelet("no-such-command")
                let malformed = try await host.modelet("load", "not a key")
                #expect([unknown.status, malformed.status] == [64, 64])
            }
        }

        /// A source's only model needs no name, whatever it is asked.
        @Test func theOnlyModelOfASourceIsMeantByAll() async throws {
            try await TestHost.run { host in
                try host.writeStub(model: "v1")
                _ = try await host.serve()
                #expect(try await host.modelet("wait", "test/stub", "--for", "standby").status == 0)
                for arguments in [
                    ["load", "test/stub", "--wait"], ["predict", "test/stub", "-d", "{}"],
                    ["restart", "test/stub", "--wait"], ["unload", "test/stub", "--wait"], ["explain", "test/stub"],
                ] {
                    let ended = try await host.run(
                        [TestHost.modelet] + arguments, environment: ["MODELET_STATE": host.state])
                    #expect(ended.status == 0, "\(arguments): \(ended.errors)")
                }
                let unknown = try await host.modelet("load", "test/stubs")
                #expect(unknown.status == 1)
                #expect(unknown.errors.contains("there is no model test/stubs/default"), "\(unknown.errors)")
            }
        }

        @Test func validateReportsEveryErrorWithItsPlace() async throws {
            try await TestHost.run { host in
                try host.write("ml:\n  sources:\n    a:\n      base_ur: http://x\n", to: "one.yaml")
                try host.write("ml: [\n", to: "two.yaml")
                let ended = try await host.modelet("validate", host.manifests)
                #expect(ended.status == 65)
                #expect(ended.errors.contains("one.yaml:4:7: error:"))
                #expect(ended.errors.contains("did you mean `base_url`"))
                #expect(ended.errors.contains("two.yaml:"))
            }
        }

        @Test func planThenApplyThenPlanAgain() async throws {
            try await TestHost.run { host in
                try host.writeStub()
                let first = try await host.modelet("plan", host.manifests)
                #expect(first.status == 2)
                #expect(first.output.contains("create"))
                #expect(first.output.contains("test/stub/default"))

                let applied = try await host.modelet("apply", host.manifests)
                #expect(applied.status == 0)
                #expect(try await host.modelet("plan", host.manifests).status == 0)

                try host.writeStub(flags: "--echo")
                let second = try await host.modelet("plan", host.manifests)
                #expect(second.status == 2)
                #expect(second.output.contains("replace"))
                #expect(second.output.contains("startup_command:"))
            }
        }

        @Test(arguments: try await ModelKind.testable)
        func applyToARunningDaemonReplacesWhatChanged(_ kind: ModelKind) async throws {
            try await TestHost.run(kind) { host in
                try host.writeStub(fields: ["load: eager"])
                let daemon = try await host.serve()
                try await eventually("it is ready") {
                    try await host.sqlite("SELECT phase FROM instances") == "ready"
                }
                let old = try await host.sqlite("SELECT pid FROM instances")

                try host.writeStub(flags: "--echo", fields: ["load: eager"])
                let applied = try await host.modelet("apply", host.manifests, "--wait")
                #expect(applied.status == 0, "\(applied.errors)")
                let new = try await host.sqlite("SELECT pid FROM instances WHERE phase = 'ready'")
                #expect(new != old)
                // The old one ends once nothing is in flight at it any more.
                try await eventually("the old one has ended") { !isRunning(Int32(old) ?? 0) }
                #expect(try await daemon.predict().body.contains("\"path\""))
            }
        }

        @Test(arguments: try await ModelKind.testable)
        func routeFieldsApplyWithoutARestart(_ kind: ModelKind) async throws {
            try await TestHost.run(kind) { host in
                try host.writeStub(flags: "--echo", fields: ["load: eager"])
                let daemon = try await host.serve()
                try await eventually("it is ready") {
                    try await host.sqlite("SELECT phase FROM instances") == "ready"
                }
                let pid = try await host.sqlite("SELECT pid FROM instances")
                try host.writeStub(flags: "--echo", fields: ["load: eager", "headers: {X-Tag: \"seven\"}"])
                #expect(try await host.modelet("apply", host.manifests).status == 0)
                try await eventually("the header is sent") { try await daemon.predict().body.contains("seven") }
                #expect(try await host.sqlite("SELECT pid FROM instances") == pid)
            }
        }

        @Test func removalOfEverythingIsHeld() async throws {
            try await TestHost.run { host in
                try host.writeStub(fields: ["load: eager"])
                let daemon = try await host.serve()
                _ = try await daemon.predict()
                unlink(host.manifests + "/stub.yaml")
                let held = try await host.modelet("apply", host.manifests)
                #expect(held.status == 1)
                #expect(held.output.contains("RemovalHeld"))
                #expect(try await daemon.predict().status == 200)

                #expect(try await host.modelet("apply", host.manifests, "--allow-empty").status == 0)
                try await eventually("nothing runs") {
                    try await host.sqlite("SELECT count(*) FROM models") == "0"
                }
                #expect(try await daemon.predict().status == 404)
            }
        }

        @Test func brokenFileLeavesItsModelsAlone() async throws {
            try await TestHost.run { host in
                try host.writeStub("one", fields: ["load: eager"])
                try host.writeStub("two")
                let daemon = try await host.serve()
                _ = try await daemon.predict("test/one")
                try host.write("ml: {", to: "one.yaml")
                try host.writeStub("three")
                let applied = try await host.modelet("apply", host.manifests)
                #expect(applied.status == 65)
                #expect(try await daemon.predict("test/one").status == 200)
                #expect(try await daemon.predict("test/three").status == 200)
            }
        }

        @Test func statusWorksWhileTheDaemonIsDead() async throws {
            try await TestHost.run { host in
                let nothing = try await host.modelet("status")
                #expect(nothing.status == 1)
                #expect(nothing.errors.contains("no state"))

                try host.writeStub(fields: ["load: eager"])
                let daemon = try await host.serve()
                try await eventually("it is ready") {
                    try await host.sqlite("SELECT phase FROM instances") == "ready"
                }
                let pid = try await host.sqlite("SELECT pid FROM instances")
                let alive = try await host.modelet("status")
                #expect(alive.output.contains("running (pid \(daemon.process.pid))"))
                #expect(alive.output.contains("ready"))
                #expect(alive.output.contains(pid))

                try await daemon.crash()
                let dead = try await host.modelet("status")
                #expect(dead.status == 0)
                #expect(dead.output.contains("not running"))
                #expect(dead.output.contains(pid))
            }
        }

        @Test(arguments: try await ModelKind.testable)
        func loadUnloadAndHold(_ kind: ModelKind) async throws {
            try await TestHost.run(kind) { host in
                try host.writeStub()
                let daemon = try await host.serve()
                #expect(try await host.modelet("load", "test/stub", "--wait").status == 0)
                #expect(try await host.sqlite("SELECT phase FROM instances") == "ready")

                #expect(try await host.modelet("unload", "test/stub", "--wait").status == 0)
                #expect(try await host.sqlite("SELECT phase FROM instances") == "exited")
                // The next request may undo a plain unload …
                #expect(try await daemon.predict().status == 200)

                // … but not a hold.
                #expect(try await host.modelet("unload", "test/stub", "--hold", "--wait").status == 0)
                let held = try await daemon.predict()
                #expect(held.status == 503)
                #expect(held.body.contains("model_held"))
                try await daemon.crash()
                let next = try await host.serve()
                #expect(try await next.predict().status == 503)
                #expect(try await host.modelet("load", "test/stub", "--wait").status == 0)
                #expect(try await next.predict().status == 200)
            }
        }

        @Test func loadOfAnUnknownModelSuggestsOne() async throws {
            try await TestHost.run { host in
                try host.writeStub()
                let daemon = try await host.serve()
                let ended = try await host.modelet("load", "test/stub/v2")
                #expect(ended.status == 1)
                #expect(ended.errors.contains("test/stub/default"))
                _ = daemon
            }
        }

        @Test func predictPrintsTheAnswer() async throws {
            try await TestHost.run { host in
                try host.writeStub(flags: "--echo")
                let daemon = try await host.serve()
                let ended = try await host.modelet("predict", "test/stub", "-d", "{\"a\": 1}", "--verbose")
                #expect(ended.status == 0)
                #expect(ended.output.contains("\"method\""))
                #expect(ended.errors.contains("served by instance"))
                _ = daemon
            }
        }

        @Test func shutdownEndsTheDaemonAndItsModels() async throws {
            try await TestHost.run { host in
                try host.writeStub(fields: ["load: eager"])
                let daemon = try await host.serve()
                _ = try await daemon.predict()
                let ended = try await host.modelet("shutdown")
                #expect(ended.status == 0, "\(ended.errors)")
                #expect(try await daemon.process.exitStatus() == 0)
                #expect(host.processes() == [])
                let again = try await host.modelet("load", "test/stub")
                #expect(again.status == 1)
                #expect(again.errors.contains("modelet serve"))
            }
        }

        @Test(arguments: try await ModelKind.testable)
        func shutdownKeepLeavesTheModels(_ kind: ModelKind) async throws {
            try await TestHost.run(kind) { host in
                try host.writeStub(fields: ["load: eager"])
                let daemon = try await host.serve()
                _ = try await daemon.predict()
                let pid = try await host.sqlite("SELECT pid FROM instances")
                #expect(try await host.modelet("shutdown", "--keep").status == 0)
                #expect(try await daemon.process.exitStatus() == 0)
                #expect(isRunning(Int32(pid) ?? 0))
            }
        }
    }
}
