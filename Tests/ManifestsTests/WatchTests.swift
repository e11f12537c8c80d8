import Foundation
import Synchronization
import Testing

@testable import Manifests

@Suite("Watching manifests")
struct WatchTests {
    /// A followed root, and the word that something in it has changed.
    private final class Watched: Sendable {
        let folder: ManifestFolder
        let manifests: DirectoryManifests
        let troubles: Troubles

        final class Troubles: Sendable {
            let all = Mutex<[String]>([])
        }

        /// - Parameter root: relative to the folder.
        init(_ files: [String: String] = [:], root: String = "") async throws {
            folder = try ManifestFolder(files)
            let troubles = Troubles()
            self.troubles = troubles
            manifests = DirectoryManifests()
            manifests.follow([root.isEmpty ? folder.path : "\(folder.path)/\(root)"]) { trouble in
                troubles.all.withLock { $0.append(trouble) }
            }
            // The first word says that the watch is set.
            try await next()
        }

        /// Waits for the next word.
        func next() async throws {
            let manifests = manifests
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for await _ in manifests.changes { return }
                }
                group.addTask {
                    try await Task.sleep(for: .seconds(20))
                    throw Silence()
                }
                defer { group.cancelAll() }
                try await group.next()
            }
        }

        struct Silence: Error {}
    }

    @Test("a file that is written, replaced by another, or removed is told")
    func filesAreFollowed() async throws {
        let watched = try await Watched(["churn.yaml": "a"])
        try watched.folder.write(Data("b".utf8), to: "churn.yaml")
        try await watched.next()
        // As editors save: another file, renamed over the old one.
        let path = watched.folder.path
        try Data("c".utf8).write(to: URL(filePath: "\(path)/.churn.yaml.swp"))
        #expect(rename("\(path)/.churn.yaml.swp", "\(path)/churn.yaml") == 0)
        try await watched.next()
        #expect(unlink("\(path)/churn.yaml") == 0)
        try await watched.next()
        #expect(watched.troubles.all.withLock(\.self) == [])
    }

    @Test("files in folders are told, also in folders that are new")
    func foldersAreFollowed() async throws {
        let watched = try await Watched(["old/churn.yaml": "a"])
        try watched.folder.write(Data("b".utf8), to: "old/churn.yaml")
        try await watched.next()
        try watched.folder.write(Data("a".utf8), to: "new/churn.yaml")
        try await watched.next()
        try watched.folder.write(Data("b".utf8), to: "new/churn.yaml")
        try await watched.next()
        try FileManager.default.removeItem(atPath: "\(watched.folder.path)/new")
        try await watched.next()
    }

    @Test("a link that is pointed elsewhere is told: mounted configuration is swapped as a whole")
    func swappedLinksAreFollowed() async throws {
        let watched = try await Watched(["..first/churn.yaml": "a", "..second/churn.yaml": "b"])
        let path = watched.folder.path
        try watched.folder.link("..data", to: "..first")
        try watched.folder.link("churn.yaml", to: "..data/churn.yaml")
        try await watched.next()
        try watched.folder.link("..data_tmp", to: "..second")
        #expect(rename("\(path)/..data_tmp", "\(path)/..data") == 0)
        try await watched.next()
        // What the link leads to now is followed, too.
        try watched.folder.write(Data("c".utf8), to: "..second/churn.yaml")
        try await watched.next()
    }

    @Test("a root that is a link into another folder is followed there, and when it is pointed elsewhere")
    func linkedRootIsFollowed() async throws {
        let watched = try await Watched(["v1/churn.yaml": "a", "v2/churn.yaml": "b"], root: "current")
        let path = watched.folder.path
        try watched.folder.link("current", to: "v1")
        try await watched.next()
        try watched.folder.write(Data("b".utf8), to: "v1/churn.yaml")
        try await watched.next()
        try watched.folder.link("next", to: "v2")
        #expect(rename("\(path)/next", "\(path)/current") == 0)
        try await watched.next()
        try watched.folder.write(Data("c".utf8), to: "v2/churn.yaml")
        try await watched.next()
    }

    @Test("a root that is deleted and made again is followed again, with the folders above it")
    func recreatedRootIsFollowed() async throws {
        let watched = try await Watched(["a/b/churn.yaml": "a"], root: "a/b")
        try FileManager.default.removeItem(atPath: "\(watched.folder.path)/a")
        try await watched.next()
        try watched.folder.write(Data("b".utf8), to: "a/b/churn.yaml")
        try await watched.next()
        try watched.folder.write(Data("c".utf8), to: "a/b/churn.yaml")
        try await watched.next()
    }

    @Test(
        "which names matter",
        arguments: [
            ("churn.yaml", false, true), ("churn.yml", true, true), ("folder", false, true), ("data.bin", true, false),
            (".churn.yaml.swp", false, false), ("4913", true, false),
        ])
    func namesThatMatter(name: String, isWrite: Bool, matters: Bool) throws {
        let folder = try ManifestFolder(["churn.yaml": "a", "deep/churn.yaml": "a"])
        let plan = WatchPlan(roots: [folder.path])
        let root = try #require(plan.folders[folder.path])
        #expect(root.concerns(name, isWrite: isWrite) == matters)
        // Below a folder nothing but manifests is read: artifacts and state may lie there.
        let deep = try #require(plan.folders["\(folder.path)/deep"])
        #expect(deep.concerns(name, isWrite: isWrite) == (name.hasSuffix("ml")))
    }

    @Test("a thousand saves are told a few times at most, the last of them after the last save")
    func burstIsToldOnce() async throws {
        let watched = try await Watched()
        let told = Mutex(0)
        let manifests = watched.manifests
        let counter = Task {
            for await _ in manifests.changes {
                let text = try? String(contentsOfFile: "\(watched.folder.path)/churn.yaml", encoding: .utf8)
                told.withLock { $0 += 1 }
                if text == "999" { return }
            }
        }
        for save in 0..<1000 { try watched.folder.write(Data("\(save)".utf8), to: "churn.yaml") }
        await counter.value
        // One, unless writing takes longer than the longest burst on this machine.
        #expect(told.withLock(\.self) < 20)
    }
}
