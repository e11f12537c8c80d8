import FoundationEssentials
import Glibc
import Launcher
import ModelCore
import ProcFS
import Reconciler
import TestSupport
import Testing

@Suite("Identity and adoption")
struct IdentityTests {
    @Test("a second controller adopts a live instance, and sees its exit code")
    func adoption() async throws {
        let scope = try LauncherScope()
        let (instance, pid) = try await scope.launchStub()
        let second = scope.secondRuntime()
        for _ in 0..<2 {
            guard case .ours(let server, _) = await second.adopt(instance) else {
                Issue.record("not recognised")
                return
            }
            #expect(server?.pid == pid)
        }
        #expect(isAlive(pid))
        async let exit = second.exit(of: instance)
        kill(pid, SIGINT)
        #expect(await exit.record?.kind == .signaled(signal: SIGINT))
        #expect(await second.logTail(of: instance).contains { $0.hasPrefix("listening") })
    }

    @Test("a controller that comes after the end reads how it was")
    func afterTheEnd() async throws {
        let scope = try LauncherScope()
        let instance = try await scope.launch("\(LauncherScope.stub) --exit-immediately 7")
        _ = await scope.runtime.exit(of: instance)
        guard case .gone(let record) = await scope.secondRuntime().adopt(instance) else {
            Issue.record("not gone")
            return
        }
        #expect(record.kind == .exited(code: 7))
    }

    @Test("an adopted instance is stopped like any other")
    func stopAdopted() async throws {
        let scope = try LauncherScope()
        let (instance, pid) = try await scope.launchStub("--ignore-term")
        let record = await scope.secondRuntime().stop(instance, grace: .milliseconds(50)).record
        #expect(record?.kind == .signaled(signal: SIGKILL))
        #expect(!isAlive(pid))
    }

    enum Forgery: CaseIterable {
        case startTicks, pidfdInode, bootID, namespace
    }

    @Test(
        "a recorded pid that belongs to another program now is gone, and never signalled", arguments: Forgery.allCases)
    func forged(forgery: Forgery) async throws {
        let scope = try LauncherScope()
        // It answers any signal with its death, so that one would be seen.
        let stranger = try Stranger("/bin/sleep", "1000")
        var instance = try await scope.launch("\(LauncherScope.stub) --exit-immediately 0")
        _ = await scope.runtime.exit(of: instance)
        try FileManager.default.removeItem(atPath: scope.file("exit.json", of: instance))
        var identity = try #require(instance.shim)
        identity.pid = stranger.pid
        let ticks = try ProcFS.stat(stranger.pid).startTicks
        identity.pidfdInode = nil
        switch forgery {
        case .startTicks: identity.startTicks = ticks + 1
        case .pidfdInode: (identity.startTicks, identity.pidfdInode) = (ticks, 1)
        case .bootID: (identity.startTicks, identity.bootID) = (ticks, "00000000-0000-0000-0000-000000000000")
        case .namespace: (identity.startTicks, identity.pidNamespace) = (ticks, 1)
        }
        instance.shim = identity
        let second = scope.secondRuntime()
        guard case .gone(let record) = await second.adopt(instance) else {
            Issue.record("not gone")
            return
        }
        #expect(record.kind == .lost)
        #expect(await second.stop(instance, grace: .zero).record?.kind == .lost)
        #expect(isAlive(stranger.pid))
    }

    @Test("a stranger that leads a session of the recorded number is not swept")
    func strangersSession() async throws {
        let scope = try LauncherScope()
        let stranger = try Stranger("/usr/bin/setsid", "/bin/sleep", "1000")
        try await eventually("setsid") { try ProcFS.stat(stranger.pid).session == stranger.pid }
        var instance = try await scope.launch("\(LauncherScope.stub) --exit-immediately 0")
        _ = await scope.runtime.exit(of: instance)
        try FileManager.default.removeItem(atPath: scope.file("exit.json", of: instance))
        instance.shim?.pid = stranger.pid
        guard case .gone = await scope.secondRuntime().adopt(instance) else {
            Issue.record("not gone")
            return
        }
        #expect(isAlive(stranger.pid))
    }

    @Test("whose lock is held is not gone, whatever its recorded identity says")
    func lockIsHeld() async throws {
        let scope = try LauncherScope()
        let (instance, pid) = try await scope.launchStub()
        var forged = instance
        forged.shim?.startTicks += 1
        guard case .unknown(let reason) = await scope.secondRuntime().adopt(forged) else {
            Issue.record("a living instance was taken for gone")
            return
        }
        #expect(reason.contains("shim.lock"))
        #expect(isAlive(pid))
        _ = await scope.runtime.stop(instance, grace: .seconds(30))
    }

    @Test("an intent of which nothing came is gone")
    func intentOnly() async throws {
        let scope = try LauncherScope()
        let instance = try await scope.reserve(scope.source("sleep 1"))
        guard case .gone(let record) = await scope.secondRuntime().adopt(instance) else {
            Issue.record("not gone")
            return
        }
        #expect(record.kind == .neverStarted)
    }

    @Test("an instance whose identity was never recorded is found by its lock")
    func foundByLock() async throws {
        let scope = try LauncherScope()
        let (instance, pid) = try await scope.launchStub()
        var unrecorded = instance
        unrecorded.shim = nil
        unrecorded.phase = .intent
        let second = scope.secondRuntime()
        guard case .ours(let server, _) = await second.adopt(unrecorded) else {
            Issue.record("not found")
            return
        }
        #expect(server?.pid == pid)
        #expect(await second.stop(unrecorded, grace: .seconds(30)).record?.kind == .signaled(signal: SIGTERM))
    }
}
