import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// What the load tests lean on: that no failure is hidden, and none is told of what went well.
    @Suite struct LoadItself {
        /// Runs the stub server by itself.
        private func withStub(
            _ port: Int, _ flags: [String], on host: TestHost, _ body: (LoadGenerator.Plan) async throws -> Void
        ) async throws {
            let stub = try ChildProcess(
                [TestHost.stub, "--port", "\(port)"] + flags, output: host.newOutput("stub"))
            try await eventually("it listens") { stub.output.contains("listening") }
            try await body(LoadGenerator.Plan(name: "the stub by itself", port: port))
            stub.signal(SIGKILL)
            try await stub.exitStatus()
        }

        @Test func everyAnswerIsCounted() async throws {
            try await TestHost.run { host in
                try await withStub(18441, ["--label", "a"], on: host) { plan in
                    let report = try await LoadGenerator.run(plan) { load in
                        try await eventually("200 answers have come") { load.answered >= 200 }
                        #expect(load.hasSeen("a") && !load.hasSeen("b"))
                    }
                    #expect(report.failures == [:] && report.labels == ["a"])
                    #expect(report.samples.count >= 200)
                    #expect(report.answers("a", sentSince: 0) == report.samples.count)
                    // As fast as it was told to: what is late is sent after that.
                    #expect(Int64(report.samples.count) >= report.duration / 1_000_000_000 * Int64(plan.rate) / 2)
                }
            }
        }

        @Test func aServerThatDiesFailsWhatItDidNotAnswer() async throws {
            try await TestHost.run { host in
                try await withStub(18442, ["--label", "a", "--crash-after-requests", "100"], on: host) { plan in
                    let report = try await LoadGenerator.run(plan) { load in
                        try await eventually("more were sent than it answers") { load.answered >= 200 }
                    }
                    #expect(report.answers("a", sentSince: 0) == 100)
                    #expect(report.failures.values.reduce(0, +) == report.samples.count - 100)
                    #expect(report.failures.keys.contains { $0.hasPrefix("no answer: ") })
                    // Failures are forgiven only in the time that is named.
                    #expect(report.failures(outside: [0...Int64.max]) == [:])
                    #expect(report.failures(outside: [0...1]) == report.failures)
                }
            }
        }

        @Test func aServerThatIsNotReadyIsNoSuccess() async throws {
            try await TestHost.run { host in
                try await withStub(18443, ["--label", "a", "--warm-up-ms", "300"], on: host) { plan in
                    let report = try await LoadGenerator.run(plan) { load in
                        try await eventually("it is ready") {
                            try await HTTPCall(port: plan.port, path: "/").send().status == 200
                        }
                        let answered = load.answered
                        try await eventually("it has answered") { load.answered > answered + 100 }
                    }
                    #expect(Array(report.failures.keys) == ["503: a"])
                    #expect(report.answers("a", sentSince: 0) > 0)
                }
            }
        }
    }
}
