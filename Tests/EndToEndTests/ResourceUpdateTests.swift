import TestSupport
import Testing

extension EndToEnd {
    /// `update: resource`, and a port that both generations need: the old one ends before the new one starts, and
    /// requests are held meanwhile.
    @Suite struct ResourceUpdate {
        private static let edits = 5
        /// How long a load takes at least, in milliseconds.
        private static let loadTime = 250

        private func replace(
            on host: TestHost, _ name: String, fields: [String] = [], port: Int? = nil
        ) async throws {
            func write(_ edit: Int) throws {
                try host.writeStub(
                    flags: "--label v\(edit) --start-delay-ms \(Self.loadTime)",
                    fields: ["load: eager", "load_timeout: 100"] + fields, port: port)
            }
            try write(0)
            let daemon = try await host.serve()
            try await eventually("the first generation serves") { try await daemon.predict().status == 200 }
            let plan = LoadGenerator.Plan(
                name: "\(Self.edits) \(name) (\(host.kind))", port: daemon.port, rate: 300, connections: 200)
            let report = try await LoadGenerator.run(plan) { load in
                for edit in 1...Self.edits {
                    try write(edit)
                    try await eventually("edit \(edit) serves") { load.hasSeen("v\(edit)") }
                }
            }
            #expect(report.failures == [:])
            #expect(report.labels == (0...Self.edits).map { "v\($0)" })
            // Some were held for the whole of a load.
            #expect(report.latency(1) >= Double(Self.loadTime))
            // Never two at once: each was recorded as ended before the next was begun.
            let overlaps = """
                SELECT count(*) FROM instances a JOIN instances b
                ON b.generation > a.generation AND b.created_at < coalesce(a.exited_at, '9')
                """
            #expect(try await host.sqlite(overlaps) == "0")
            #expect(try await host.sqlite("SELECT count(*) FROM instances") == "\(Self.edits + 1)")
        }

        @Test(arguments: try await ModelKind.testable)
        func requestsAreHeldAcrossTheGap(_ kind: ModelKind) async throws {
            try await TestHost.run(kind) { host in
                try await replace(on: host, "updates: resource", fields: ["update: resource"])
            }
        }

        /// Nobody asked for `update: resource`, but both cannot have the port.
        @Test func requestsAreHeldWhereBothNeedThePort() async throws {
            try await TestHost.run { host in
                try await replace(on: host, "updates on a fixed port", port: 18445)
            }
        }

        @Test func afterThreeFailuresTheLastReadyGenerationServesAgain() async throws {
            try await TestHost.run { host in
                let fields = ["load: eager", "update: resource"]
                try host.writeStub(flags: "--label v0", fields: fields)
                let daemon = try await host.serve()
                try await eventually("the first generation serves") { try await daemon.predict().status == 200 }
                let first = try await host.sqlite("SELECT id FROM instances WHERE phase = 'ready'")

                try host.writeStub(flags: "--label v1 --exit-immediately 3 --say no-weights", fields: fields)
                try await eventually("the last ready generation serves again") {
                    let answer = try await daemon.predict()
                    let now = try await host.sqlite("SELECT id FROM instances WHERE phase = 'ready'")
                    return answer.body.contains(#""label":"v0""#) && !now.isEmpty && now != first
                }
                let failed = "SELECT count(*) FROM instances WHERE exit_code = 3"
                #expect(try await host.sqlite(failed) == "3")
                let status = try await host.modelet("status").output
                #expect(status.contains("BlockedByFailedLoad") && status.contains("code 3"), "\(status)")

                // What serves again does so without a failure, and gives way to the next good edit.
                let plan = LoadGenerator.Plan(name: "after a failed update", port: daemon.port, rate: 200)
                let report = try await LoadGenerator.run(plan) { load in
                    try await eventually("it serves") { load.answered > 100 }
                    try host.writeStub(flags: "--label v2", fields: fields)
                    try await eventually("the next good edit serves") { load.hasSeen("v2") }
                }
                #expect(report.failures == [:] && report.labels == ["v0", "v2"])
            }
        }
    }
}
