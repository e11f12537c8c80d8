import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// The controller is killed again and again, at moments that differ, while containers are created, started, replaced,
    /// unloaded and stopped. Nothing may be left over, run twice, or be in another's way.
    @Suite(.needs(.engine)) struct DockerKills {
        private static let kills = 110

        @Test func killedAtAnyMomentNothingIsLeftOverAndNothingRunsTwice() async throws {
            try await TestHost.run(.container) { host in
                let engine = try #require(host.engine)
                var random = Seeded(seed: UInt64.random(in: 0...UInt64.max))
                print("modelet-test: seed of the kills: \(random.seed)")
                for index in 0..<3 { try write(index, edit: 0, on: host) }
                var phases: [String: Int] = [:]
                for round in 0..<Self.kills {
                    let process = try host.startServe(["--on-exit", "keep"])
                    // An edit, which replaces a container; an unload, which ends one, for the next run to begin anew.
                    try write(round % 3, edit: round / 3, on: host)
                    if round % 4 == 3 {
                        _ = try await host.modelet("unload", "test/m\(Int.random(in: 0..<3, using: &random))")
                    }
                    let killed = try await kill(process, while: host, &random)
                    phases[killed, default: 0] += 1
                    try await expectNoTwins(on: host, engine, round: round, seed: random.seed)
                }
                print("modelet-test: killed while: \(phases.sorted { $0.value > $1.value })")

                let daemon = try await host.serve()
                for index in 0..<3 {
                    try await eventually("m\(index) serves; seed \(random.seed)") {
                        try await daemon.predict("test/m\(index)").status == 200
                    }
                }
                try await eventually("exactly the three run that are recorded; seed \(random.seed)") {
                    let recorded = try await host.sqlite(
                        "SELECT container_id FROM instances WHERE phase = 'ready' ORDER BY container_id")
                    let all = try await engine.containers(of: host)
                    return all.count == 3 && all == recorded.split(separator: "\n").map(String.init)
                }
                // No step was in another's way, and nothing stands half done.
                #expect(
                    try await host.sqlite("SELECT count(*) FROM events WHERE message LIKE '%already in use%'") == "0")
                // A container goes a moment before its end is recorded.
                try await eventually("no operation stays open; seed \(random.seed)") {
                    try await host.sqlite("SELECT count(*) FROM operations WHERE outcome = 'open'") == "0"
                }
                #expect(try await daemon.terminate() == 0)
                try await host.expectNothingLeft()
            }
        }

        private func write(_ index: Int, edit: Int, on host: TestHost) throws {
            try host.writeStub(
                "m\(index)", fields: ["load: eager", "stop_timeout: 1"],
                sourceFields: ["environment: {EDIT: \"\(edit)\"}"])
        }

        /// Lets the controller come to some point of its work, and kills it there: for a random time after the lock is its
        /// own, or just when some instance has entered a phase.
        private func kill(_ process: ChildProcess, while host: TestHost, _ random: inout Seeded) async throws -> String
        {
            let goal =
                ["intent", "gated", "starting", "stopping", "draining", "exited"].randomElement(using: &random) ?? ""
            let deadline = ContinuousClock.now + .milliseconds(Int.random(in: 20...700, using: &random))
            let seen = "SELECT max(id || phase) FROM instances WHERE phase = '\(goal)'"
            let before = (try? await host.sqlite(seen)) ?? ""
            while ContinuousClock.now < deadline {
                if let now = try? await host.sqlite(seen), !now.isEmpty, now != before { break }
            }
            process.signal(SIGKILL)
            try await process.exitStatus()
            let phases = try? await host.sqlite(
                "SELECT DISTINCT phase FROM instances WHERE phase NOT IN ('ready', 'exited', 'lost') ORDER BY 1")
            let open = (phases ?? "").split(separator: "\n").joined(separator: "+")
            return open.isEmpty ? "at rest" : open
        }

        /// No two containers of one launch, or of one generation of a model, run at the same time.
        private func expectNoTwins(on host: TestHost, _ engine: TestEngine, round: Int, seed: UInt64) async throws {
            guard let state = host.stateUUIDs().first else { return }
            let format = #"{{.Label "modelet.model"}} {{.Label "modelet.generation"}}"#
            let running = try await engine.docker("ps", "--filter", "label=modelet.state=\(state)", "--format", format)
            let all = running.split(separator: "\n")
            #expect(Set(all).count == all.count, "round \(round), seed \(seed): \(running)")
        }
    }
}

/// Random numbers that can be had again: SplitMix64.
struct Seeded: RandomNumberGenerator {
    let seed: UInt64
    private var state: UInt64

    init(seed: UInt64) {
        self.seed = seed
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
