import Glibc
import TestSupport
import TestSupport
import Testing

extension EndToEnd {
    /// `modelet logs`, for processes.
    @Suite struct Logs {
        @Test func theLastLinesOfWhatRuns() async throws {
            try await TestHost.run { host in
                try host.writeStub(flags: "--print 200")
                let daemon = try await host.serve()
                _ = try await daemon.predict()
                let all = try await host.modelet("logs", "test/stub", "--tail", "all")
                #expect(all.status == 0)
                #expect(all.errors == "")
                let id = try await host.sqlite("SELECT id FROM instances")
                #expect(all.output == readFile("\(host.state)/run/\(id)/server.log"))
                #expect(all.output.split(separator: "\n").count > 200)
                let few = try await host.modelet("logs", "test/stub/default", "--tail", "3")
                #expect(few.output.split(separator: "\n") == all.output.split(separator: "\n").suffix(3))
                let usual = try await host.modelet("logs", "test/stub")
                #expect(usual.output.split(separator: "\n").count == 100)

                // Nobody needs to run for that.
                try await daemon.crash()
                #expect(try await host.modelet("logs", "test/stub", "--tail", "all").output == all.output)
            }
        }

        @Test func whatHasEndedSaysHow() async throws {
            try await TestHost.run { host in
                try host.writeStub(flags: "--say first --exit-immediately 3")
                let daemon = try await host.serve()
                for count in 1...2 {
                    _ = try await host.modelet("load", "test/stub")
                    try await eventually("instance \(count) has ended") {
                        try await host.sqlite("SELECT count(*) FROM instances WHERE phase = 'exited'") == "\(count)"
                    }
                }
                let ids = try await host.sqlite("SELECT id FROM instances").split(separator: "\n").map(String.init)
                let latest = try await host.modelet("logs", "test/stub")
                #expect(latest.status == 0)
                #expect(latest.output.contains("first"))
                #expect(latest.errors.contains("instance \(ids[1]) of test/stub/default has ended: exited with code 3"))
                let previous = try await host.modelet("logs", "test/stub", "--previous")
                #expect(previous.errors.contains("instance \(ids[0]) "))
                let named = try await host.modelet("logs", "test/stub", "--instance", ids[0])
                #expect(named.errors.contains("instance \(ids[0]) "))

                // What is no longer kept is remembered by its last lines.
                let removed = try await host.run(["rm", "-r", "\(host.state)/run/\(ids[1])"])
                #expect(removed.status == 0)
                let remembered = try await host.modelet("logs", "test/stub")
                #expect(remembered.errors.contains("no longer kept"))
                #expect(remembered.output.contains("first"))
                withExtendedLifetime(daemon) {}
            }
        }

        @Test func whatCannotBeShownIsExplained() async throws {
            try await TestHost.run { host in
                let nothing = try await host.modelet("logs", "test/stub")
                #expect(nothing.status == 1)
                #expect(nothing.errors.contains("no state here yet"))
                try host.writeStub()
                let daemon = try await host.serve()
                let unknown = try await host.modelet("logs", "test/stab")
                #expect(unknown.status == 1)
                #expect(unknown.errors.contains("did you mean test/stub/default?"), "\(unknown.errors)")
                let unborn = try await host.modelet("logs", "test/stub")
                #expect(unborn.status == 1)
                #expect(unborn.errors.contains("no instance of test/stub/default has been launched yet"))
                #expect(try await host.modelet("logs", "test/stub", "--tail", "-1").status == 64)
                withExtendedLifetime(daemon) {}
            }
        }

