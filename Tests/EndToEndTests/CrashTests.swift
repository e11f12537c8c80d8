import Glibc
import TestSupport
import Testing

extension EndToEnd {
    @Suite struct Crash {
        @Test(arguments: try await ModelKind.testable)
        func runningModelsAreAdoptedWithTheirPids(_ kind: ModelKind) async throws {
            try await TestHost.run(kind) { host in
                try host.writeStub("eager", fields: ["load: eager"])
                try host.writeStub("lazy")
                let first = try await host.serve()
                try await eventually("the eager model is ready") {
                    try await host.sqlite("SELECT phase FROM instances WHERE source = 'eager'") == "ready"
                }
                _ = try await first.predict("test/lazy")
                let before = try await host.sqlite("SELECT id, pid, container_id FROM instances ORDER BY id")
                try await first.crash()

                let second = try await host.serve()
                for source in ["eager", "lazy"] {
                    let answer = try await second.predict("test/\(source)")
                    #expect(answer.status == 200)
                    #expect(answer.headers["x-modelet-cold-start-ms"] == nil)
                }
                #expect(try await host.sqlite("SELECT id, pid, container_id FROM instances ORDER BY id") == before)
                for line in before.split(separator: "\n") {
                    #expect(isRunning(Int32(line.split(separator: "|")[1]) ?? 0))
                }
            }
        }

        /// Kills the controller again and again, at moments that differ, while a model is being started.
        @Test func killedWhileStartingNothingRunsTwice() async throws {
            try await TestHost.run { host in
                try host.writeStub(flags: "--start-delay-ms 400", fields: ["load: eager"])
                for round in 0..<12 {
                    let process = try host.startServe()
                    // Somewhere between the opening of the database and the readiness of the model.
                    try await Task.sleep(for: .milliseconds(round * 25))
                    process.signal(SIGKILL)
                    try await process.exitStatus()
                }
                let daemon = try await host.serve()
                #expect(try await daemon.predict().status == 200)
                let pid = try await host.sqlite("SELECT pid FROM instances WHERE phase = 'ready'")
                #expect(host.serverPIDs().map(String.init) == [pid])
            }
        }

        @Test(arguments: try await ModelKind.testable)
        func termStopsEverything(_ kind: ModelKind) async throws {
            try await TestHost.run(kind) { host in
                try host.writeStub(fields: ["load: eager"])
                let daemon = try await host.serve()
                try await eventually("it is ready") {
                    try await host.sqlite("SELECT phase FROM instances") == "ready"
                }
                #expect(try await daemon.terminate() == 0)
                try await host.expectNothingLeft()
                #expect(try await host.sqlite("SELECT phase FROM instances") == "exited")
            }
        }

        @Test(arguments: try await ModelKind.testable)
        func keepLeavesEverythingForTheNext(_ kind: ModelKind) async throws {
            try await TestHost.run(kind) { host in
                try host.writeStub(fields: ["load: eager"])
                let daemon = try await host.serve(["--on-exit", "keep"])
                try await eventually("it is ready") {
                    try await host.sqlite("SELECT phase FROM instances") == "ready"
                }
                let pid = try await host.sqlite("SELECT pid FROM instances")
                #expect(try await daemon.terminate() == 0)
                #expect(isRunning(Int32(pid) ?? 0))

                let next = try await host.serve()
                #expect(try await next.predict().status == 200)
                #expect(try await host.sqlite("SELECT pid FROM instances WHERE phase = 'ready'") == pid)
            }
        }

        @Test(arguments: try await ModelKind.testable)
        func requestsInFlightAreAnsweredThroughAnUpgrade(_ kind: ModelKind) async throws {
            try await TestHost.run(kind) { host in
                try host.writeStub(flags: "--print-requests --delay-ms 1500", fields: ["load: eager"])
                let daemon = try await host.serve()
                try await eventually("it is ready") {
                    try await host.sqlite("SELECT phase FROM instances") == "ready"
                }
                async let answer = daemon.predict()
                try await host.waitForPrediction()
                #expect(try await host.modelet("shutdown", "--keep").status == 0)
                #expect(try await answer.status == 200)
            }
        }

        @Test func secondTermSkipsTheDrain() async throws {
            try await TestHost.run { host in
                // Each far longer than the limit of the wait for the end.
                try host.writeStub(
                    flags: "--print-requests --delay-ms 600000",
                    fields: ["load: eager", "drain_timeout: 600", "timeout: 600"])
                let daemon = try await host.serve()
                try await eventually("it is ready") {
                    try await host.sqlite("SELECT phase FROM instances") == "ready"
                }
                async let answer = daemon.predict()
                try await host.waitForPrediction()
                daemon.process.signal(SIGTERM)
                try await eventually("it drains") {
                    try await host.sqlite("SELECT phase FROM instances") == "draining"
                }
                daemon.process.signal(SIGTERM)
                #expect(try await daemon.process.exitStatus() == 0)
                #expect(host.processes() == [])
                _ = try? await answer
            }
        }

        @Test(arguments: try await ModelKind.testable)
        func shutdownWithoutADaemonStopsWhatACrashLeft(_ kind: ModelKind) async throws {
            try await TestHost.run(kind) { host in
                try host.writeStub(fields: ["load: eager"])
                let daemon = try await host.serve()
                try await eventually("it is ready") {
                    try await host.sqlite("SELECT phase FROM instances") == "ready"
                }
                try await daemon.crash()
                let ended = try await host.modelet("shutdown")
                #expect(ended.status == 0, "\(ended.errors)")
                try await host.expectNothingLeft()
            }
        }

        @Test func modelThatDiedMeanwhileIsStartedAgain() async throws {
            try await TestHost.run { host in
                try host.writeStub(fields: ["load: eager"])
                let first = try await host.serve()
                try await eventually("it is ready") {
                    try await host.sqlite("SELECT phase FROM instances") == "ready"
                }
                let pid = try await host.sqlite("SELECT pid FROM instances")
                let shim = try await host.sqlite("SELECT shim_pid FROM instances")
                try await first.crash()
                kill(Int32(pid) ?? 0, SIGKILL)
                // Until it has said how the server ended, it is alive, and would be adopted.
                try await eventually("its shim has ended") { !isRunning(Int32(shim) ?? 0) }

                let second = try await host.serve()
                #expect(try await second.predict().status == 200)
                #expect(try await host.sqlite("SELECT pid FROM instances WHERE phase = 'ready'") != pid)
            }
        }

        /// A pid that was written down and now belongs to another program is never signalled.
        @Test func strangerWithARecordedPidIsLeftAlone() async throws {
            try await TestHost.run { host in
                try host.writeStub(fields: ["load: eager"])
                let first = try await host.serve()
                try await eventually("it is ready") {
                    try await host.sqlite("SELECT phase FROM instances") == "ready"
                }
                let shim = try await host.sqlite("SELECT shim_pid FROM instances")
                try await first.crash()
                kill(Int32(shim) ?? 0, SIGKILL)

                let stranger = try ChildProcess(["sleep", "1000"], output: host.directory + "/stranger")
                defer { stranger.signal(SIGKILL) }
                // The schema would not have it: an identity never changes.
                _ = try await host.sqlite(
                    """
                    DROP TRIGGER instance_identity_is_fixed;
                    UPDATE instance SET shim_pid = \(stranger.pid) WHERE shim_pid = \(shim);
                    """)
                let second = try await host.serve()
                #expect(try await second.predict().status == 200)
                #expect(try await second.terminate() == 0)
                #expect(isRunning(stranger.pid))
            }
        }
    }
}
