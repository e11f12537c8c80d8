import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// `modelet wait`.
    @Suite struct WaitingFor {
        @Test func whatIsSoAlreadyEndsItAtOnce() async throws {
            try await TestHost.run { host in
                try host.writeStub("one", fields: ["load: eager"])
                try host.writeStub("two", fields: ["load: eager"])
                try host.writeStub("three")
                let daemon = try await host.serve()
                let ready = try await host.modelet("wait", "test/one", "test/two/default", "test/one")
                #expect(ready.status == 0, "\(ready.errors)")
                let lines = ready.output.split(separator: "\n").sorted()
                #expect(lines == ["test/one/default is ready", "test/two/default is ready"])
                #expect(try await host.modelet("wait", "test/three", "--for", "standby").status == 0)
                let gone = try await host.modelet("wait", "test/four", "--for", "gone")
                #expect(gone.status == 0)
                #expect(gone.output == "test/four/default is gone\n")
                withExtendedLifetime(daemon) {}
            }
        }

        /// The default of ten minutes would show in the time that the test takes.
        @Test func whatCannotComeFailsAtOnceAndSaysWhy() async throws {
            try await TestHost.run { host in
                try host.writeStub("idle")
                try host.writeStub("eager", fields: ["load: eager"])
                try host.writeStub("busy")
                try host.write(
                    """
                    domain: test
                    ml:
                      sources:
                        wrong:
                          models:
                            default:
                              load: eager
                              source: {type: local_artifact, path: ./artifact, startup_command: "/no/such/program"}
                    """, to: "wrong.yaml")
                let daemon = try await host.serve()
                func expect(_ arguments: [String], _ sentence: String) async throws {
                    let ended = try await host.run(
                        [TestHost.modelet, "wait"] + arguments, environment: ["MODELET_STATE": host.state])
                    #expect(ended.status == 1, "\(arguments): \(ended.output)")
                    #expect(ended.errors.contains(sentence), "\(ended.errors)")
                    #expect(ended.output == "")
                }
                try await expect(["test/idle"], "test/idle/default is standby: nothing demands it")
                try await expect(["test/wrong"], "test/wrong/default is failed: ")
                try await expect(["test/nobody"], "there is no model test/nobody/default")
                #expect(try await host.modelet("wait", "test/eager").status == 0)
                try await expect(["test/eager", "--for", "standby"], "`modelet unload test/eager/default` holds it")
                #expect(try await host.modelet("load", "test/busy", "--wait").status == 0)
                try await expect(["test/busy", "--for", "standby"], "its idle_timeout is never")
                #expect(try await host.modelet("unload", "test/eager", "--wait").status == 0)
                try await expect(["test/eager"], "test/eager/default is held: unloaded by ")
                #expect(try await host.modelet("wait", "test/eager", "--for", "standby").status == 0)
                withExtendedLifetime(daemon) {}
            }
        }

        @Test func whatDoesNotComeInTimeEndsWith3() async throws {
            try await TestHost.run { host in
                try host.writeStub(flags: "--never-listen", fields: ["load: eager"])
                let daemon = try await host.serve()
                for goal in ["ready", "gone"] {
                    let ended = try await host.modelet("wait", "test/stub", "--for", goal, "--timeout", "1")
                    #expect(ended.status == 3, "\(ended.errors)")
                    #expect(ended.errors.contains("the time is over: test/stub/default is starting"))
                }
                #expect(try await host.modelet("wait", "test/stub", "--for", "naught").status == 64)
                #expect(try await host.modelet("wait").status == 64)
                withExtendedLifetime(daemon) {}
            }
        }

        @Test func aModeletThatIsStuckHoldsNobodyUp() async throws {
            try await TestHost.run { host in
                try host.writeStub(flags: "--never-listen", fields: ["load: eager"])
                let daemon = try await host.serve()
                let waiting = try ChildProcess(
                    [TestHost.modelet, "wait", "test/stub", "--timeout", "2"],
                    environment: ["MODELET_STATE": host.state], output: host.newOutput("wait"))
                try await eventually("it waits") { waiting.errors.contains("test/stub/default: starting") }
                daemon.process.signal(SIGSTOP)
                defer { daemon.process.signal(SIGCONT) }
                #expect(try await waiting.exitStatus(within: .seconds(40)) == 3)
                #expect(waiting.errors.contains("the time is over"), "\(waiting.errors)")
                // One that is stuck before it is asked.
                let late = try ChildProcess(
                    [TestHost.modelet, "wait", "test/stub", "--timeout", "1"],
                    environment: ["MODELET_STATE": host.state], output: host.newOutput("late"))
                #expect(try await late.exitStatus(within: .seconds(40)) == 3)
                let sentence =
                    "the time is over, and modelet does not answer: test/stub/default is recorded as starting"
                #expect(late.errors.contains(sentence), "\(late.errors)")
            }
        }

        @Test(arguments: [["wait", "test/stub"], ["load", "test/stub", "--wait"], ["apply", ".", "--wait"]])
        func aNegativeTimeIsRefused(_ command: [String]) async throws {
            try await TestHost.run { host in
                let ended = try await host.run(
                    [TestHost.modelet] + command + ["--timeout=-1"], environment: ["MODELET_STATE": host.state])
                #expect(ended.status == 64)
                #expect(ended.errors.contains("--timeout must not be negative"), "\(ended.errors)")
            }
        }

        @Test func aRemovalThatIsYetToComeIsWaitedFor() async throws {
            try await TestHost.run { host in
                try host.writeStub(fields: ["load: eager"])
                try host.writeStub("other")
                let daemon = try await host.serve()
                #expect(try await host.modelet("wait", "test/stub").status == 0)
                let waiting = try host.wait("test/stub", "--for", "gone")
                try await eventually("it says what keeps it") {
                    waiting.errors.contains("test/stub/default: ready: \(host.manifests)/stub.yaml still defines it\n")
                }
                unlink(host.manifests + "/stub.yaml")
                #expect(try await host.modelet("apply", host.manifests, "--prune").status == 0)
                #expect(try await waiting.exitStatus() == 0)
                #expect(waiting.output == "test/stub/default is gone\n")
                #expect(try await host.sqlite("SELECT count(*) FROM instances") == "0")
                withExtendedLifetime(daemon) {}
            }
        }

        @Test func withoutAModeletNothingChanges() async throws {
            try await TestHost.run { host in
                #expect(try await host.modelet("wait", "test/stub").status == 1)
                try host.writeStub(fields: ["load: eager"])
                try host.writeStub("other")
                let daemon = try await host.serve()
                #expect(try await host.modelet("wait", "test/stub").status == 0)
                try await daemon.crash()
                let ready = try await host.modelet("wait", "test/stub")
                #expect(ready.status == 0)
                #expect(ready.output == "test/stub/default is ready, as it was recorded\n")
                #expect(try await host.modelet("wait", "test/other", "--for", "standby").status == 0)
                let gone = try await host.modelet("wait", "test/stub", "--for", "gone")
                #expect(gone.status == 1)
                #expect(gone.errors.contains("no modelet runs on \(host.state), so nothing changes"), "\(gone.errors)")
                // What is recorded as ready and has ended is not ready.
                kill(try #require(Int32(try await host.sqlite("SELECT shim_pid FROM instances"))), SIGKILL)
                try await eventually("its end is seen") { try await host.modelet("wait", "test/stub").status == 1 }
            }
        }

        @Test func aModeletThatIsStartedAgainIsWaitedFor() async throws {
            try await TestHost.run { host in
                let file = host.directory + "/listen"
                try host.writeStub(flags: "--listen-when \(file)", fields: ["load: eager"])
                let first = try await host.serve()
                let waiting = try host.wait("test/stub")
                try await eventually("it waits") { waiting.errors.contains("test/stub/default: starting\n") }
                try await first.crash()
                try await eventually("it has noticed") {
                    waiting.errors.contains("waiting for it\n")
                }
                let second = try await host.serve()
                close(open(file, O_WRONLY | O_CREAT, 0o600))
                #expect(try await waiting.exitStatus() == 0, "\(waiting.errors)")
                #expect(waiting.output == "test/stub/default is ready\n")
                withExtendedLifetime(second) {}
            }
        }

        @Test func theEndOfAModeletMayBeWhatIsWaitedFor() async throws {
            try await TestHost.run { host in
                try host.writeStub(fields: ["idle_timeout: 1h"])
                let daemon = try await host.serve()
                #expect(try await host.modelet("load", "test/stub", "--wait").status == 0)
                let waiting = try host.wait("test/stub", "--for", "standby")
                try await eventually("it waits") { waiting.errors.contains("test/stub/default: ready\n") }
                #expect(try await daemon.terminate() == 0)
                #expect(try await waiting.exitStatus() == 0, "\(waiting.errors)")
                #expect(waiting.output == "test/stub/default is standby\n")
            }
        }
    }
}

extension TestHost {
    /// Starts `modelet wait`.
    fileprivate func wait(_ arguments: String...) throws -> ChildProcess {
        try ChildProcess(
            [Self.modelet, "wait"] + arguments, environment: ["MODELET_STATE": state], output: newOutput("wait"))
    }
}
