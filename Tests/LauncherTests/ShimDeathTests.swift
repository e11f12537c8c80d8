import FoundationEssentials
import Glibc
import Launcher
import ModelCore
import ProcFS
import Reconciler
import TestSupport
import Testing

@Suite("A shim that is killed alone")
struct ShimDeathTests {
    @Test(
        "everything that it leaves is found and ended",
        arguments: ["", "--grandchild-setsid", "--grandchild-own-env-wiped"])
    func sweep(habit: String) async throws {
        let scope = try LauncherScope()
        let (instance, pid) = try await scope.launchStub("--fork-grandchild \(habit)")
        let grandchild = try await scope.printedPID("grandchild", instance)
        kill(try #require(instance.shim).pid, SIGKILL)
        let record = await scope.runtime.exit(of: instance).record
        #expect(record?.kind == .lost)
        #expect(record?.message.contains("modelet-shim was killed by SIGKILL") == true, "\(record?.message ?? "")")
        #expect(!isAlive(pid))
        #expect(!isAlive(grandchild))
    }

    @Test("a grandchild without environment in a session of its own is known from the recorded tree")
    func sweepBySnapshot() async throws {
        let scope = try LauncherScope()
        let (instance, _) = try await scope.launchStub(
            "--fork-grandchild --grandchild-own-env-wiped --grandchild-setsid --grandchild-listens")
        let grandchild = try await scope.printedPID("grandchild", instance)
        // A controller that adopts it records the tree.
        let second = scope.secondRuntime()
        #expect(await second.adopt(instance) != .unknown(reason: ""))
        kill(try #require(instance.shim).pid, SIGKILL)
        let record = await second.exit(of: instance).record
        #expect(record?.kind == .lost)
        #expect(!isAlive(grandchild))
    }

    @Test("who only holds the port is not touched, and nothing is proved")
    func suspect() async throws {
        let scope = try LauncherScope()
        let (instance, _) = try await scope.launchStub(
            "--fork-grandchild --grandchild-own-env-wiped --grandchild-setsid --grandchild-listens")
        let grandchild = try await scope.printedPID("grandchild", instance)
        defer { kill(grandchild, SIGKILL) }
        // Nobody has recorded the tree: neither exit(of:) nor adopt(_:) has been asked before.
        let shim = try #require(instance.shim)
        kill(shim.pid, SIGKILL)
        try await eventually("the shim is gone") { !isAlive(shim.pid) }
        guard case .unknown(let reason) = await scope.secondRuntime().adopt(instance) else {
            Issue.record("taken for proved")
            return
        }
        #expect(reason.contains("\(grandchild)"), "\(reason)")
        #expect(isAlive(grandchild))
        // Once it has ended, the verdict is there.
        kill(grandchild, SIGKILL)
        try await eventually("the grandchild is gone") { !isAlive(grandchild) }
        guard case .gone(let record) = await scope.secondRuntime().adopt(instance) else {
            Issue.record("not gone")
            return
        }
        #expect(record.kind == .lost)
    }

    @Test("a controller that comes later finds what is left, too", arguments: ["", "--grandchild-setsid"])
    func sweepAtAdoption(habit: String) async throws {
        let scope = try LauncherScope()
        let (instance, _) = try await scope.launchStub("--fork-grandchild \(habit)")
        let grandchild = try await scope.printedPID("grandchild", instance)
        let shim = try #require(instance.shim)
        kill(shim.pid, SIGKILL)
        try await eventually("the shim is gone") { !isAlive(shim.pid) }
        guard case .gone(let record) = await scope.secondRuntime().adopt(instance) else {
            Issue.record("not gone")
            return
        }
        #expect(record.kind == .lost)
        #expect(!isAlive(grandchild))
    }

    @Test("killed while it is gated, it has started nothing")
    func gated() async throws {
        let scope = try LauncherScope()
        let instance = try await scope.prepare(scope.source("\(LauncherScope.stub)"))
        kill(try #require(instance.shim).pid, SIGKILL)
        let record = await scope.runtime.exit(of: instance).record
        #expect(record?.kind == .neverStarted)
    }

    @Test("a release that comes too late is a failure")
    func lateRelease() async throws {
        let scope = try LauncherScope()
        let instance = try await scope.prepare(scope.source("\(LauncherScope.stub)"))
        let shim = try #require(instance.shim)
        kill(shim.pid, SIGKILL)
        try await eventually("the shim is gone") { !isAlive(shim.pid) }
        let failure = await #expect(throws: LoadFailure.self) { try await scope.runtime.release(instance.id) }
        #expect(failure?.classification == .retryable)
        await scope.runtime.abandon(instance.id)
    }
}
