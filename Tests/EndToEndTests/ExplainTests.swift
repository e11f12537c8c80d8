import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// `modelet explain`, with a modelet that answers, one that does not, and none.
    @Suite struct Explaining {
        @Test func aRunningModeletIsAskedAndADeadOnesRecordsAreRead() async throws {
            try await TestHost.run { host in
                try host.writeStub(fields: ["load: eager"])
                let daemon = try await host.serve()
                try await eventually("it serves") { try await host.sqlite("SELECT count(*) FROM routes") == "1" }
                let pid = try await host.sqlite("SELECT pid FROM instances")
                let text = try await host.modelet("explain", "test/stub")
                #expect(text.status == 0)
                #expect(text.output.hasPrefix("test/stub/default is ready\n"), "\(text.output)")
                #expect(text.output.contains("by modelet (pid \(daemon.process.pid)), just now"))
                #expect(text.output.contains(", pid \(pid), 127.0.0.1 port "))
                #expect(text.output.contains("predictions go to it"))
                #expect(text.output.contains(" 0 in flight"))
                #expect(text.output.contains("\(host.manifests)/stub.yaml:"))
                #expect(text.output.contains("start   succeeded"))
                #expect(text.output.contains("decision     nothing to do: desired and observed agree"))

                let report = try await host.modelet("explain", "test/stub/default", "-o", "json")
                #expect(report.status == 0)
                #expect(report.output.contains("\"state\" : \"answered\""), "\(report.output)")
                #expect(report.output.contains("\"in_flight\" : 0"))
                #expect(report.output.contains("\"kind\" : \"settled\""))

                try await daemon.crash()
                let orphan = try await host.modelet("explain", "test/stub")
                #expect(orphan.status == 0)
                #expect(orphan.output.contains("recorded by a modelet that runs no more"), "\(orphan.output)")
                #expect(orphan.output.contains("its process is still there"))
                #expect(orphan.output.contains("`modelet serve --manifests \(host.manifests)` acts on it again"))
                let elsewhere = try await host.run(
                    [TestHost.modelet, "explain", "test/stub", "--state", host.state], environment: [:])
                let line = "modelet serve --manifests \(host.manifests) --state \(host.state)"
                #expect(elsewhere.output.contains("`\(line)` acts on it again"), "\(elsewhere.output)")

                kill(try #require(Int32(try await host.sqlite("SELECT shim_pid FROM instances"))), SIGKILL)
                try await eventually("its end is seen") {
                    try await host.modelet("explain", "test/stub").output.contains("its process is gone")
                }
            }
        }

        @Test func whatIsInFlightIsOnlyKnownToTheDaemon() async throws {
            try await TestHost.run { host in
                try host.writeStub(flags: "--stream 2000 --stream-interval-ms 50", fields: ["idle_timeout: 1h"])
                let daemon = try await host.serve()
                #expect(try await host.modelet("load", "test/stub", "--wait").status == 0)
                let call = Task { try await daemon.predict() }
                try await eventually("it is in flight") {
                    try await host.modelet("explain", "test/stub").output.contains(" 1 in flight")
                }
                let text = try await host.modelet("explain", "test/stub").output
                #expect(text.contains("decision     wait: it is in use, until "), "\(text)")
                #expect(text.contains("demanded by "))
                // Ends the stream.
                try await daemon.crash()
                _ = try? await call.value
            }
        }

        @Test func aModeletThatIsStuckHoldsNobodyUp() async throws {
            try await TestHost.run { host in
                try host.writeStub(fields: ["load: eager"])
                let daemon = try await host.serve()
                try await eventually("it serves") { try await host.sqlite("SELECT count(*) FROM routes") == "1" }
                daemon.process.signal(SIGSTOP)
                let text = try await host.modelet("explain", "test/stub")
                daemon.process.signal(SIGCONT)
                #expect(text.status == 0)
                #expect(text.output.hasPrefix("test/stub/default is ready\n"), "\(text.output)")
                #expect(text.output.contains("could not be asked: modelet did not answer in time"))
                #expect(text.output.contains("decision     nothing to do"))
            }
        }

        @Test func aFailureIsShownWithItsCodeItsLogAndItsNextTry() async throws {
            try await TestHost.run { host in
                try host.writeStub(
                    flags: "--say no-weights-here --exit-immediately 3", fields: ["load: eager"])
                let daemon = try await host.serve()
                try await eventually("it has failed often enough to wait") {
                    try await host.modelet("explain", "test/stub").output.contains("is backoff: ")
                }
                let text = try await host.modelet("explain", "test/stub").output
                #expect(text.contains("exited with code 3"), "\(text)")
                #expect(text.contains("| no-weights-here"))
                #expect(text.contains("no start before "))
                #expect(text.contains("start  failed"))
                let report = try await host.modelet("explain", "test/stub", "-o", "json").output
                #expect(report.contains("\"exit_code\" : 3"), "\(report)")
                #expect(report.contains("\"is_final\" : false"))
                withExtendedLifetime(daemon) {}
            }
        }

        @Test func whatServesAlthoughTheNextGenerationHasFailed() async throws {
            try await TestHost.run { host in
                try host.writeStub(fields: ["load: eager"])
                let daemon = try await host.serve()
                #expect(try await host.modelet("wait", "test/stub").status == 0)
                try host.writeStub(flags: "--exit-immediately 3", fields: ["load: eager"])
                #expect(try await host.modelet("apply", host.manifests).status == 0)
                try await eventually("the next generation has failed") {
                    try await host.modelet("explain", "test/stub").output.contains(
                        "transition: BlockedByFailedLoad: generation 2 has failed: ")
                }
                let report = try await host.modelet("explain", "test/stub", "-o", "json").output
                #expect(report.contains("\"state\" : \"BlockedByFailedLoad\""), "\(report)")
                #expect(report.contains("\"state\" : \"ready\""))
                #expect(try await daemon.predict().status == 200)
                // It is tried again, so whoever waits for it waits on.
                #expect(try await host.modelet("wait", "test/stub", "--timeout", "1").status == 3)
            }
        }

        @Test func whoeverMistypesIsHelped() async throws {
            try await TestHost.run { host in
                let nothing = try await host.modelet("explain", "test/stub")
                #expect(nothing.status == 1)
                #expect(nothing.errors.contains("no state here yet"))
                try host.writeStub()
                #expect(try await host.modelet("apply", host.manifests).status == 0)
                let unknown = try await host.modelet("explain", "test/stab")
                #expect(unknown.status == 1)
                #expect(unknown.errors.contains("did you mean test/stub/default?"), "\(unknown.errors)")
                #expect(unknown.output == "")
                #expect(try await host.modelet("explain", "not a key").status == 64)
                // No modelet has ever run here.
                let standby = try await host.modelet("explain", "test/stub")
                #expect(standby.status == 0)
                #expect(standby.output.hasPrefix("test/stub/default is standby\n"))
            }
        }
    }
}
