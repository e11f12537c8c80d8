// A controller in miniature for the crash tests: launches instances one after another, writes down what the database
// would hold, and is killed, by a test or by itself at a chosen step.
//
// Arguments: SHIM RUN_DIRECTORY SERVER JOURNAL STEP; STEP is one of `Step`, or `never`.
import FoundationEssentials
import Glibc
import Launcher
import ModelCore
import Reconciler

enum Step: String {
    case reserved, prepared, gated, released, recorded
}

struct JournalEntry: Codable {
    var id: InstanceID
    var phase: Phase
    var port: Int
    var shim: ProcessIdentity?
}

let words = CommandLine.arguments
guard words.count == 6 else { exit(64) }
let driver = Driver(
    runtime: ProcessRuntime(
        shim: words[1], runDirectory: words[2], portRange: 21000...24999, stateUUID: "crash-test"),
    server: words[3], journal: open(words[4], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600),
    deadly: Step(rawValue: words[5]))
try await driver.launchForever()

struct Driver {
    let runtime: ProcessRuntime
    let server: String
    let journal: Int32
    let deadly: Step?

    func launchForever() async throws {
        while true {
            let id = InstanceID(UUID().uuidString.lowercased())
            let source = SourceSpec.localArtifact(
                LocalArtifactSpec(path: "/tmp", startupCommand: "\(server) --ignore-term", host: "127.0.0.1"))
            let port = try await runtime.reservePort(for: id, source: source, leased: [])
            try write(JournalEntry(id: id, phase: .intent, port: port))
            die(at: .reserved)
            let instance = InstanceRecord(
                id: id, key: ModelKey(domain: "crash", source: "test", model: "default"), generation: 1, attempt: 0,
                source: source, host: "127.0.0.1", port: port, createdAt: hostTime())
            let prepared = try await runtime.prepare(instance)
            die(at: .prepared)
            try write(JournalEntry(id: id, phase: .gated, port: port, shim: prepared.shim))
            die(at: .gated)
            try await runtime.release(id)
            die(at: .released)
            try write(JournalEntry(id: id, phase: .starting, port: port, shim: prepared.shim))
            die(at: .recorded)
        }
    }

    private func die(at step: Step) {
        if step == deadly { kill(getpid(), SIGKILL) }
    }

    /// One write: it is in the file as a whole before this program can be killed, or not at all.
    private func write(_ entry: JournalEntry) throws {
        let line = try JSONEncoder().encode(entry) + [UInt8(ascii: "\n")]
        _ = line.withUnsafeBytes { Glibc.write(journal, $0.baseAddress, $0.count) }
    }
}
