import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// Commands that wait for models.
    @Suite struct Waiting {
        /// One that never becomes ready would keep whoever waits for it for ten minutes.
        @Test func waitEndsWithTheFirstThatCannotBecomeReady() async throws {
            try await TestHost.run { host in
                _ = try await host.serve()
                try host.writeStub("endless", flags: "--never-listen", fields: ["load: eager"])
                try host.writeStub("other", fields: ["load: eager"])
                try host.write(
                    """
                    domain: test
                    ml:
                      sources:
                        wrong:
                          models:
                            default:
                              load: eager
                              source:
                                type: local_artifact
                                path: ./artifact
                                startup_command: "/no/such/program --port ${PORT}"
                    """, to: "wrong.yaml")
                let applied = try await host.modelet("apply", host.manifests, "--wait", "-o", "json")
                #expect(applied.status == 1)
                #expect(applied.errors.contains("test/wrong/default is failed: "), "\(applied.errors)")
                // What programs read is one document, and nothing else.
                #expect(applied.output.hasPrefix("{") && applied.output.hasSuffix("}\n"), "\(applied.output)")
                #expect(!applied.output.contains(" is ready"))
            }
        }

        /// More than can be asked about at once, and the last of them cannot become ready.
        @Test func waitForManyEndsWithTheFirstThatCannotBecomeReady() async throws {
            try await TestHost.run { host in
                _ = try await host.serve()
                for number in 100..<164 {
                    try host.writeStub("slow\(number)", flags: "--never-listen", fields: ["load: eager"])
                }
                try host.write(
                    """
                    domain: test
                    ml:
                      sources:
                        wrong:
                          models:
                            default:
                              load: eager
                              source:
                                type: local_artifact
                                path: ./missing
                                startup_command: "serve --port ${PORT}"
                    """, to: "wrong.yaml")
                let applied = try await host.modelet("apply", host.manifests, "--wait")
                #expect(applied.status == 1)
                #expect(applied.errors.contains("test/wrong/default is failed: "), "\(applied.errors)")
            }
        }

        @Test func progressIsShownOnStandardErrorAlone() async throws {
            try await TestHost.run { host in
                _ = try await host.serve()
                let file = host.directory + "/listen"
                try host.writeStub(flags: "--listen-when \(file)", fields: ["load: eager"])
                let command = try ChildProcess(
                    [TestHost.modelet, "apply", host.manifests, "--wait"], environment: ["MODELET_STATE": host.state],
                    output: host.newOutput("apply"))
                try await eventually("it says that it is starting") {
                    command.errors.contains("test/stub/default: starting\n")
                }
                close(open(file, O_WRONLY | O_CREAT, 0o600))
                #expect(try await command.exitStatus() == 0)
                #expect(command.output.hasSuffix("test/stub/default is ready\n"), "\(command.output)")
                #expect(!command.output.contains("starting"))
                // No terminal: nothing is written anew.
                #expect(!command.errors.contains("\u{1B}"))
            }
        }

        @Test func restartCanBeWaitedFor() async throws {
            try await TestHost.run { host in
                try host.writeStub(fields: ["load: eager"])
                let daemon = try await host.serve()
                #expect(try await daemon.predict().status == 200)
                let old = try await host.sqlite("SELECT pid FROM instances WHERE phase = 'ready'")
                let restarted = try await host.modelet("restart", "test/stub", "--wait")
                #expect(restarted.status == 0, "\(restarted.errors)")
                #expect(restarted.output == "test/stub/default is ready\n")
                let new = try await host.sqlite("SELECT pid FROM instances WHERE phase = 'ready'")
                #expect(!new.isEmpty && new != old)
                #expect(try await daemon.predict().status == 200)
            }
        }
    }
}
