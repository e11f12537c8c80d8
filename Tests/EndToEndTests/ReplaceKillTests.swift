import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// The controller is killed at random moments of replacements under load. What serves goes on, nothing runs twice,
    /// and once the listener is back no request fails.
    @Suite struct ReplaceKills {
        private static let port = 18444

        private func write(_ edit: Int, on host: TestHost) throws {
            try host.writeStub(
                flags: "--label v\(edit) --warm-up-ms 60",
                fields: ["load: eager", "update: availability", "readiness: {path: /, status: 200}"])
        }

        @Test(arguments: try await ModelKind.testable)
        func killedWhileReplacingNothingRunsTwiceAndNoRequestIsLost(_ kind: ModelKind) async throws {
            // A container takes some ten times as long to come and go as a process.
            let kills = kind == .process ? 30 : 8
            try await TestHost.run(kind) { host in
                var random = Seeded(seed: UInt64.random(in: 0...UInt64.max))
                let seed = random.seed
                print("modelet-test: seed of the kills: \(seed)")
                try write(0, on: host)
                let listen = ["--listen", "127.0.0.1:\(Self.port)"]
                var daemon = try await host.serve(listen)
                try await eventually("the first generation serves") { try await daemon.predict().status == 200 }

                var away: [ClosedRange<Int64>] = []
                var moments: [String: Int] = [:]
                let plan = LoadGenerator.Plan(
                    name: "\(kills) kills (\(kind))", port: Self.port, rate: 200, connections: 32)
                let report = try await LoadGenerator.run(plan) { load in
                    for round in 1...kills {
                        try write(round, on: host)
                        moments[try await moment(of: host, &random), default: 0] += 1
                        try await expectNoTwins(on: host, "before kill \(round), seed \(seed)")
                        let killed = monotonicTime()
                        try await daemon.crash()
                        daemon = try await host.serve(listen)
                        away.append(killed...monotonicTime())
                        try await expectNoTwins(on: host, "after kill \(round), seed \(seed)")
                    }
                    try await eventually("the last edit serves; seed \(seed)") { load.hasSeen("v\(kills)") }
                    let answered = load.answered
                    try await eventually("it serves on") { load.answered > answered + 100 }
                }
                print("modelet-test: killed while: \(moments.sorted { $0.value > $1.value })")
                #expect(report.failures(outside: away) == [:], "seed \(seed)")
                // There is always one that serves, so the load was answered between any two kills.
                #expect(report.samples.count { $0.status == 200 } > report.samples.count / 3)

                try await eventually("exactly what is recorded runs; seed \(seed)") {
                    let recorded = try await host.sqlite(
                        "SELECT \(kind.identity) FROM instances WHERE phase = 'ready'")
                    return try await host.runningServers() == [recorded]
                }
                // A container goes a moment before its end is recorded.
                try await eventually("no operation stays open; seed \(seed)") {
                    try await host.sqlite("SELECT count(*) FROM operations WHERE outcome = 'open'") == "0"
                }
                #expect(try await daemon.terminate() == 0)
                try await host.expectNothingLeft()
            }
        }

        /// Lets the replacement come to some point: a random time after it has begun, or a random time where it has not.
        /// Returns which phases there were shortly before.
        private func moment(of host: TestHost, _ random: inout Seeded) async throws -> String {
            let deadline = ContinuousClock.now + .milliseconds(Int.random(in: 20...500, using: &random))
            var phases = ""
            while ContinuousClock.now < deadline {
                phases = try await host.sqlite(Self.phases)
                if phases != "ready" { break }
            }
            try await Task.sleep(for: .milliseconds(Int.random(in: 0...150, using: &random)))
            return phases
        }

        private static let phases = """
            SELECT coalesce(group_concat(phase, '+'), '') FROM (
                SELECT phase FROM instances WHERE phase NOT IN ('exited', 'lost') ORDER BY id)
            """

        /// No generation has two servers.
        private func expectNoTwins(on host: TestHost, _ comment: Comment) async throws {
            let labels = try await host.kind == .process ? commandLabels(on: host) : containerGenerations(on: host)
            #expect(Set(labels).count == labels.count, comment)
        }

        private func containerGenerations(on host: TestHost) async throws -> [String] {
            let running = try await host.runningServers().map { "'\($0)'" }.joined(separator: ", ")
            let generations = "SELECT generation FROM instances WHERE container_id IN (\(running))"
            return try await host.sqlite(generations).split(separator: "\n").map(String.init)
        }

        private func commandLabels(on host: TestHost) -> [String] {
            let commands = host.serverPIDs().map { readFile("/proc/\($0)/cmdline") }
            // One that has just ended has no command any more, and its port tells it from others.
            return commands.compactMap { command in
                command.split(separator: "\0").first { $0.hasPrefix("v") }.map(String.init)
            }
        }
    }
}
