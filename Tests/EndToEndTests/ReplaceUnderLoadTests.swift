import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// `update: availability`: what runs is replaced by edits of its manifest, under load, and no request is lost.
    @Suite struct ReplaceUnderLoad {
        /// Writes the manifest of a server that says which edit made it, and that answers wrongly for a while after it
        /// has begun to listen.
        private func write(_ edit: Int, on host: TestHost, more flags: String = "", fields: [String] = []) throws {
            try host.writeStub(
                flags: "--label v\(edit) --warm-up-ms 100 --delay-ms 15 \(flags)",
                fields: ["load: eager", "update: availability", "readiness: {path: /, status: 200}"] + fields)
        }

        /// Starts the first generation, and has it replaced by the edits `1...count`, one after the other.
        private func replace(_ count: Int, on host: TestHost, rate: Int) async throws {
            try write(0, on: host)
            let daemon = try await host.serve()
            try await eventually("the first generation serves") { try await daemon.predict().status == 200 }
            let plan = LoadGenerator.Plan(
                name: "\(count) replacements (\(host.kind))", port: daemon.port, rate: rate)
            let report = try await LoadGenerator.run(plan) { load in
                for edit in 1...count {
                    try write(edit, on: host)
                    try await eventually("edit \(edit) serves") { load.hasSeen("v\(edit)") }
                }
            }
            #expect(report.failures == [:])
            #expect(report.labels == (0...count).map { "v\($0)" })

            // One launch a generation; and each was ready and routed before the one before it was drained.
            let steps = """
                SELECT kind FROM operations WHERE kind <> 'stop' AND outcome = 'succeeded' AND id <= (
                    SELECT max(id) FROM operations WHERE kind = 'drain') ORDER BY id
                """
            let expected = ["start", "switch"] + (0..<count).flatMap { _ in ["start", "switch", "drain"] }
            try await eventually("every former generation is drained") {
                try await host.sqlite(steps).split(separator: "\n").map(String.init) == expected
            }
            #expect(try await host.sqlite("SELECT count(*) FROM operations WHERE outcome = 'failed'") == "0")
            try await eventually("the last one alone is left") {
                let running = try await host.runningServers()
                let recorded = try await host.sqlite(
                    "SELECT \(host.kind.identity) FROM instances WHERE phase = 'ready'")
                return running == [recorded]
            }
            #expect(try await daemon.terminate() == 0)
            try await host.expectNothingLeft()
        }

        @Test func fiftyReplacementsUnderLoadLoseNoRequest() async throws {
            try await TestHost.run { host in try await replace(50, on: host, rate: 500) }
        }

        @Test(.needs(.engine)) func replacementsOfContainersLoseNoRequest() async throws {
            try await TestHost.run(.container) { host in try await replace(4, on: host, rate: 200) }
        }

        /// Edits that come faster than servers start: what has been overtaken need never serve.
        @Test func editsInQuickSuccessionEndWithTheLast() async throws {
            try await TestHost.run { host in
                try write(0, on: host)
                let daemon = try await host.serve()
                try await eventually("the first generation serves") { try await daemon.predict().status == 200 }
                let plan = LoadGenerator.Plan(name: "20 quick edits", port: daemon.port)
                let report = try await LoadGenerator.run(plan) { load in
                    for edit in 1...20 {
                        try write(edit, on: host)
                        let answered = load.answered
                        try await eventually("a little later") { load.answered >= answered + 50 }
                    }
                    try await eventually("the last edit serves") { load.hasSeen("v20") }
                }
                #expect(report.failures == [:])
                try await eventually("the last one alone is left") { host.serverPIDs().count == 1 }
                #expect(try await daemon.predict().body.contains(#""label":"v20""#))
            }
        }

        @Test(arguments: try await ModelKind.testable)
        func aStreamInFlightIsAnsweredToItsEnd(_ kind: ModelKind) async throws {
            try await TestHost.run(kind) { host in
                let end = host.sharedFile("end")
                try write(
                    0, on: host,
                    more: "--print-requests --stream 3 --stream-interval-ms 1 --stream-end-when \(end.there)")
                let daemon = try await host.serve()
                try await eventually("it is ready") {
                    try await host.sqlite("SELECT phase FROM instances") == "ready"
                }
                let old = try await host.runningServers()
                async let stream = daemon.predict()
                try await host.waitForPrediction()

                try write(1, on: host)
                try await eventually("the new generation is routed") {
                    try await host.sqlite("SELECT generation FROM instances WHERE routed") == "2"
                }
                for _ in 0..<20 { #expect(try await daemon.predict().body.contains(#""label":"v1""#)) }
                // The old one is asked for nothing more, and left alone.
                #expect(try await host.sqlite("SELECT phase FROM instances WHERE generation = 1") == "draining")
                #expect(try await host.runningServers().contains(old[0]))

                close(open(end.here, O_WRONLY | O_CREAT, 0o600))
                let answer = try await stream
                #expect(answer.status == 200)
                #expect(answer.body == #"{"chunk":0}\#n{"chunk":1}\#n{"chunk":2}\#n"#)
                try await eventually("the old one is stopped") {
                    try await host.sqlite("SELECT phase FROM instances WHERE generation = 1") == "exited"
                }
            }
        }
    }
}
