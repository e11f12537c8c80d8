import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// How containers end, and what is known of it afterwards.
    @Suite(.needs(.engine)) struct DockerStop {
        @Test func aServerThatIgnoresTermIsKilledAndItsEndRecorded() async throws {
            try await TestHost.run(.container) { host in
                try host.writeStub(flags: "--ignore-term --say here-I-stay", fields: ["stop_timeout: 1"])
                let daemon = try await host.serve()
                #expect(try await daemon.predict().status == 200)
                #expect(try await host.modelet("unload", "test/stub", "--wait").status == 0)
                #expect(try await host.sqlite("SELECT exit_signal FROM instances") == "9")
                #expect(
                    try await host.sqlite(
                        """
                        SELECT julianday(exited_at) - julianday(phase_since) < 1 FROM instances
                        """) == "1")
                try await host.expectNothingLeft(but: daemon)

                // What it wrote can be read although its container is gone.
                let logs = try await host.modelet("logs", "test/stub")
                #expect(logs.status == 0, "\(logs.errors)")
                #expect(logs.output.contains("here-I-stay"), "\(logs.output)")
            }
        }

        @Test func logsCanBeReadWhileItRuns() async throws {
            try await TestHost.run(.container) { host in
                try host.writeStub(flags: "--say to-standard-error --print 3", fields: ["load: eager"])
                let daemon = try await host.serve()
                try await host.waitForContainer()
                let logs = try await host.modelet("logs", "test/stub")
                #expect(logs.status == 0, "\(logs.errors)")
                for line in ["to-standard-error", "line 2 of the noise", "listening on 0.0.0.0:8000"] {
                    #expect(logs.output.contains(line), "\(logs.output)")
                }
                _ = daemon
            }
        }

        @Test func aServerThatTakesMoreMemoryThanItMaySaysSo() async throws {
            try await TestHost.run(.container) { host in
                try host.writeStub(
                    flags: "--say about-to-burst --allocate-mib 200", fields: ["retry: false"],
                    sourceFields: ["memory: 48MiB"])
                let daemon = try await host.serve()
                #expect(try await daemon.predict().status == 502)
                try await eventually("its end is recorded") {
                    try await host.sqlite("SELECT count(*) FROM instances WHERE phase = 'exited'") == "1"
                }
                let end = try await host.sqlite(
                    "SELECT exit_signal, out_of_memory, exit_message FROM instances LIMIT 1")
                #expect(end.hasPrefix("9|1|"), "\(end)")
                #expect(end.lowercased().contains("memory"), "\(end)")
                let status = try await host.modelet("status", "-o", "json")
                #expect(status.output.contains("about-to-burst"), "\(status.output)")
            }
        }

        @Test func anonymousVolumesGoAndImagesStay() async throws {
            try await TestHost.run(.container) { host in
                let engine = try #require(host.engine)
                let image = "modelet-test/volume:latest"
                try await engine.makeImage(image, changes: [#"VOLUME ["/scratch"]"#])
                try host.writeStub(fields: ["load: eager"], image: image)
                let before = try await engine.docker("volume", "ls", "--quiet")
                let daemon = try await host.serve()
                let container = try await host.waitForContainer()
                let volume = try await engine.inspect(
                    container, #"{{range .Mounts}}{{if eq .Destination "/scratch"}}{{.Name}}{{end}}{{end}}"#)
                #expect(!volume.isEmpty)
                #expect(try await daemon.terminate() == 0)
                try await host.expectNothingLeft()
                #expect(try await engine.docker("volume", "ls", "--quiet") == before)
                _ = try await engine.docker("image", "inspect", image)
            }
        }

        /// The container that a crash of the server leaves is removed, too, and what it said is kept.
        @Test func anEndOfItsOwnLeavesNoContainer() async throws {
            try await TestHost.run(.container) { host in
                try host.writeStub(flags: "--crash-after-requests 1", fields: ["readiness: none", "retry: false"])
                let daemon = try await host.serve()
                #expect(try await daemon.predict().status == 200)
                #expect(try await daemon.predict().status == 502)
                try await eventually("it has gone") { try await host.engine?.containers(of: host) == [] }
                // The container goes once its end is written down; the database is told after that.
                try await eventually("its end is recorded") {
                    try await host.sqlite("SELECT exit_signal FROM instances ORDER BY id LIMIT 1") == "\(SIGSEGV)"
                }
                #expect(try await daemon.predict().status == 200)
            }
        }
    }
}
