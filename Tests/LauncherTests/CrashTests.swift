import FoundationEssentials
import Glibc
import Launcher
import ModelCore
import ProcFS
import Reconciler
import TestSupport
import Testing

/// Controllers that are killed while they launch. The driver is a program of its own: `launcher-driver`.
@Suite("Crashes of the controller")
struct CrashTests {
    /// As the driver writes it.
    private struct JournalEntry: Codable {
        var id: InstanceID
        var phase: Phase
        var port: Int
        var shim: ProcessIdentity?
    }

    @Test(
        "killed at any step, it leaves nothing that the next one cannot find",
        arguments: [
            ("reserved", ExitRecord.Kind?.some(.neverStarted)), ("prepared", .neverStarted), ("gated", .neverStarted),
            ("released", nil), ("recorded", nil),
        ])
    func step(step: String, expected: ExitRecord.Kind?) async throws {
        let scope = try LauncherScope()
        let journal = scope.directory.path("journal")
        let driver = try self.driver(scope, journal, step)
        driver.wait()
        let instances = try instances(in: journal)
        #expect(instances.count == 1)
        let instance = try #require(instances.first)
        let next = scope.secondRuntime()
        switch await next.adopt(instance) {
        case .gone(let record): #expect(record.kind == expected)
        case .ours:
            #expect(expected == nil)
            // Let go, but it may not have begun yet.
            try await eventually("its server is reported") { await next.server(of: instance) != nil }
            let record = await next.stop(instance, grace: .zero).record
            #expect(record?.message.hasPrefix("stopped") == true || record?.message.hasPrefix("killed") == true)
        case .unknown(let reason): Issue.record("\(reason)")
        }
        try await expectNothingLeft(scope)
    }

    /// Few at a time: what is tested is the moment of the kill, not the load.
    @Test("killed at a random moment, a hundred times", .timeLimit(.minutes(10)))
    func randomKills() async throws {
        var launched = 0
        var round = 0
        // Many rounds, and more launches than rounds, however slow the machine: some are killed in a later launch.
        while round < 110 || launched <= round {
            defer { round += 1 }
            let scope = try LauncherScope()
            let journal = scope.directory.path("journal")
            let driver = try self.driver(scope, journal, "never")
            // The rounds go through the first moments of a launch in steps of a millisecond.
            try await eventually("the first intent") { FileManager.default.fileExists(atPath: journal) }
            usleep(UInt32(round % 55) * 1000)
            kill(driver.pid, SIGKILL)
            driver.wait()
            let next = scope.secondRuntime()
            for instance in try instances(in: journal) {
                launched += 1
                switch await next.adopt(instance) {
                case .gone(let record): #expect(record.kind == .neverStarted, "\(record)")
                case .ours:
                    let record = await next.stop(instance, grace: .zero).record
                    // TERM may come before the server ignores it.
                    let expected = [
                        ExitRecord.Kind.signaled(signal: SIGKILL), .signaled(signal: SIGTERM), .neverStarted,
                    ]
                    #expect(record.map { expected.contains($0.kind) } == true, "\(String(describing: record))")
                case .unknown(let reason): Issue.record("round \(round): \(reason)")
                }
            }
            try await expectNothingLeft(scope)
        }
    }

    private func driver(_ scope: LauncherScope, _ journal: String, _ step: String) throws -> Stranger {
        try Stranger(
            LauncherScope.program("launcher-driver"), LauncherScope.program("modelet-shim"), scope.runDirectory,
            LauncherScope.stub, journal, step, environment: ["PATH=/usr/bin:/bin"])
    }

    private func instances(in journal: String) throws -> [InstanceRecord] {
        guard let data = FileManager.default.contents(atPath: journal) else { return [] }
        var latest: [InstanceID: InstanceRecord] = [:]
        for line in data.split(separator: UInt8(ascii: "\n")) {
            let entry = try JSONDecoder().decode(JournalEntry.self, from: Data(line))
            var instance = InstanceRecord(
                id: entry.id, key: ModelKey(domain: "crash", source: "test", model: "default"), generation: 1,
                attempt: 0, source: .localArtifact(LocalArtifactSpec(path: "/tmp", startupCommand: "x")),
                host: "127.0.0.1", port: entry.port, createdAt: hostTime())
            instance.phase = entry.phase
            instance.shim = entry.shim
            latest[entry.id] = instance
        }
        return Array(latest.values)
    }

    /// Shims of unrecorded launches may need a moment to see that their gate is closed.
    private func expectNothingLeft(_ scope: LauncherScope) async throws {
        let ids = (try? FileManager.default.contentsOfDirectory(atPath: scope.runDirectory)) ?? []
        let markers = ids.map { "MODELET_INSTANCE=\($0)" }
        try await eventually("no process is left") {
            try ProcFS.allPIDs().allSatisfy { pid in
                !isAlive(pid) || markers.allSatisfy { (try? ProcFS.environmentContains(pid, $0)) != true }
            }
        }
    }
}
