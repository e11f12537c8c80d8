import FoundationEssentials
import Glibc
import Launcher
import ModelCore
import ProcFS
import Reconciler
import TestSupport
import Testing

@Suite("Launching")
struct LaunchTests {
    @Test("a gate that closes instead of opening leaves nothing")
    func abandonedAtTheGate() async throws {
        let scope = try LauncherScope()
        let instance = try await scope.prepare(scope.source("\(LauncherScope.stub)"))
        let shim = try #require(instance.shim)
        #expect(isAlive(shim.pid))
        await scope.runtime.abandon(instance.id)
        #expect(!isAlive(shim.pid))
        #expect(await scope.runtime.server(of: instance) == nil)
        #expect(await scope.runtime.exit(of: instance).record?.kind == .neverStarted)
        // Its port is free again, and abandoning is idempotent.
        await scope.runtime.abandon(instance.id)
        try await expectFree(instance.port)
    }

    @Test("abandoning a reservation frees its port; abandoning the unknown does nothing")
    func abandonedReservation() async throws {
        let scope = try LauncherScope()
        let instance = try await scope.reserve(scope.source("x"))
        #expect(throws: HeldPort.SocketError.self) { try HeldPort("127.0.0.1", port: instance.port) }
        await scope.runtime.abandon(instance.id)
        try await expectFree(instance.port)
        await scope.runtime.abandon(InstanceID("unknown"))
    }

    /// A process that another test is just starting has copies of all descriptors for a moment.
    private func expectFree(_ port: Int) async throws {
        try await eventually("port \(port) is free") { (try? HeldPort("127.0.0.1", port: port)) != nil }
    }

