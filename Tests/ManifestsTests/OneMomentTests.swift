import Foundation
import Glibc
@testable import Manifests
import ModelCore
import Synchronization
import Testing

/// What is read is of one moment, and of nobody's half of a sentence.
@Suite struct OneMomentTests {
    private static func models(_ names: String...) -> String {
        let models = names.map { "\($0): {}" }.joined(separator: ", ")
        return "domain: d\nml: {sources: {s\(names[0]): {base_url: 'http://h', models: {\(models)}}}}\n"
    }

    @Test(.enabled(if: try isTold(), "the kernel does not tell here who writes"))
    func aFileThatSomebodyWritesIsNotReadBeforeItIsClosed() throws {
        let whole = Self.models("a", "b", "c")
        let folder = try ManifestFolder(["churn.yaml": whole, "other.yaml": Self.models("x")])
        let known = try folder.accepted()
        let writer = open("\(folder.path)/churn.yaml", O_WRONLY | O_TRUNC)
        // Half of it, and a manifest all the same.
        let half = Self.models("a")
        #expect(write(writer, half, half.utf8.count) == half.utf8.count)
        let set = folder.load()
        #expect(set.brokenFiles == ["churn.yaml"])
        #expect(set.diagnostics.first?.message.contains("is being written") == true)
        #expect(folder.judged(known) == Acceptance())
        close(writer)
        // Now it is what somebody wanted to say.
        #expect(folder.judged(known).removals.map(\.model) == ["b", "c"])
    }

    /// Whether the kernel says of a file here that somebody writes it.
    private static func isTold() throws -> Bool {
        let folder = try ManifestFolder(["file": "text"])
        let file = open("\(folder.path)/file", O_RDONLY)
        defer { close(file) }
        guard case .held(let lease) = ReadLease.take(on: file) else { return false }
        lease.giveBack()
        return true
    }

    /// Whoever wants to write waits for the reader, for a moment, and the reader is not ended by the kernel's word of it.
    @Test func whoeverWritesWhileItIsReadIsNotTurnedAway() throws {
        let folder = try ManifestFolder(["churn.yaml": Self.models("a")])
        let isOver = Mutex(false)
        let path = "\(folder.path)/churn.yaml"
        let writer = Thread {
            while !isOver.withLock(\.self) {
                let file = open(path, O_WRONLY)
                _ = pwrite(file, "domain", 6, 0)
                close(file)
            }
        }
        writer.start()
        for _ in 0..<300 { _ = folder.load() }
        isOver.withLock { $0 = true }
        while !writer.isFinished { sched_yield() }
        #expect(folder.load().brokenFiles == [])
    }

    /// A model moves from one file to the other and back while all of it is read: it is never in neither.
    @Test func aTreeThatIsSwappedIsReadAsAWhole() throws {
        let folder = try ManifestFolder([
            "..1/a.yaml": Self.models("a", "moving"), "..1/b.yaml": Self.models("b"),
            "..2/a.yaml": Self.models("a"), "..2/b.yaml": Self.models("b", "moving"),
        ])
        // More files: more time to be caught in.
        for number in 0..<20 {
            for tree in 1...2 { try folder.replace("..\(tree)/m\(number).yaml", by: Self.models("m\(number)")) }
            try folder.link("m\(number).yaml", to: "..data/m\(number).yaml")
        }
        try folder.link("..data", to: "..1")
        for name in ["a", "b"] { try folder.link("\(name).yaml", to: "..data/\(name).yaml") }
        let isOver = Mutex(false)
        let path = folder.path
        let swapper = Thread {
            var tree = 1
            while !isOver.withLock(\.self) {
                tree = 3 - tree
                symlink("..\(tree)", "\(path)/..next")
                rename("\(path)/..next", "\(path)/..data")
                // Longer than one look takes: no tree is there twice in the course of it.
                usleep(3000)
            }
        }
        swapper.start()
        var whole = 0
        for _ in 0..<100 {
            let set = DirectoryManifests().loadAtOnce(root: path)
            guard set.brokenFiles.isEmpty else { continue }
            whole += 1
            #expect(set.models.count { $0.key.model == "moving" } == 1)
        }
        isOver.withLock { $0 = true }
        while !swapper.isFinished { sched_yield() }
        print("read \(whole) of 100 times between two swaps")
        #expect(folder.load().brokenFiles == [])
    }
}
