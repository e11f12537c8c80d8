import Foundation
import Glibc
import Testing

@testable import ProcFS

@Suite(.timeLimit(.minutes(2)))
struct ProcFSTests {
    @Test func weFindOurselves() throws {
        let stat = try ProcFS.stat(getpid())
        #expect(stat.pid == getpid())
        #expect(stat.ppid == getppid())
        #expect(stat.session == getsid(0))
        #expect(stat.startTicks > 0)
        #expect(!stat.isZombie)
        #expect(try ProcFS.allPIDs().contains(getpid()))
        #expect(try ProcFS.processes().contains { $0.pid == getpid() && $0.startTicks == stat.startTicks })
        #expect(try ProcFS.commandLine(getpid()) == ProcessInfo.processInfo.arguments)
        #expect(try ProcFS.residentMemory(of: getpid()) > 1 << 20)
        #expect(try ProcFS.pidNamespace(of: getpid()) > 0)
        #expect(UUID(uuidString: try ProcFS.bootID()) != nil)
    }

    @Test func aProgramMayBeNamedLikeTheFieldsBehindIt() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let program = folder.appendingPathComponent(") Z 1 (x")
        try FileManager.default.createSymbolicLink(at: program, withDestinationURL: URL(fileURLWithPath: "/bin/sleep"))
        let child = try ChildProcess([program.path, "1000"])
        let stat = try ProcFS.stat(child.pid)
        #expect(stat.comm == ") Z 1 (x")
        #expect(stat.ppid == getpid())
        #expect(!stat.isZombie)
    }

    @Test func aZombieIsNamedByItsProgram() throws {
        let child = try ChildProcess(["true"])
        child.waitUntilZombie()
        #expect(try ProcFS.stat(child.pid).isZombie)
        #expect(try ProcFS.commandLine(child.pid) == ["true"])
        #expect(try ProcFS.descendants(of: getpid()).contains { $0.pid == child.pid && $0.isZombie })
    }

    @Test func whatHasEndedIsGone() throws {
        let pid = try endedPID()
        #expect(throws: ProcFSError.gone) { try ProcFS.stat(pid) }
        #expect(throws: ProcFSError.gone) { try ProcFS.commandLine(pid) }
        #expect(throws: ProcFSError.gone) { try ProcFS.environmentContains(pid, "A=1") }
        #expect(throws: ProcFSError.gone) { try ProcFS.pidNamespace(of: pid) }
        #expect(throws: ProcFSError.gone) { try ProcFS.residentMemory(of: pid) }
        #expect(throws: ProcFSError.gone) { try ProcFS.socketInodes(of: pid) }
        #expect(try ProcFS.descendants(of: pid).isEmpty)
    }

    /// The pid of a child that has been reaped: its number is given out again only after all others.
    private func endedPID() throws -> Int32 { try ChildProcess(["true"]).pid }

    @Test func descendantsAreFoundThroughAllGenerations() async throws {
        let child = try ChildProcess.python(
            """
            import os, time
            for _ in range(3):
                if os.fork():
                    time.sleep(1000)
                ctypes.CDLL(None).prctl(1, 9)
            print(os.getpid())
            time.sleep(1000)
            """)
        let last = Int32(try await child.number())
        let found = try ProcFS.descendants(of: child.pid)
        #expect(found.map(\.ppid) == [child.pid] + found.dropLast().map(\.pid))
        #expect(found.last?.pid == last)
        #expect(found.count == 3)
    }

    @Test func aScanThatContradictsItselfEnds() {
        func process(_ pid: Int32, _ ppid: Int32) -> ProcStat? {
            ProcStat(line: ArraySlice("\(pid) (x) S \(ppid) 1 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 7 0 0".utf8))
        }
        let loop = [process(1, 0), process(2, 3), process(3, 2), process(4, 3)].compactMap(\.self)
        #expect(loop.count == 4)
        #expect(Set(ProcFS.descendants(of: 2, among: loop).map(\.pid)) == [3, 4])
    }

    @Test(arguments: ["", "12", "12 (x", "12 x) S 1 1 1", "(x) S 1", "1 (x) S 1 2", "a (x) S 1 1 1 0 0 0 0"])
    func whatIsNoStatLineIsRefused(line: String) {
        #expect(ProcStat(line: ArraySlice(line.utf8)) == nil)
    }

    @Test func theEnvironmentIsComparedWhole() throws {
        let child = try ChildProcess(["sleep", "1000"], environment: ["PATH=/usr/bin:/bin", "MARK=abc", "B=1"])
        // The kernel lets a parent go on before it has laid out what its child executes.
        while try Data(contentsOf: URL(fileURLWithPath: "/proc/\(child.pid)/environ")).isEmpty { sched_yield() }
        #expect(try ProcFS.environmentContains(child.pid, "MARK=abc"))
        #expect(try ProcFS.environmentContains(child.pid, "B=1"))
        #expect(try !ProcFS.environmentContains(child.pid, "MARK=ab"))
        #expect(try !ProcFS.environmentContains(child.pid, "ARK=abc"))
        #expect(try !ProcFS.environmentContains(child.pid, ""))
    }

    @Test(
        arguments: [
            ("127.0.0.1", [127, 0, 0, 1]), ("0.0.0.0", [0, 0, 0, 0]),
            ("::1", [UInt8](repeating: 0, count: 15) + [1]), ("::", [UInt8](repeating: 0, count: 16)),
        ] as [(String, [UInt8])])
    func listenersAreTheSameByBothWays(address: String, bytes: [UInt8]) async throws {
        let server = try await TestServer(.silent, at: address)
        let listener = try #require(try ProcFS.listeners(onPort: server.port).first)
        #expect(listener.address == bytes)
        #expect(try ProcFS.tabulatedListeners(onPort: server.port) == [listener])
        var diagnosis = try SocketDiagnosis()
        #expect(try diagnosis.listeners(onPort: UInt16(server.port), family: listener.family) == [listener])
        let holder = server.process.pid
        #expect(try ProcFS.socketInodes(of: holder).contains(listener.inode))
        #expect(try ProcFS.socketInodes(of: holder, among: [listener.inode]) == [listener.inode])
        #expect(try ProcFS.socketInodes(of: holder, among: [listener.inode + 1]).isEmpty)
    }

    @Test func noListenersWhereNobodyListens() throws {
        #expect(try ProcFS.listeners(onPort: quietPort()).isEmpty)
        #expect(try ProcFS.listeners(onPort: 70000).isEmpty)
        #expect(EphemeralPorts.current().lowerBound > 0)
    }
}
