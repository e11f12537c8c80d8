import Glibc
import TestSupport

/// A host for one test: a directory with manifests and state, and the real programs.
final class TestHost: Sendable {
    let directory: String
    var manifests: String { directory + "/manifests" }
    var state: String { directory + "/state" }
    var database: String { state + "/modelet.db" }

    /// What its model servers run as, where a test does not say otherwise.
    let kind: ModelKind
    /// The engine of its containers; `nil` where it runs processes alone.
    let engine: TestEngine?

    /// Runs `body` on a new host and leaves nothing of it behind, whatever happens.
    static func run(_ kind: ModelKind = .process, _ body: (TestHost) async throws -> Void) async throws {
        let host = try TestHost(kind, engine: kind == .container ? await TestEngine.shared() : nil)
        do {
            try await body(host)
        } catch {
            await host.tearDown()
            throw error
        }
        await host.tearDown()
    }

    private init(_ kind: ModelKind, engine: TestEngine?) throws {
        self.kind = kind
        self.engine = engine
        var template = Array("/tmp/modelet-e2e-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw HarnessError("cannot make a temporary directory") }
        directory = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        mkdir(directory + "/manifests", 0o700)
        mkdir(directory + "/manifests/shared", 0o700)
    }

    /// Where the programs under test lie: beside the test runner.
    static let programs: String = {
        let path = executable(getpid())
        return String(path.prefix(upTo: path.lastIndex(of: "/") ?? path.startIndex))
    }()

    static var modelet: String { programs + "/modelet" }
    static var stub: String { programs + "/stub-model-server" }

    /// Where the sources lie: this file's own folder's grandparent.
    static let sources: String = {
        var parts = #filePath.split(separator: "/")
        parts.removeLast(3)
        return "/" + parts.joined(separator: "/")
    }()

    // MARK: - Manifests

    /// Writes `manifests/PATH`, and its folder where needed.
    func write(_ text: String, to path: String) throws {
        let full = manifests + "/" + path
        if let slash = path.lastIndex(of: "/") { mkdir(manifests + "/" + path[..<slash], 0o700) }
        try writeFile(text, to: full)
    }

    /// Writes a file beside the manifests.
    /// - Parameter full: its absolute path.
    func writeFile(_ text: String, to full: String) throws {
        let file = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw HarnessError("cannot write \(full)") }
        defer { close(file) }
        guard Glibc.write(file, text, text.utf8.count) == text.utf8.count else {
            throw HarnessError("cannot write \(full)")
        }
    }

    // MARK: - Programs

    /// Starts `modelet serve` and waits until its gateway answers.
    func serve(_ arguments: [String] = [], environment: [String: String] = [:]) async throws -> Daemon {
        let process = try startServe(arguments, environment: environment)
        let daemon = Daemon(process: process, host: self)
        try await daemon.waitUntilListening()
        return daemon
    }

    /// Starts `modelet serve` and does not wait.
    func startServe(_ arguments: [String] = [], environment: [String: String] = [:]) throws -> ChildProcess {
        try ChildProcess(
            [Self.modelet, "serve", "--manifests", manifests, "--state", state, "--listen", "127.0.0.1:0"] + arguments,
            environment: engineEnvironment.merging(environment) { $1 }, output: newOutput("serve"))
    }

    struct Ended {
        var status: Int32
        var output: String
        var errors: String
    }

    /// Runs a command of modelet on this host's state to its end.
    func modelet(_ arguments: String...) async throws -> Ended {
        try await run(
            [Self.modelet] + arguments, environment: engineEnvironment.merging(["MODELET_STATE": state]) { $1 })
    }

    /// Leads modelet to the tests' own engine, and away from whatever engine and registries the user of this machine has.
    private var engineEnvironment: [String: String] {
        guard let engine else { return [:] }
        return ["DOCKER_HOST": engine.address, "DOCKER_CONFIG": dockerConfiguration]
    }

    /// The folder of what `docker login` would remember on this host.
    var dockerConfiguration: String { directory + "/docker-config" }

    func run(_ arguments: [String], environment: [String: String] = [:]) async throws -> Ended {
        let process = try ChildProcess(
            arguments, environment: environment, output: newOutput("command"))
        let status = try await process.exitStatus()
        return Ended(status: status, output: process.output, errors: process.errors)
    }

    /// What `sqlite3` prints for a query on the database: cells parted by `|`.
    func sqlite(_ query: String) async throws -> String {
        let ended = try await run(["sqlite3", "-batch", "-cmd", ".timeout 5000", database, query])
        guard ended.status == 0 else { throw HarnessError("sqlite3: \(ended.errors)") }
        return ended.output.split(separator: "\n").joined(separator: "\n")
    }

    /// Waits until the one instance has got a prediction; for stubs that print them.
    func waitForPrediction() async throws {
        let id = try await sqlite("SELECT id FROM instances")
        try await eventually("a prediction has arrived") {
            let log = try await engine?.docker("logs", "modelet-\(id)") ?? readFile("\(state)/run/\(id)/server.log")
            return log.split(separator: "\n").contains { $0.hasPrefix("prediction ") }
        }
    }

    func newOutput(_ name: String) -> String {
        "\(directory)/\(name)-\(UInt64.random(in: 0...UInt64.max))"
    }

    // MARK: - The end

    /// Processes whose environment or command names this host's directory, the test runner excepted.
    func processes() -> [Int32] {
        guard let entries = opendir("/proc") else { return [] }
        defer { closedir(entries) }
        var found: [Int32] = []
        while let entry = readdir(entries) {
            let name = withUnsafePointer(to: entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard let pid = Int32(name), pid != getpid(), isRunning(pid) else { continue }
            let words = readFile("/proc/\(pid)/cmdline") + readFile("/proc/\(pid)/environ")
            if words.contains(directory) { found.append(pid) }
        }
        return found
    }

    private func tearDown() async {
        for pid in processes() { kill(pid, SIGKILL) }
        try? await eventually("nothing is left", within: .seconds(20)) {
            self.processes().forEach { kill($0, SIGKILL) }
            return self.processes().isEmpty
        }
        await engine?.removeContainers(of: self)
        _ = try? await run(["rm", "-rf", directory])
    }
}

/// A running `modelet serve`.
final class Daemon: Sendable {
    let process: ChildProcess
    private let host: TestHost

    init(process: ChildProcess, host: TestHost) {
        self.process = process
        self.host = host
    }

    /// The gateway's port, as `serve` prints it.
    var port: Int {
        let marker = "listening on http://127.0.0.1:"
        guard let line = process.output.split(separator: "\n").first(where: { $0.contains(marker) }),
            let digits = line.split(separator: ":").last
        else { return 0 }
        return Int(digits.prefix { $0.isNumber }) ?? 0
    }

    func waitUntilListening() async throws {
        try await eventually("serve listens: \(process.errors)") {
            guard isRunning(process.pid) else { throw HarnessError("serve ended: \(process.errors)") }
            return port > 0
        }
    }

    func predict(_ path: String = "test/stub", body: String = "{}") async throws -> HTTPCall.Answer {
        try await HTTPCall(port: port, path: "/orchestrator/\(path)", body: body).send()
    }

    func get(_ path: String) async throws -> HTTPCall.Answer {
        try await HTTPCall(port: port, method: "GET", path: path, body: "").send()
    }

    /// Ends it as a crash would.
    func crash() async throws {
        process.signal(SIGKILL)
        try await process.exitStatus()
    }

    /// SIGTERM; returns its exit code.
    func terminate() async throws -> Int32 {
        process.signal(SIGTERM)
        return try await process.exitStatus()
    }
}
