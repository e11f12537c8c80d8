import TestSupport
import Testing

extension EndToEnd {
    /// Many models at once.
    @Suite struct Pace {
        private static let models = 200
        private static let slots = 4

        /// Writes one manifest with many small eager models.
        private func writeMany(on host: TestHost) throws {
            var lines = ["domain: many", "ml:", "  sources:"]
            for index in 0..<Self.models {
                lines += [
                    "    m\(index):", "      models:", "        default:", "          load: eager",
                    "          source: {type: local_artifact, path: ./artifact, startup_command: "
                        + "\"\(TestHost.stub) --port ${PORT} --start-delay-ms 20\"}",
                ]
            }
            try host.write(lines.joined(separator: "\n") + "\n", to: "many.yaml")
        }

        @Test func manyModelsAppliedAtOnceStartInTurn() async throws {
            try await TestHost.run { host in
                let daemon = try await host.serve(["--max-concurrent-starts", "\(Self.slots)"])
                // One takes minutes, and is the first; one is wanted by a caller, and by nobody else.
                try host.writeStub("slow", flags: "--start-delay-ms 3600000", fields: ["start_timeout: 1h"])
                try host.writeStub("called", fields: ["load_timeout: 100"])
                #expect(try await host.modelet("apply", host.manifests).status == 0)
                #expect(try await host.modelet("load", "test/slow").status == 0)
                try await eventually("the slow one is starting") {
                    try await host.sqlite("SELECT phase FROM instances WHERE source = 'slow'") == "starting"
                }
                try writeMany(on: host)
                #expect(try await host.modelet("apply", host.manifests).status == 0)
                try await eventually("some are ready") {
                    try await host.sqlite("SELECT count(*) >= 5 FROM instances WHERE phase = 'ready'") == "1"
                }
                #expect(try await daemon.predict("test/called").status == 200)
                // Cheap to ask again and again: it is about the eager ones.
                try await eventually("all that came at once are ready", within: .seconds(240)) {
                    try await daemon.get("/v2/health/ready").status == 200
                }
                let ready = "SELECT count(*) FROM instances WHERE phase = 'ready'"
                #expect(try await host.sqlite(ready) == "\(Self.models + 1)")
                #expect(try await host.sqlite("SELECT phase FROM instances WHERE source = 'slow'") == "starting")

                // Of the models that came at once; the slow one holds a slot for a while only.
                let journal = try await StartJournal(of: host)
                #expect(journal.mostAtOnce(in: "many/") <= Self.slots)
                // So many that the limit was felt.
                #expect(journal.mostAtOnce(in: "many/") >= 2)
                // While the caller waited, only those started that had been let go when it came; far more were in line.
                let turn = try #require(journal.turn(of: "test/called/default"))
                #expect(turn.overtookBy <= Self.slots, "\(turn)")
                #expect(turn.stillInLine >= Self.models / 4, "\(turn)")
                // Nobody was tried twice.
                #expect(
                    try await host.sqlite("SELECT count(*) FROM operations WHERE kind = 'start'")
                        == "\(Self.models + 2)")
            }
        }

        /// As many as there are slots.
        @Test func serversThatTakeMinutesDelayNoCaller() async throws {
            try await TestHost.run { host in
                for index in 0..<Self.slots {
                    try host.writeStub(
                        "slow\(index)", flags: "--start-delay-ms 3600000", fields: ["load: eager", "start_timeout: 1h"])
                }
                try host.writeStub("called", fields: ["load_timeout: 100"])
                let daemon = try await host.serve(["--max-concurrent-starts", "\(Self.slots)"])
                let starting = "SELECT count(*) FROM instances WHERE phase = 'starting'"
                try await eventually("the slow ones are starting") {
                    try await host.sqlite(starting) == "\(Self.slots)"
                }
                #expect(try await daemon.predict("test/called").status == 200)
                #expect(try await host.sqlite(starting) == "\(Self.slots)")
                #expect(try await daemon.terminate() == 0)
                try await host.expectNothingLeft()
            }
        }
    }
}

/// What the journal says of starts, in the order in which it was written.
private struct StartJournal {
    private struct Line {
        var key: Substring
        var instance: Substring
        var kind: Substring
    }

    private let lines: [Line]

    init(of host: TestHost) async throws {
        let text = try await host.sqlite(
            """
            SELECT key, coalesce(instance, ''), kind FROM events
            WHERE kind IN ('demanded', 'intent', 'ready', 'stopping', 'exited', 'lost') ORDER BY id
            """)
        lines = text.split(separator: "\n").map { line in
            let cells = line.split(separator: "|", omittingEmptySubsequences: false)
            return Line(key: cells[0], instance: cells[1], kind: cells[2])
        }
    }

    /// How many instances of these models were starting at the same moment, at most.
    func mostAtOnce(in domain: String) -> Int {
        var starting: Set<Substring> = []
        var most = 0
        for line in lines where line.key.hasPrefix(domain) {
            if line.kind == "intent" { starting.insert(line.instance) } else { starting.remove(line.instance) }
            most = max(most, starting.count)
        }
        return most
    }

    /// How many others began between the demand for a model and its own start, and how many did only after that.
    func turn(of key: String) -> (overtookBy: Int, stillInLine: Int)? {
        guard let demand = lines.firstIndex(where: { $0.key == key && $0.kind == "demanded" }),
            let start = lines.firstIndex(where: { $0.key == key && $0.kind == "intent" }), demand < start
        else { return nil }
        return (
            lines[demand..<start].count { $0.kind == "intent" }, lines[start...].count { $0.kind == "intent" } - 1
        )
    }
}
