import Synchronization
import TestSupport
import Testing

extension EndToEnd {
    /// What runs is edited while it is used.
    @Suite struct Replace {
        /// Says when the callers may stop.
        private final class End: Sendable {
            private let value = Atomic(false)
            var hasCome: Bool { value.load(ordering: .relaxed) }
            func come() { value.store(true, ordering: .relaxed) }
        }

        /// Asks again and again until `body` has ended. Returns every status, in the order of the answers.
        private func statuses(of daemon: Daemon, while body: () async throws -> Void) async throws -> [Int] {
            let end = End()
            return try await withThrowingTaskGroup(of: [Int].self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        var statuses: [Int] = []
                        while !end.hasCome { statuses.append(try await daemon.predict().status) }
                        return statuses
                    }
                }
                do {
                    try await body()
                } catch {
                    end.come()
                    throw error
                }
                end.come()
                return try await group.reduce(into: []) { $0 += $1 }
            }
        }

        private func untilModel(_ host: TestHost, _ what: String, _ query: String, is expected: String) async throws {
            try await eventually(what) { try await host.sqlite("SELECT \(query) FROM models") == expected }
        }

        @Test func noCallerNoticesAnEdit() async throws {
            try await TestHost.run { host in
                try host.writeStub(fields: ["load: eager"])
                let daemon = try await host.serve()
                try await untilModel(host, "it is ready", "state, instance NOT NULL", is: "ready|1")
                let statuses = try await statuses(of: daemon) {
                    try host.writeStub(flags: "--start-delay-ms 300", fields: ["load: eager"])
                    try await eventually("the second generation serves") {
                        try await host.sqlite("SELECT generation, phase FROM instances WHERE routed") == "2|ready"
                    }
                    try await eventually("the first has ended") {
                        try await host.sqlite("SELECT phase FROM instances WHERE generation = 1") == "exited"
                    }

                    try host.writeStub(flags: "--exit-immediately 3", fields: ["load: eager"])
                    try await untilModel(
                        host, "the third is blocked", "state, reason LIKE 'BlockedByFailedLoad: generation 3 %'",
                        is: "ready|1")
                    let status = try await host.modelet("status", "-o", "json")
                    #expect(status.output.contains("\"state\" : \"BlockedByFailedLoad\""))
                    let events = try await host.sqlite("SELECT count(*) > 0 FROM events WHERE kind = 'blocked'")
                    #expect(events == "1")

                    try host.writeStub(flags: "--status 204", fields: ["load: eager"])
                    try await eventually("the fourth serves alone") {
                        try await host.sqlite(
                            "SELECT generation, routed FROM instances WHERE phase NOT IN ('exited', 'lost')") == "4|1"
                    }
                }
                #expect(statuses.count > 10)
                #expect(statuses.filter { $0 != 200 } == [])
            }
        }

        @Test func callersAreHeldWhereOnlyOneCanRun() async throws {
            try await TestHost.run { host in
                let fields = ["load: eager", "update: resource"]
                try host.writeStub(fields: fields)
                let daemon = try await host.serve()
                try await untilModel(host, "it is ready", "state, instance NOT NULL", is: "ready|1")
                let statuses = try await statuses(of: daemon) {
                    try host.writeStub(flags: "--start-delay-ms 300", fields: fields)
                    // What `models` says of the second may still be about the first: `ready` is what serves.
                    try await eventually("the second serves") {
                        try await host.sqlite("SELECT generation, phase FROM instances WHERE routed") == "2|ready"
                    }
                    // The first is gone when the second starts, and is still why.
                    let causes = try await host.sqlite(
                        """
                        SELECT cause LIKE 'startup_command: % --start-delay-ms 300' FROM operations
                        WHERE kind = 'start' AND instance = (SELECT id FROM instances WHERE generation = 2)
                        """)
                    #expect(causes == "1")
                    try host.writeStub(flags: "--exit-immediately 3", fields: fields)
                    try await untilModel(
                        host, "the second serves again", "state, reason LIKE 'BlockedByFailedLoad: generation 3 %'",
                        is: "ready|1")
                    #expect(
                        try await host.sqlite("SELECT generation, instead_of FROM instances WHERE phase = 'ready'")
                            == "2|3")
                    try host.writeStub(fields: fields)
                    try await eventually("the fourth serves") {
                        try await host.sqlite("SELECT generation, phase FROM instances WHERE routed") == "4|ready"
                    }
                    try await untilModel(host, "nothing is left to say", "state, reason IS NULL", is: "ready|1")
                }
                #expect(statuses.filter { $0 != 200 } == [])
                // Never two at once: whoever was started later was so after the end of the one before.
                let overlaps = try await host.sqlite(
                    """
                    SELECT count(*) FROM instances a JOIN instances b
                    ON b.created_at > a.created_at AND b.started_at < a.exited_at
                    """)
                #expect(overlaps == "0")
            }
        }
    }
}