    @Test("the environment, the working directory and the arguments are exactly what was asked for")
    func environmentAndDirectory() async throws {
        let inherited = [
            "PATH": "/usr/bin:/bin", "KEPT": "yes", "MODELET_STATE": "secret", "TOKEN": "from the daemon",
        ]
        let scope = try LauncherScope(environment: inherited)
        try Data("from a file\n".utf8).write(to: URL(filePath: scope.directory.path("secret")))
        let instance = try await scope.launch("sleep  '1000' ${NUMBER}") {
            $0.environment = [
                "NUMBER": "2000", "SECRET": "${file:\(scope.directory.path("secret"))}", "COPY": "${env:TOKEN}",
                "HOST": "0.0.0.0",
            ]
        }
        let pid = try await executed(instance, scope)
        #expect(try ProcFS.commandLine(pid) == ["sleep", "1000", "2000"])
        let environment = try Data(contentsOf: URL(filePath: "/proc/\(pid)/environ"))
            .split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        #expect(
            environment == [
                "COPY=from the daemon", "HOST=0.0.0.0", "KEPT=yes", "MODELET_INSTANCE=\(instance.id)",
                "MODEL_KEY=d/s/m",
                "MODEL_PATH=\(scope.directory.path)", "NUMBER=2000", "PATH=/usr/bin:/bin", "PORT=\(instance.port)",
                "SECRET=from a file", "TOKEN=from the daemon",
            ])
        let directory = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/cwd")
        #expect(directory == scope.directory.path)
        _ = await scope.runtime.stop(instance, grace: .seconds(30))
    }

    /// The server's pid, once its own program runs.
    private func executed(_ instance: InstanceRecord, _ scope: LauncherScope) async throws -> Int32 {
        let pid = try await scope.serverPID(instance)
        try await eventually("exec") { try ProcFS.stat(pid).comm != "modelet-shim" }
        return pid
    }

    @Test(
        "what is inherited can be narrowed",
        arguments: [(InheritedEnvironment.none, [String]()), (.only(["KEPT", "ABSENT", "MODELET_X"]), ["KEPT=yes"])])
    func narrowedEnvironment(rule: InheritedEnvironment, expected: [String]) async throws {
        let scope = try LauncherScope(environment: ["KEPT": "yes", "OTHER": "no", "MODELET_X": "no"])
        let instance = try await scope.launch("/bin/sleep 1000") { $0.inheritEnvironment = rule }
        let pid = try await executed(instance, scope)
        let environment = try Data(contentsOf: URL(filePath: "/proc/\(pid)/environ"))
            .split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        let provided = ["HOST=", "MODELET_INSTANCE=", "MODEL_KEY=", "MODEL_PATH=", "PORT="]
        #expect(environment.filter { entry in !provided.contains { entry.hasPrefix($0) } } == expected)
        _ = await scope.runtime.stop(instance, grace: .seconds(30))
    }

    @Test("a server gets three descriptors, default signals, its own group in the shim's session, and dies first")
    func cleanProcess() async throws {
        let scope = try LauncherScope()
        let instance = try await scope.launch("/bin/sleep 1000")
        let shim = try #require(instance.shim)
        let pid = try await executed(instance, scope)
        let descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").sorted()
        #expect(descriptors == ["0", "1", "2"])
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/fd/0") == "/dev/null")
        let status = try String(contentsOf: URL(filePath: "/proc/\(pid)/status"), encoding: .utf8)
        for line in ["SigBlk:\t0000000000000000", "SigIgn:\t0000000000000000", "SigCgt:\t0000000000000000"] {
            #expect(status.contains(line))
        }
        #expect(try ProcFS.stat(pid).session == shim.pid)
        #expect(getpgid(pid) == pid)
        let score = try String(contentsOf: URL(filePath: "/proc/\(pid)/oom_score_adj"), encoding: .utf8)
        #expect((Int(score.dropLast()) ?? 0) >= 500)
        _ = await scope.runtime.stop(instance, grace: .seconds(30))
    }

    @Test("a shim takes a few megabytes at most, and holds no descriptor of the controller's")
    func smallShim() async throws {
        let scope = try LauncherScope()
        let (instance, _) = try await scope.launchStub()
        let shim = try #require(instance.shim)
        let resident = try ProcFS.residentMemory(of: shim.pid)
        let status = try String(contentsOf: URL(filePath: "/proc/\(shim.pid)/status"), encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("RssAnon:") })
        let own = try #require(line.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) })
        print("modelet-shim: \(resident / 1024) KiB resident, \(own) KiB of its own")
        // What each one adds; the rest are pages of the program file, which all share.
        #expect(own < 1024)
        let fewMegabytes: UInt64 = 12 << 20
        #expect(resident < fewMegabytes)
        let links = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(shim.pid)/fd").compactMap {
            try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(shim.pid)/fd/\($0)")
        }
        #expect(links.allSatisfy { !$0.hasPrefix("socket:") && !$0.contains("eventpoll") }, "\(links)")
        #expect(links.count <= 11, "\(links)")
        _ = await scope.runtime.stop(instance, grace: .seconds(30))
    }

    @Test("the port is held until the server is executed")
    func portIsHeld() async throws {
        let scope = try LauncherScope()
        let instance = try await scope.prepare(scope.source("\(LauncherScope.stub)"))
        #expect(throws: HeldPort.SocketError.self) { try HeldPort("127.0.0.1", port: instance.port) }
        try await scope.runtime.release(instance.id)
        try await eventually("listens") { await scope.log(instance).contains { $0.hasPrefix("listening") } }
        _ = await scope.runtime.stop(instance, grace: .seconds(30))
    }

    @Test(
        "what cannot be launched is a terminal failure that says what to do",
        arguments: [
            ("no-such-command --port 1", "command not found: no-such-command"),
            ("./no-such-file", "does not exist"),
            ("./plain", "chmod +x"),
            ("plain", "command not found"),
            ("sleep ${UNDECLARED}", "UNDECLARED"),
            ("sleep 1; rm -rf /", "shell"),
        ])
    func unlaunchable(command: String, sentence: String) async throws {
        let scope = try LauncherScope()
        try Data("text".utf8).write(to: URL(filePath: scope.directory.path("plain")))
        let instance = try await scope.reserve(scope.source(command))
        let failure = await #expect(throws: LoadFailure.self) { try await scope.runtime.prepare(instance) }
        #expect(failure?.classification == .terminal)
        #expect(failure?.message.contains(sentence) == true, "\(failure?.message ?? "")")
        await scope.runtime.abandon(instance.id)
    }

    @Test("a path that is missing, or no folder, is a terminal failure", arguments: ["missing", "plain"])
    func badPath(name: String) async throws {
        let scope = try LauncherScope()
        try Data("text".utf8).write(to: URL(filePath: scope.directory.path("plain")))
        let source = scope.source("sleep 1") { $0.path = scope.directory.path(name) }
        let instance = try await scope.reserve(source)
        let failure = await #expect(throws: LoadFailure.self) { try await scope.runtime.prepare(instance) }
        #expect(failure?.classification == .terminal)
        #expect(failure?.message.contains(scope.directory.path(name)) == true)
    }

    @Test(
        "secrets that are missing are named, not guessed",
        arguments: ["${env:NO_SUCH_VARIABLE}", "${file:/no/such/file}"])
    func missingSecret(value: String) async throws {
        let scope = try LauncherScope()
        let instance = try await scope.reserve(scope.source("sleep 1") { $0.environment = ["SECRET": value] })
        let failure = await #expect(throws: LoadFailure.self) { try await scope.runtime.prepare(instance) }
        #expect(failure?.classification == .terminal)
        #expect(failure?.message.hasPrefix("environment: SECRET: ") == true)
    }

    @Test("a program that cannot be executed says which step failed and why")
    func executionFails() async throws {
        let scope = try LauncherScope()
        let script = scope.directory.path("script")
        try Data("#!/no/such/interpreter\n".utf8).write(to: URL(filePath: script))
        chmod(script, 0o755)
        let record = await scope.runtime.exit(of: try await scope.launch("./script")).record
        #expect(record?.kind == .notExecuted(errno: ENOENT))
        #expect(record?.message.contains("interpreter") == true, "\(record?.message ?? "")")
    }

    @Test("exit codes and last words are kept")
    func exitCode() async throws {
        let scope = try LauncherScope()
        let instance = try await scope.launch("\(LauncherScope.stub) --say 'no such weights' --exit-immediately 3")
        let record = await scope.runtime.exit(of: instance).record
        #expect(record?.kind == .exited(code: 3))
        #expect(record?.message == "exited with code 3")
        #expect(record?.logTail == ["no such weights"])
        // The verdict stays.
        #expect(await scope.runtime.exit(of: instance).record == record)
        #expect(await scope.runtime.stop(instance, grace: .zero).record == record)
    }

    @Test("a killed server is told as killed")
    func killedServer() async throws {
        let scope = try LauncherScope()
        let (instance, pid) = try await scope.launchStub()
        kill(pid, SIGKILL)
        let record = await scope.runtime.exit(of: instance).record
        #expect(record?.kind == .signaled(signal: SIGKILL))
        #expect(record?.message.contains("out of memory") == true)
    }

    @Test("waiting for an exit can be cancelled")
    func cancelledWait() async throws {
        let scope = try LauncherScope()
        let (instance, _) = try await scope.launchStub()
        let waiting = Task { await scope.runtime.exit(of: instance) }
        waiting.cancel()
        guard case .unknown = await waiting.value else {
            Issue.record("a cancelled wait has no exit to tell")
            return
        }
        #expect(await scope.runtime.stop(instance, grace: .seconds(30)).record?.kind == .signaled(signal: SIGTERM))
    }

    @Test("another user's server is started as that user, with its groups", .enabled(if: geteuid() == 0))
    func anotherUser() async throws {
        let scope = try LauncherScope()
        let instance = try await scope.launch("/bin/sleep 1000") {
            $0.user = "nobody"
            // Temporary directories may be closed to others, whatever is in them.
            $0.path = "/"
        }
        let pid = try await executed(instance, scope)
        let status = try String(contentsOf: URL(filePath: "/proc/\(pid)/status"), encoding: .utf8)
        let nobody = try #require(getpwnam("nobody")?.pointee)
        let uid = nobody.pw_uid
        let gid = nobody.pw_gid
        #expect(status.contains("Uid:\t\(uid)\t\(uid)\t\(uid)\t\(uid)"))
        #expect(status.contains("Gid:\t\(gid)\t\(gid)\t\(gid)\t\(gid)"))
        // It dies with its shim all the same.
        kill(try #require(instance.shim).pid, SIGKILL)
        try await eventually("the server is gone") { !isAlive(pid) }
        #expect(await scope.runtime.exit(of: instance).record?.kind == .lost)
    }

    @Test("a user that does not exist is a terminal failure")
    func unknownUser() async throws {
        let scope = try LauncherScope()
        let instance = try await scope.reserve(scope.source("sleep 1") { $0.user = "no-such-user" })
        let failure = await #expect(throws: LoadFailure.self) { try await scope.runtime.prepare(instance) }
        #expect(failure?.classification == .terminal)
        #expect(failure?.message.contains("no-such-user") == true)
    }
}
