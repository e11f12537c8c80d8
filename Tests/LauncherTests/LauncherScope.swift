import FoundationEssentials
import Glibc
import Launcher
import ModelCore
import ProcFS
import Reconciler
import TestSupport
import Testing

/// A run directory of a test's own and a runtime on it. What the test has launched in it ends with it.
final class LauncherScope: Sendable {
    let directory: TemporaryDirectory
    let runtime: ProcessRuntime
    /// The ports of all scopes together: each allocates from a place of its own choice.
    static let ports = 20000...29999

    init(environment: [String: String] = ProcessRuntime.ownEnvironment()) throws {
        directory = try TemporaryDirectory()
        let run = directory.path("run")
        runtime = ProcessRuntime(
            shim: Self.program("modelet-shim"), runDirectory: run, portRange: Self.ports, stateUUID: "test",
            environment: environment)
    }

    deinit {
        // Shims that a failed test has left, with all that they have launched.
        for pid in (try? ProcFS.allPIDs()) ?? [] {
            guard let words = try? ProcFS.commandLine(pid), words.first == "modelet-shim",
                words.contains(where: { $0.hasPrefix(directory.path + "/") })
            else { continue }
            kill(pid, SIGUSR1)
        }
    }

    var runDirectory: String { directory.path("run") }

    /// Another controller on the same state, as after a crash of the first.
    func secondRuntime() -> ProcessRuntime {
        ProcessRuntime(
            shim: Self.program("modelet-shim"), runDirectory: runDirectory, portRange: Self.ports, stateUUID: "test")
    }

    /// A program that was built beside the tests.
    static func program(_ name: String) -> String {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return own[..<(own.lastIndex(of: "/") ?? own.startIndex)] + "/" + name
    }

    static var stub: String { program("stub-model-server") }

    func source(_ command: String, _ change: (inout LocalArtifactSpec) -> Void = { _ in }) -> SourceSpec {
        var spec = LocalArtifactSpec(path: directory.path, startupCommand: command, host: "127.0.0.1")
        change(&spec)
        return .localArtifact(spec)
    }

    /// An intent, with its port reserved.
    func reserve(_ source: SourceSpec) async throws -> InstanceRecord {
        let id = InstanceID(UUID().uuidString.lowercased())
        let port = try await runtime.reservePort(for: id, source: source, leased: [])
        return InstanceRecord(
            id: id, key: ModelKey(domain: "d", source: "s", model: "m"), generation: 1, attempt: 0, source: source,
            host: "127.0.0.1", port: port, createdAt: hostTime())
    }

    func prepare(_ source: SourceSpec) async throws -> InstanceRecord {
        var instance = try await reserve(source)
        instance.shim = try await runtime.prepare(instance).shim
        instance.phase = .gated
        return instance
    }

    /// A running instance of `command`, which runs in the scope's directory.
    func launch(_ command: String, _ change: (inout LocalArtifactSpec) -> Void = { _ in }) async throws
        -> InstanceRecord
    {
        var instance = try await prepare(source(command, change))
        try await runtime.release(instance.id)
        instance.phase = .starting
        return instance
    }

    /// Launches the stub and waits until it listens.
    func launchStub(_ flags: String = "") async throws -> (instance: InstanceRecord, server: Int32) {
        let instance = try await launch("\(Self.stub) \(flags)")
        let server = try await serverPID(instance)
        try await eventually("the stub listens") { await self.log(instance).contains { $0.hasPrefix("listening") } }
        return (instance, server)
    }

    func serverPID(_ instance: InstanceRecord) async throws -> Int32 {
        try await eventually("server.json") { await self.runtime.server(of: instance)?.pid }
    }

    func log(_ instance: InstanceRecord) async -> [String] { await runtime.logTail(of: instance) }

    /// The number that the stub prints behind `word`.
    func printedPID(_ word: String, _ instance: InstanceRecord) async throws -> Int32 {
        try await eventually("\(word) in the log") {
            await self.log(instance).first { $0.hasPrefix(word + " ") }.flatMap { Int32($0.dropFirst(word.count + 1)) }
        }
    }

    func file(_ name: String, of instance: InstanceRecord) -> String { "\(runDirectory)/\(instance.id)/\(name)" }
}

func eventually<Value>(_ what: String, _ value: () async throws -> Value?) async throws -> Value {
    let deadline = ContinuousClock.now + .seconds(60)
    while ContinuousClock.now < deadline {
        if let value = try await value() { return value }
        try await Task.sleep(for: .milliseconds(10))
    }
    throw NeverHappened(what: what)
}

/// Whether the process runs: zombies do not.
func isAlive(_ pid: Int32) -> Bool {
    guard let stat = try? ProcFS.stat(pid) else { return false }
    return !stat.isZombie
}

extension ExitVerdict {
    var record: ExitRecord? {
        if case .exited(let record) = self { record } else { nil }
    }
}
