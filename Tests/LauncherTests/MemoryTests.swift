import Glibc
import Launcher
import ModelCore
import ProcFS
import Testing

@Suite("Memory")
struct MemoryTests {
    @Test("the memory of an instance is that of its shim, its server and all below")
    func wholeTree() async throws {
        let scope = try LauncherScope()
        let (instance, server) = try await scope.launchStub("--fork-grandchild")
        let grandchild = try await scope.printedPID("grandchild", instance)
        let shim = try #require(instance.shim).pid
        let memory = await scope.runtime.residentMemory(of: [instance])
        let parts = try [shim, server, grandchild].map { Int64(try ProcFS.residentMemory(of: $0)) }
        // Each of them may have grown or given something back since.
        let sum = parts.reduce(0, +)
        let measured = try #require(memory[instance.id])
        #expect((sum / 2...sum * 2).contains(measured))
        #expect(measured > parts[1] + parts[2] / 2)
    }

    @Test("what is gone, or was never there, is not measured")
    func nothingThere() async throws {
        let scope = try LauncherScope()
        let (instance, _) = try await scope.launchStub()
        var stranger = instance
        stranger.shim?.startTicks += 1
        #expect(await scope.runtime.residentMemory(of: [stranger]) == [:])
        _ = await scope.runtime.stop(instance, grace: .seconds(5))
        #expect(await scope.runtime.residentMemory(of: [instance]) == [:])
        let intent = try await scope.reserve(scope.source("x"))
        #expect(await scope.runtime.residentMemory(of: [intent]) == [:])
        await scope.runtime.abandon(intent.id)
    }
}
