import TestSupport
import Testing

extension EndToEnd {
    /// A new generation that cannot be had: the old one serves on, `status` tells why, and the next good edit proceeds.
    @Suite struct BlockedLoad {
        private func write(_ edit: Int, on host: TestHost, more flags: String = "", fields: [String] = []) throws {
            try host.writeStub(flags: "--label v\(edit) \(flags)", fields: ["load: eager"] + fields)
        }

        /// Breaks the manifest, sees the old generation serve on and `status` give the reason, then mends it.
        private func breakAndMend(
            _ edit: Int, reason: String, on host: TestHost, _ load: LoadGenerator, _ breakIt: () throws -> Void
        ) async throws {
            try breakIt()
            try await eventually("status tells that the load is blocked, and by what: \(reason)") {
                let status = try await host.modelet("status").output
                return status.contains("BlockedByFailedLoad") && status.contains(reason)
            }
            let report = try await host.modelet("status", "-o", "json").output
            #expect(report.contains("BlockedByFailedLoad") && report.contains(reason), "\(report)")
            let answered = load.answered
            try await eventually("it serves on") { load.answered > answered + 100 }
            try write(edit, on: host)
            // At once: not after a backoff, nor after the ten minutes that a final failure lasts.
            try await eventually("the next good edit serves", within: .seconds(30)) { load.hasSeen("v\(edit)") }
            try await eventually("nothing is blocked any more") {
                !(try await host.modelet("status").output.contains("BlockedByFailedLoad"))
            }
        }

        @Test(arguments: try await ModelKind.testable)
        func theOldGenerationServesOnAndTheNextGoodEditProceeds(_ kind: ModelKind) async throws {
            try await TestHost.run(kind) { host in
                try write(0, on: host)
                let daemon = try await host.serve()
                try await eventually("the first generation serves") { try await daemon.predict().status == 200 }
                let plan = LoadGenerator.Plan(name: "failing generations (\(kind))", port: daemon.port, rate: 200)
                let report = try await LoadGenerator.run(plan) { load in
                    try await breakAndMend(2, reason: "code 3", on: host, load) {
                        try write(1, on: host, more: "--exit-immediately 3 --say no-weights")
                    }
                    try await breakAndMend(4, reason: "start_timeout", on: host, load) {
                        try write(3, on: host, more: "--never-listen", fields: ["start_timeout: 1"])
                    }
                    guard kind == .process else { return }
                    try await breakAndMend(6, reason: "no-such-program", on: host, load) {
                        try host.write(
                            """
                            domain: test
                            ml:
                              sources:
                                stub:
                                  models:
                                    default:
                                      load: eager
                                      source:
                                        type: local_artifact
                                        path: ./artifact
                                        startup_command: "/no-such-program --port ${PORT}"

                            """, to: "stub.yaml")
                    }
                }
                #expect(report.failures == [:])
                #expect(report.labels == (kind == .process ? ["v0", "v2", "v4", "v6"] : ["v0", "v2", "v4"]))
                try await eventually("one server is left") { try await host.runningServers().count == 1 }
            }
        }
    }
}
