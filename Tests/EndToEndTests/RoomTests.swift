import TestSupport
import Testing

extension EndToEnd {
    /// More models than there is room for, and models that nobody uses.
    @Suite struct Room {
        private func statuses(_ count: Int, _ call: @escaping @Sendable (Int) async throws -> Int) async throws -> [Int]
        {
            try await withThrowingTaskGroup(of: Int.self) { group in
                for index in 0..<count { group.addTask { try await call(index) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
        }

        @Test(arguments: try await ModelKind.testable)
        func twoModelsInOnePlaceAreServedInTurn(_ kind: ModelKind) async throws {
            try await TestHost.run(kind) { host in
                try host.writeStub("one")
                try host.writeStub("two")
                let daemon = try await host.serve(["--max-loaded", "1"])
                for index in 0..<6 {
                    let answer = try await daemon.predict(index % 2 == 0 ? "test/one" : "test/two")
                    #expect(answer.status == 200)
                    #expect(answer.headers["x-modelet-served-by"] == "instance")
                }
                #expect(try await host.sqlite("SELECT count(*) FROM instances") == "6")
            }
        }

        /// Both are always in use, so that neither is ever idle by itself for long.
        @Test func twoModelsInOnePlaceAreServedThoughBothAreAlwaysWanted() async throws {
            try await TestHost.run { host in
                try host.writeStub("one", flags: "--delay-ms 40")
                try host.writeStub("two", flags: "--delay-ms 40")
                let daemon = try await host.serve(["--max-loaded", "1"])
                let statuses = try await statuses(8) { index in
                    var worst = 200
                    for _ in 0..<20 {
                        let answer = try await daemon.predict(index % 2 == 0 ? "test/one" : "test/two")
                        worst = max(worst, answer.status)
                    }
                    return worst
                }
                #expect(statuses == Array(repeating: 200, count: 8))
                // Never two at once: whoever was started later was so after the end of the one before.
                let overlaps = try await host.sqlite(
                    """
                    SELECT count(*) FROM instances a JOIN instances b
                    ON a.id < b.id AND a.key <> b.key AND b.created_at < coalesce(a.exited_at, '9')
                    AND a.created_at < coalesce(b.exited_at, '9')
                    """)
                #expect(overlaps == "0")
                let broken = "SELECT count(*) FROM instances WHERE exit_signal = 9 OR exit_message LIKE '%lost%'"
                #expect(try await host.sqlite(broken) == "0")
            }
        }

        @Test(arguments: try await ModelKind.testable)
        func idleModelIsUnloadedAndNothingButARequestWakesIt(_ kind: ModelKind) async throws {
            try await TestHost.run(kind) { host in
                try host.writeStub(fields: ["idle_timeout: 300ms"])
                let daemon = try await host.serve()
                #expect(try await daemon.predict().status == 200)
                try await eventually("it is unloaded") {
                    try await host.sqlite("SELECT state FROM models") == "standby"
                }
                let cause = "SELECT cause FROM operations WHERE kind = 'drain'"
                #expect(try await host.sqlite(cause) == "idle for 300ms (idle_timeout)")
                for path in ["/v2/health/ready", "/v2/health/live", "/healthz"] { _ = try await daemon.get(path) }
                _ = try await host.modelet("status")
                #expect(try await host.sqlite("SELECT count(*) FROM instances") == "1")
                #expect(try await daemon.predict().status == 200)
                #expect(try await host.sqlite("SELECT count(*) FROM instances") == "2")
            }
        }

        /// Requests arrive all the time around the moments of unloading.
        @Test func noRequestIsLostWhereModelsComeAndGo() async throws {
            try await TestHost.run { host in
                try host.writeStub(fields: ["idle_timeout: 5ms"])
                let daemon = try await host.serve()
                let statuses = try await statuses(3) { _ in
                    var worst = 200
                    for _ in 0..<40 { worst = max(worst, try await daemon.predict().status) }
                    return worst
                }
                #expect(statuses == [200, 200, 200])
            }
        }

        @Test(arguments: try await ModelKind.testable)
        func modelThatExceedsTheMemoryBudgetSaysSo(_ kind: ModelKind) async throws {
            try await TestHost.run(kind) { host in
                try host.writeStub(fields: ["memory: 2GiB"])
                try host.writeStub("small")
                let daemon = try await host.serve(environment: ["MODELET_MEMORY_BUDGET": "1GiB"])
                let answer = try await daemon.predict()
                #expect(answer.status == 503)
                #expect(answer.body.contains("takes 2GiB, more than the whole memory budget of 1GiB"))
                #expect(try await daemon.predict("test/small").status == 200)
            }
        }

        @Test(arguments: try await ModelKind.testable)
        func statusKnowsLoadTimesAndMemory(_ kind: ModelKind) async throws {
            try await TestHost.run(kind) { host in
                try host.writeStub()
                let daemon = try await host.serve()
                #expect(try await daemon.predict().status == 200)
                try await eventually("it is measured") {
                    try await host.sqlite("SELECT loads, memory_bytes > 100000 FROM models") == "1|1"
                }
                let status = try await host.modelet("status", "-o", "json")
                for field in ["\"loads\"", "\"count\" : 1", "\"usual_seconds\"", "\"memory_bytes\""] {
                    #expect(status.output.contains(field), "\(status.output)")
                }
            }
        }

        @Test func limitsThatMakeNoSenseAreUsageErrors() async throws {
            try await TestHost.run { host in
                try host.writeStub()
                for arguments in [["--max-loaded", "0"], ["--memory-budget", "much"], ["--memory-budget", "0"]] {
                    let process = try host.startServe(arguments)
                    #expect(try await process.exitStatus() == 64)
                    #expect(process.errors.contains(arguments[0]))
                }
            }
        }
    }
}
