import Foundation
import Glibc
@testable import Manifests
import ModelCore
import Testing

/// What has not changed is not decoded again; what has is always seen.
@Suite struct ManifestMemoryTests {
    private static func model(_ endpoint: String) -> String {
        manifest(model: "endpoint: \(endpoint)")
    }

    /// As the same source is asked again and again.
    private static func asked(_ folder: ManifestFolder) -> @Sendable () -> ManifestSet {
        let manifests = DirectoryManifests()
        return { manifests.loadAtOnce(root: folder.path) }
    }

    @Test func sameTextGivesTheSameAnswer() throws {
        let folder = try ManifestFolder([
            "good.yaml": Self.model("/a"), "broken.yaml": manifest(model: "endpiont: /b"),
            "empty.yaml": "",
            "sub/missing.yaml": manifest(source: "type: local_artifact\npath: ./no\nstartup_command: a"),
        ])
        try folder.write(Data([0xFF, 0xFE]), to: "binary.yaml")
        let load = Self.asked(folder)
        let first = load()
        #expect(first.brokenFiles == ["binary.yaml", "broken.yaml", "empty.yaml"])
        #expect(first.diskErrors.count == 1)
        #expect(first.diagnostics.contains { $0.excerpt != nil })
        for _ in 0..<3 { #expect(load() == first) }
        #expect(folder.load() == first)
    }

    @Test func editIsSeenWhateverTheFilesTimesSay() throws {
        let folder = try ManifestFolder(["d.yaml": Self.model("/a")])
        let load = Self.asked(folder)
        #expect(load().spec("d/s/m")?.endpoint == "/a")
        let file = "\(folder.path)/d.yaml"
        var before = stat()
        #expect(stat(file, &before) == 0)
        // As long as it was, in place, and with its old time.
        let handle = try #require(FileHandle(forWritingAtPath: file))
        try handle.write(contentsOf: Data(Self.model("/b").utf8))
        try handle.close()
        #expect(utimensat(AT_FDCWD, file, [before.st_atim, before.st_mtim], 0) == 0)
        #expect(load().spec("d/s/m")?.endpoint == "/b")
    }

    @Test func brokenFileThatIsMendedCounts() throws {
        let folder = try ManifestFolder(["d.yaml": manifest(model: "endpiont: /a")])
        let load = Self.asked(folder)
        #expect(load().brokenFiles == ["d.yaml"])
        try folder.write(Data(Self.model("/a").utf8), to: "d.yaml")
        #expect(load().diagnostics == [])
        #expect(load().spec("d/s/m")?.endpoint == "/a")
    }

    /// What the disk says is asked each time.
    @Test func artifactsThatComeAndGoAreSeen() throws {
        let folder = try ManifestFolder([
            "d.yaml": manifest(source: "type: local_artifact\npath: ./model\nstartup_command: a ${PORT}")
        ])
        let load = Self.asked(folder)
        #expect(load().diskErrors.count == 1)
        try folder.makeFolder("model")
        #expect(load().diagnostics == [])
        try FileManager.default.removeItem(atPath: "\(folder.path)/model")
        #expect(load().diskErrors.count == 1)
    }

    /// A root that lies in another has the same files under other names: neither forgets for the other.
    @Test func eachRootThatIsFollowedIsRememberedByItself() {
        let memory = ManifestMemory()
        let once = memory.of("/m/gone")
        #expect(memory.of("/m/gone") === once)
        memory.follow(["/m", "/m/inner"])
        let (outer, inner) = (memory.of("/m"), memory.of("/m/inner"))
        #expect(outer !== inner)
        inner.remember(
            RootMemory.Reading(bytes: [1], secrets: nil, models: [], diagnostics: [], hasManifestKey: true),
            of: "a.yaml")
        outer.forgetOthers(than: [])
        #expect(memory.of("/m/inner") === inner)
        #expect(inner.reading(of: "a.yaml", with: [1]) != nil)
        #expect(inner.reading(of: "a.yaml", with: [2]) == nil)
        inner.forgetOthers(than: [])
        #expect(inner.reading(of: "a.yaml", with: [1]) == nil)
    }

    @Test func whatNobodyFollowsIsForgotten() {
        let memory = ManifestMemory()
        memory.follow(["/m"])
        let followed = memory.of("/m")
        #expect(memory.of("/looked/at") !== memory.of("/looked/at"))
        memory.follow(["/m", "/n"])
        #expect(memory.of("/m") === followed)
        memory.follow(["/n"])
        memory.follow(["/m"])
        #expect(memory.of("/m") !== followed)
    }

    /// The same text means another model elsewhere, and is nothing where its file is gone.
    @Test func fileThatMovesOrGoesIsSeen() throws {
        let folder = try ManifestFolder(["a.yaml": Self.model("/a")])
        let load = Self.asked(folder)
        #expect(load().models.map(\.key.description) == ["a/s/m"])
        try FileManager.default.moveItem(atPath: "\(folder.path)/a.yaml", toPath: "\(folder.path)/b.yaml")
        #expect(load().models.map(\.key.description) == ["b/s/m"])
        try folder.makeFolder("c")
        try FileManager.default.moveItem(atPath: "\(folder.path)/b.yaml", toPath: "\(folder.path)/c/b.yaml")
        #expect(load().models.map(\.key.description) == ["c/s/m"])
        try FileManager.default.removeItem(atPath: "\(folder.path)/c/b.yaml")
        #expect(load().models == [])
    }
}
