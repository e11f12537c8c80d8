import TestSupport
import Testing

extension EndToEnd {
    /// Route fields are applied to what runs.
    @Suite struct RouteFields {
        private func write(_ edit: Int, on host: TestHost) throws {
            try host.writeStub(
                flags: "--echo",
                fields: [
                    "load: eager", "headers: {X-Edit: \"e\(edit)\"}", "timeout: \(20 + edit)",
                    "load_timeout: \(100 + edit)", "max_concurrency: \(100 + edit)", "max_queue: \(500 + edit)",
                    "drain_timeout: \(30 + edit)", "stop_timeout: \(10 + edit)", "idle_timeout: \(600 + edit)",
                ], baseURL: "http://localhost:\(18500 + edit)")
        }

        @Test(arguments: try await ModelKind.testable)
        func editsOfRouteFieldsRestartNothingAndTheNextRequestSeesThem(_ kind: ModelKind) async throws {
            try await TestHost.run(kind) { host in
                try write(0, on: host)
                let daemon = try await host.serve()
                try await eventually("it serves") { try await daemon.predict().status == 200 }
                let server = try await host.runningServers()
                let plan = LoadGenerator.Plan(
                    name: "edits of route fields (\(kind))", port: daemon.port, marker: #"["X-Edit",""#)
                var applied: [Int64] = []
                let report = try await LoadGenerator.run(plan) { load in
                    for edit in 1...10 {
                        try write(edit, on: host)
                        // Who does not wait for the watch to see it is told when it holds.
                        if edit % 2 == 0 { #expect(try await host.modelet("apply", host.manifests).status == 0) }
                        if edit % 2 == 0 { applied.append(monotonicTime()) }
                        try await eventually("edit \(edit) is seen") { load.hasSeen("e\(edit)") }
                    }
                }
                #expect(report.failures == [:])
                #expect(report.labels == (0...10).map { "e\($0)" })
                for (index, time) in applied.enumerated() {
                    let outdated = (0..<(2 * index + 2)).map { report.answers("e\($0)", sentSince: time) }
                    #expect(outdated.allSatisfy { $0 == 0 }, "after apply \(index + 1): \(outdated)")
                }
                #expect(try await host.runningServers() == server)
                #expect(try await host.sqlite("SELECT count(*), max(generation) FROM instances") == "1|1")
            }
        }
    }
}