        @Test func followingGoesOnUntilTheEnd() async throws {
            try await TestHost.run { host in
                try host.writeStub(flags: "--print-requests")
                let daemon = try await host.serve()
                _ = try await daemon.predict(body: #"{"n": 1}"#)
                let follower = try host.follow()
                try await eventually("the first request is shown") { follower.output.contains("prediction ") }
                let before = follower.output
                _ = try await daemon.predict(body: #"{"n": 2}"#)
                try await eventually("the second request is shown") { follower.output.count > before.count }
                #expect(try await host.modelet("unload", "test/stub", "--wait").status == 0)
                #expect(try await follower.exitStatus() == 0)
                #expect(follower.errors.contains("has ended: "), "\(follower.errors)")
                let id = try await host.sqlite("SELECT id FROM instances")
                #expect(follower.output == readFile("\(host.state)/run/\(id)/server.log"))
            }
        }

        @Test func followingNeedsNoDaemonToSeeTheEnd() async throws {
            try await TestHost.run { host in
                try host.writeStub(flags: "--say here")
                let daemon = try await host.serve()
                _ = try await daemon.predict()
                try await daemon.crash()
                let pid = try #require(Int32(try await host.sqlite("SELECT pid FROM instances")))
                let follower = try host.follow()
                try await eventually("it is followed") { follower.output.contains("here") }
                kill(pid, SIGTERM)
                #expect(try await follower.exitStatus() == 0)
                #expect(follower.errors.contains("has ended"))
            }
        }

        @Test func followingEndsWithAShimThatIsKilled() async throws {
            try await TestHost.run { host in
                try host.writeStub(flags: "--say here")
                let daemon = try await host.serve()
                _ = try await daemon.predict()
                try await daemon.crash()
                let shim = try #require(Int32(try await host.sqlite("SELECT shim_pid FROM instances")))
                let follower = try host.follow()
                try await eventually("it is followed") { follower.output.contains("here") }
                kill(shim, SIGKILL)
                #expect(try await follower.exitStatus() == 0)
            }
        }

        @Test(.needs(.engine)) func theLogOfAContainerIsFollowedToItsEnd() async throws {
            try await TestHost.run(.container) { host in
                try host.writeStub(flags: "--print 30 --print-requests", fields: ["load: eager"])
                let daemon = try await host.serve()
                try await host.waitForContainer()
                let few = try await host.modelet("logs", "test/stub", "--tail", "2")
                #expect(few.output.split(separator: "\n").count == 2, "\(few.output)")
                let follower = try host.follow()
                try await eventually("it is followed") { follower.output.contains("line 29 of the noise") }
                _ = try await daemon.predict()
                try await eventually("a request is shown") { follower.output.contains("prediction ") }
                #expect(try await host.modelet("unload", "test/stub", "--hold", "--wait").status == 0)
                #expect(try await follower.exitStatus() == 0)
                #expect(follower.errors.contains("has ended"), "\(follower.errors)")

                // The container is gone; what it wrote is kept.
                let kept = try await host.modelet("logs", "test/stub", "--tail", "all")
                #expect(kept.status == 0)
                #expect(kept.output.contains("line 29 of the noise"), "\(kept.output)\(kept.errors)")
                #expect(kept.errors.contains("has ended"))
                // Whoever still runs cannot be read without an engine, and that is said.
                #expect(try await host.modelet("load", "test/stub", "--wait").status == 0)
                let cut = try await host.run(
                    [TestHost.modelet, "logs", "test/stub"],
                    environment: [
                        "MODELET_STATE": host.state, "DOCKER_HOST": "unix://\(host.directory)/none.sock",
                    ])
                #expect(cut.status == 1)
                #expect(cut.errors.contains("there is no engine at"), "\(cut.errors)")
            }
        }

        @Test func followingEndsWithItsReader() async throws {
            try await TestHost.run { host in
                try host.writeStub(flags: "--print 5")
                let daemon = try await host.serve()
                _ = try await daemon.predict()
                let follower = try host.follow()
                try await eventually("it is followed") { follower.output.contains("line") }
                follower.signal(SIGINT)
                #expect(try await follower.exitStatus() == 0)

                let piped = try await host.run([
                    "bash", "-c",
                    "set -o pipefail; \(TestHost.modelet) logs test/stub --state \(host.state) -n all | head -n 1",
                ])
                #expect(piped.status == 0)
                #expect(piped.output.split(separator: "\n").count == 1)
                withExtendedLifetime(daemon) {}
            }
        }
    }
}

extension TestHost {
    fileprivate func follow() throws -> ChildProcess {
        try ChildProcess(
            [Self.modelet, "logs", "test/stub", "--follow"],
            environment: ["MODELET_STATE": state, "DOCKER_HOST": engine?.address ?? ""],
            output: "\(directory)/follow-\(UInt64.random(in: 0...UInt64.max))")
    }
}
