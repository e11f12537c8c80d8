import Foundation
@testable import Manifests
import ModelCore
import Testing

@Suite struct ArtifactRootsTests {
    private func local(_ path: String) -> String {
        manifest(source: "type: local_artifact\npath: \(path)\nstartup_command: a ${PORT}")
    }

    @Test func aPathMustExistWithinTheRoots() throws {
        let outside = try ManifestFolder(["model/x": "", "file": ""])
        let folder = try ManifestFolder([
            "escape.yaml": local("../\(outside.path.split(separator: "/").last ?? "")/model"),
            "link.yaml": local("./link"),
            "inner.yaml": local("./inner"), "file.yaml": local("./inner.yaml"), "missing.yaml": local("./missing"),
            "absolute.yaml": local("/etc"), "loop.yaml": local("./loop/x"), "good.yaml": local("real"),
        ])
        try folder.makeFolder("real")
        try folder.link("link", to: "\(outside.path)/model")
        try folder.link("inner", to: "real")
        try folder.link("loop", to: "loop")

        let set = folder.load()
        // `loop` is neither a file nor a folder that could be looked into.
        #expect(set.brokenFiles == ["loop"])
        #expect(set.models.count == 8)
        let messages = Dictionary(uniqueKeysWithValues: set.diskErrors.map { ($0.file, $0.message) })
        #expect(
            messages == [
                "escape.yaml": "`path`: \(outside.path)/model lies outside the artifact roots (\(folder.path))",
                "link.yaml":
                    "`path`: \(folder.path)/link is really \(outside.path)/model, outside the artifact roots (\(folder.path))",
                "file.yaml": "`path`: \(folder.path)/inner.yaml is not a folder",
                "missing.yaml": "`path`: \(folder.path)/missing does not exist",
                "absolute.yaml": "`path`: /etc lies outside the artifact roots (\(folder.path))",
                "loop.yaml": "`path`: \(folder.path)/loop/x cannot be read: Too many levels of symbolic links",
            ])
        let more = folder.load(artifactRoots: [outside.path])
        #expect(more.diskErrors.map(\.file) == ["absolute.yaml", "file.yaml", "loop.yaml", "missing.yaml"])
    }

    @Test func theCheckCanBeRepeatedAtLaunch() throws {
        let folder = try ManifestFolder(["a/b/x": "", "ab/x": ""])
        try folder.link("link", to: "a/b")
        let roots = ArtifactRoots(["\(folder.path)/a", "/nowhere"])
        #expect(try roots.check(path: "\(folder.path)/a") == "\(folder.path)/a")
        #expect(try roots.check(path: "\(folder.path)/link") == "\(folder.path)/a/b")
        #expect(throws: ArtifactPathError.notAFolder(path: "\(folder.path)/a/b/x")) {
            try roots.check(path: "\(folder.path)/a/b/x")
        }
        #expect(throws: ArtifactPathError.missing(path: "\(folder.path)/c")) {
            try roots.check(path: "\(folder.path)/c")
        }
        // A common beginning is not a common folder.
        #expect(throws: ArtifactPathError.self) { try roots.check(path: "\(folder.path)/ab") }

        let viaLink = DirectoryManifests().artifactRoots(of: "\(folder.path)/link/")
        #expect(try viaLink.check(path: "\(folder.path)/a/b") == "\(folder.path)/a/b")
    }

    private func docker(_ lines: String) -> String {
        manifest(source: "type: docker\nimage: i\ncontainer_port: 80\n" + lines)
    }

    @Test func volumesMustLieWithinTheRoots() throws {
        let outside = try ManifestFolder(["data/x": ""])
        let folder = try ManifestFolder([
            "escape.yaml": docker("volumes: {\(outside.path)/data: /a}"), "link.yaml": docker("volumes: {./link: /a}"),
            "good.yaml": docker("volumes: {./here: /a, ./here/file: /b}"), "here/file": "",
        ])
        try folder.link("link", to: "\(outside.path)/data")
        let set = folder.load()
        #expect(set.models.count == 3)
        #expect(
            set.diskErrors.map(\.message) == [
                "`volumes`: \(outside.path)/data lies outside the artifact roots (\(folder.path))",
                "`volumes`: \(folder.path)/link is really \(outside.path)/data, outside the artifact roots (\(folder.path))",
            ])
        #expect(set.diskErrors.first?.hint?.contains("--artifact-root") == true)
        #expect(folder.load(artifactRoots: [outside.path]).diskErrors == [])
    }

    /// A symbolic link shows only on the disk where it leads.
    @Test func theEngineIsNoVolumeUnlessTheManifestSaysSo() throws {
        let folder = try ManifestFolder([
            "direct.yaml": docker("volumes: {./run/e.sock: /a}"), "above.yaml": docker("volumes: {./link: /a}"),
            "opened.yaml": docker("volumes: {./link: /a, ./run/e.sock: /b}\ndocker_socket: true"), "run/e.sock": "",
        ])
        try folder.link("link", to: "run")
        let sockets = EngineSockets(["\(folder.path)/run/e.sock"])
        let set = DirectoryManifests(sockets: sockets).loadAtOnce(root: folder.path)
        #expect(set.brokenFiles == [])
        let messages = Dictionary(uniqueKeysWithValues: set.diskErrors.map { ($0.file, $0.message) })
        let end = "the socket of a container engine: whoever has it is root on this host"
        #expect(
            messages == [
                "direct.yaml": "`volumes`: \(folder.path)/run/e.sock is \(end)",
                "above.yaml": "`volumes`: \(folder.path)/link gives access to \(folder.path)/run/e.sock, \(end)",
            ])
        #expect(set.diskErrors.first?.hint?.contains("docker_socket: true") == true)

        // The socket itself may lie anywhere; a folder that holds it may not.
        let roots = ArtifactRoots(["\(folder.path)/elsewhere"])
        let socket = "\(folder.path)/run/e.sock"
        #expect(try roots.check(volume: socket, opensSocket: true, sockets: sockets) == socket)
        #expect(throws: ArtifactPathError.self) {
            try roots.check(volume: "\(folder.path)/run", opensSocket: true, sockets: sockets)
        }
    }

    @Test func volumesAndReferencedFilesMustExist() throws {
        let folder = try ManifestFolder([
            "a.yaml": manifest(
                source: "type: docker\nimage: i\ncontainer_port: 80\nvolumes: {./here: /a, ./gone: /b}\n"
                    + "environment: {A: '${file:key}', B: '${file:here/key}'}"),
            "here/key": "",
        ])
        let set = folder.load()
        #expect(set.models.count == 1)
        #expect(set.brokenFiles == [])
        #expect(
            set.diskErrors.map(\.message) == [
                "`volumes`: \(folder.path)/gone does not exist", "`environment`: \(folder.path)/key does not exist",
            ])
    }
}
