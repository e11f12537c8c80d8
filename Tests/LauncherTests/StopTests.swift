import Glibc
import Launcher
import ModelCore
import ProcFS
import Reconciler
import TestSupport
import Testing

@Suite("Stopping")
struct StopTests {
    @Test("a server that obeys is only asked")
    func obedient() async throws {
        let scope = try LauncherScope()
        let (instance, pid) = try await scope.launchStub()
        let record = await scope.runtime.stop(instance, grace: .seconds(60)).record
        #expect(record?.kind == .signaled(signal: SIGTERM))
        #expect(record?.message == "stopped")
        #expect(!isAlive(pid))
        #expect(await scope.runtime.exit(of: instance).record == record)
    }

    @Test("a server that ignores TERM is killed after the grace, with its whole tree", arguments: [false, true])
    func stubborn(setsid: Bool) async throws {
        let scope = try LauncherScope()
        let (instance, pid) = try await scope.launchStub(
            "--ignore-term --fork-grandchild --grandchild-own-env-wiped" + (setsid ? " --grandchild-setsid" : ""))
        let grandchild = try await scope.printedPID("grandchild", instance)
        let record = await scope.runtime.stop(instance, grace: .milliseconds(100)).record
        #expect(record?.kind == .signaled(signal: SIGKILL))
        #expect(record?.message == "killed, because it did not end when asked to")
        #expect(!isAlive(pid))
        #expect(!isAlive(grandchild))
        #expect(!isAlive(try #require(instance.shim).pid))
    }

    @Test("a grandchild that holds on ends with the server, not after the grace", arguments: [false, true])
    func grandchildHoldsOn(setsid: Bool) async throws {
        let scope = try LauncherScope()
        let (instance, _) = try await scope.launchStub("--fork-grandchild" + (setsid ? " --grandchild-setsid" : ""))
        let grandchild = try await scope.printedPID("grandchild", instance)
        let record = await scope.runtime.stop(instance, grace: .seconds(3600)).record
        #expect(record?.kind == .signaled(signal: SIGTERM))
        #expect(!isAlive(grandchild))
    }

    @Test("a server that goes into the background is ended and told that this is not supported")
    func daemonizes() async throws {
        let scope = try LauncherScope()
        let instance = try await scope.launch("\(LauncherScope.stub) --daemonize")
        let record = await scope.runtime.exit(of: instance).record
        #expect(record?.kind == .exited(code: 0))
        #expect(record?.message.contains("must stay in the foreground") == true, "\(record?.message ?? "")")
        #expect(!isAlive(try await scope.printedPID("daemon", instance)))
    }

    @Test("a suspended shim and a suspended server end, too")
    func suspended() async throws {
        let scope = try LauncherScope()
        let (instance, pid) = try await scope.launchStub()
        kill(pid, SIGSTOP)
        kill(try #require(instance.shim).pid, SIGSTOP)
        let record = await scope.runtime.stop(instance, grace: .seconds(60)).record
        #expect(record?.kind == .signaled(signal: SIGTERM))
    }

    @Test("processes that fork and end at once do not outrun the end", arguments: ["", "os.setsid()"])
    func forkChain(each: String) async throws {
        let scope = try LauncherScope()
        // It ends by itself after a while, should the test fail.
        let program = """
            import os, time
            end = time.time() + 60
            if os.fork(): time.sleep(60)
            print("off", flush=True)
            while time.time() < end:
                if os.fork(): os._exit(0)
                \(each)
            """
        let instance = try await scope.launch("python3 -c '\(program)'")
        try await eventually("the chain runs") { await scope.log(instance).contains("off") }
        let record = await scope.runtime.stop(instance, grace: .zero).record
        #expect(record != nil)
        let marker = "MODELET_INSTANCE=\(instance.id)"
        for _ in 0..<20 {
            for pid in try ProcFS.allPIDs() where isAlive(pid) {
                #expect((try? ProcFS.environmentContains(pid, marker)) != true)
            }
        }
    }

    @Test("stopping what is gated launches nothing")
    func gated() async throws {
        let scope = try LauncherScope()
        let instance = try await scope.prepare(scope.source("\(LauncherScope.stub)"))
        #expect(await scope.runtime.stop(instance, grace: .seconds(60)).record?.kind == .neverStarted)
        #expect(await scope.runtime.server(of: instance) == nil)
    }

    @Test("two who stop at once hear the same")
    func twice() async throws {
        let scope = try LauncherScope()
        let (instance, _) = try await scope.launchStub()
        async let first = scope.runtime.stop(instance, grace: .seconds(60))
        async let second = scope.runtime.stop(instance, grace: .seconds(60))
        async let third = scope.runtime.exit(of: instance)
        let verdicts = await [first, second, third]
        #expect(Set(verdicts).count == 1)
        #expect(verdicts.first?.record?.kind == .signaled(signal: SIGTERM))
    }
}
