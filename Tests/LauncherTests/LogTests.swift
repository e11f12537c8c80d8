import FoundationEssentials
import Launcher
import ModelCore
import Reconciler
import TestSupport
import Testing

@Suite("Logs and files")
struct LogTests {
    @Test("the log is rotated by size, whole lines are kept, the newest are shown")
    func rotation() async throws {
        let scope = try LauncherScope()
        // 48 bytes a line: some 38 MiB.
        let instance = try await scope.launch("\(LauncherScope.stub) --print 800000 --exit-immediately 0")
        let record = try #require(await scope.runtime.exit(of: instance).record)
        #expect(record.logTail.count == ExitRecord.longestLogTail)
        #expect(record.logTail.last == "line 799999 of the noise that model servers make")
        let files = try FileManager.default.contentsOfDirectory(atPath: "\(scope.runDirectory)/\(instance.id)")
            .filter { $0.hasPrefix("server.log") }.sorted()
        #expect(files == ["server.log", "server.log.1", "server.log.2"])
        for name in files {
            let data = try Data(contentsOf: URL(filePath: scope.file(name, of: instance)))
            let limit = 11 * 1024 * 1024
            #expect(data.count < limit)
            #expect(data.starts(with: Data("line ".utf8)))
            #expect(data.last == UInt8(ascii: "\n"))
        }
    }

    @Test("what is shown is fit for a terminal")
    func printable() async throws {
        let scope = try LauncherScope()
        let program = #"import sys; sys.stdout.write("\033[31mred\033[0m\a\n10%\r50%\r100%\n" + "x" * 5000 + "\nend")"#
        let instance = try await scope.launch("python3 -c '\(program)'")
        let tail = try #require(await scope.runtime.exit(of: instance).record).logTail
        #expect(tail.count == 4)
        #expect(tail.first == "red")
        #expect(tail[1] == "100%")
        #expect(tail[2].count == 1001)
        #expect(tail[3] == "end")
    }

    @Test("only what ended and is not kept is deleted")
    func prune() async throws {
        let scope = try LauncherScope()
        let old = try await scope.launch("\(LauncherScope.stub) --exit-immediately 0")
        let kept = try await scope.launch("\(LauncherScope.stub) --exit-immediately 0")
        let recent = try await scope.launch("\(LauncherScope.stub) --exit-immediately 0")
        let (running, _) = try await scope.launchStub()
        for instance in [old, kept, recent] { _ = await scope.runtime.exit(of: instance) }
        let longAgo = Date(timeIntervalSince1970: 1_000_000_000)
        for instance in [old, kept, running] {
            try FileManager.default.setAttributes(
                [.modificationDate: longAgo], ofItemAtPath: "\(scope.runDirectory)/\(instance.id)")
        }
        // A controller that knows nothing of them.
        await scope.secondRuntime().prune(keeping: [kept.id])
        let left = try FileManager.default.contentsOfDirectory(atPath: scope.runDirectory)
        #expect(Set(left) == Set([kept, recent, running].map(\.id.text)))
        _ = await scope.runtime.stop(running, grace: .seconds(30))
    }
}
