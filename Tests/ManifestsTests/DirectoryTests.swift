import Foundation
@testable import Manifests
import ModelCore
import Testing

@Suite struct DirectoryTests {
    private static func http(_ source: String, domain: String? = nil) -> String {
        "\(domain.map { "domain: \($0)\n" } ?? "")ml: {sources: {\(source): {base_url: 'http://h', models: {m: {}}}}}\n"
    }

    @Test func filesAndFoldersFeedDomains() throws {
        let set = try ManifestFolder([
            "churn.yaml": Self.http("a"), "churn/b.yml": Self.http("b"), "churn/c.yaml": Self.http("c"),
            "other.yaml": Self.http("d", domain: "churn"), "v1.2/x.yaml": Self.http("e"),
            // None of these is a manifest.
            "README.md": "hello", "churn/notes.txt": "hello", "churn/deep/x.yaml": ":", ".hidden.yaml": ":",
            ".git/x.yaml": ":", "churn/.x.yaml": ":", "churn/models/m/conda.yaml": ":", "churn.yaml~": ":",
        ]).load()
        #expect(set.diagnostics == [])
        #expect(
            set.models.map { "\($0.file) \($0.key)" } == [
                "churn.yaml churn/a/m", "churn/b.yml churn/b/m", "churn/c.yaml churn/c/m", "other.yaml churn/d/m",
                "v1.2/x.yaml v1.2/e/m",
            ])
    }

    @Test func aNameThatIsNoDomainIsRefused() throws {
        let set = try ManifestFolder([
            "my models.yaml": Self.http("a"), "your models.yaml": Self.http("a", domain: "d"),
        ]).load()
        #expect(set.brokenFiles == ["my models.yaml"])
        #expect(set.models.map(\.key.description) == ["d/a/m"])
    }

    @Test func theSameKeyTwiceNamesBothPlaces() throws {
        let set = try ManifestFolder([
            "churn.yaml": "# first\n" + Self.http("a"), "churn/x.yaml": Self.http("a"), "z.yaml": Self.http("z"),
        ]).load()
        #expect(
            set.diagnostics.map(\.rendered).map { $0.split(separator: "\n")[0] } == [
                "churn.yaml:2:51: error: churn/a/m is also defined in churn/x.yaml:1",
                "churn/x.yaml:1:51: error: churn/a/m is also defined in churn.yaml:2",
            ])
        #expect(set.brokenFiles == ["churn.yaml", "churn/x.yaml"])
        #expect(set.models.map(\.key.description) == ["z/z/m"])
    }

    private static func local(port: Int, host: String) -> String {
        manifest(
            source: "type: local_artifact\npath: .\nstartup_command: a\nport: \(port)\nhost: '\(host)'")
    }

    private static func docker(port: Int) -> String {
        manifest(source: "type: docker\nimage: i\ncontainer_port: 80\nhost_port: \(port)")
    }

    @Test(arguments: [
        ("localhost", "localhost"), ("localhost", "127.0.0.1"), ("::1", "localhost"), ("0.0.0.0", "10.0.0.1"),
        ("::", "localhost"), ("Host", "host"),
    ])
    func aPortTwiceNamesBothModels(hosts: (String, String)) throws {
        let set = try ManifestFolder([
            "a.yaml": Self.local(port: 8501, host: hosts.0), "b.yaml": Self.local(port: 8501, host: hosts.1),
        ]).load()
        #expect(
            set.diagnostics.map { "\($0.file):\($0.line):\($0.column): \($0.message)" } == [
                "a.yaml:10:19: port 8501 of a/s/m is also the port of b/s/m (b.yaml:10)",
                "b.yaml:10:19: port 8501 of b/s/m is also the port of a/s/m (a.yaml:10)",
            ])
        #expect(set.brokenFiles == ["a.yaml", "b.yaml"])
    }

    /// However many others have it: the more of them are broken for other reasons, the more those count that are left.
    @Test func aPortOfManyIsAConflictOfEachTwo() throws {
        let models = (1...4).map { number in
            "m\(number): {source: {type: local_artifact, path: ., startup_command: a, port: 9000, host: localhost}}"
        }
        let set = try ManifestFolder([
            "a.yaml": "ml: {sources: {s: {models: {\(models.joined(separator: ", "))}}}}",
            "d.yaml": Self.local(port: 9000, host: "localhost"), "e.yaml": Self.local(port: 9000, host: "localhost"),
        ]).load()
        #expect(set.brokenFiles == ["a.yaml", "d.yaml", "e.yaml"])
        #expect(
            set.diagnostics.last?.message
                == "port 9000 of e/s/m is also the port of a/s/m1 (a.yaml:1), d/s/m (d.yaml:10)")
        // In its own file it is named with each, up to three.
        let own = set.diagnostics.filter { $0.message.hasPrefix("port 9000 of a/s/m4 is also the port of a/") }
        #expect(own.count == 3)
    }

    @Test func containersPublishOnEveryAddress() throws {
        let set = try ManifestFolder([
            "a.yaml": Self.docker(port: 8501), "b.yaml": Self.local(port: 8501, host: "10.0.0.1"),
            "c.yaml": Self.docker(port: 8502),
        ]).load()
        #expect(set.brokenFiles == ["a.yaml", "b.yaml"])
    }

    @Test(arguments: [("127.0.0.1", "127.0.0.2"), ("127.0.0.1", "::1"), ("a", "b")])
    func otherAddressesMayHaveTheSamePort(hosts: (String, String)) throws {
        let set = try ManifestFolder([
            "a.yaml": Self.local(port: 8501, host: hosts.0), "b.yaml": Self.local(port: 8501, host: hosts.1),
        ]).load()
        #expect(set.errors == [])
    }

    @Test func aRootThatCannotBeReadIsBrokenAsAWhole() throws {
        let folder = try ManifestFolder(["file": ""])
        try folder.link("loop", to: "loop")
        for root in ["missing", "file", "file/below", "loop"] {
            let set = DirectoryManifests().loadAtOnce(root: "\(folder.path)/\(root)")
            #expect(set.brokenFiles == ["."])
            #expect(set.models.isEmpty)
            #expect(set.diagnostics.map(\.file) == ["."])
            #expect(set.errors.first?.hasPrefix("0:0: the folder of manifests cannot be read: ") == true)
        }
    }

    @Test func whatCannotBeReadIsBrokenAndNothingElse() throws {
        let folder = try ManifestFolder(["good.yaml": Self.http("a"), "d/good.yaml": Self.http("a")])
        try folder.link("dangling.yaml", to: "nowhere")
        try folder.link("gone", to: "nowhere")
        try folder.link("loop.yaml", to: "loop.yaml")
        try folder.link("d/loop.yaml", to: "loop.yaml")
        try folder.link("d/dangling.yml", to: "/nowhere")
        try folder.link("endless.yaml", to: "/dev/zero")
        #expect(mkfifo("\(folder.path)/pipe.yaml", 0o600) == 0)
        let set = folder.load()
        #expect(
            set.brokenFiles == [
                "d/dangling.yml", "d/loop.yaml", "dangling.yaml", "endless.yaml", "gone", "loop.yaml", "pipe.yaml",
            ])
        #expect(set.diagnostics.map(\.file) == set.brokenFiles)
        #expect(set.models.map(\.key.description) == ["d/a/m", "good/a/m"])
    }

    /// Else a manifest that was renamed so would have been taken away, for all that anybody was told.
    @Test func aNameThatIsNotUTF8IsBroken() throws {
        let folder = try ManifestFolder(["churn.yaml": Self.http("a"), "d/b.yaml": Self.http("b"), "e/c.yaml": "x"])
        try folder.remove("e/c.yaml")
        let known = try folder.accepted()
        let odd: [(from: String, to: String, shown: String)] = [
            ("churn.yaml", "ch\\xFCrn\\x81.yaml", "ch\\xFCrn\\x81.yaml"), ("d/b.yaml", "d/é\\xC3.yml", "d/é\\xC3.yml"),
            ("e", "e\\xFF", "e\\xFF"),
        ]
        for (from, to, shown) in odd {
            let (from, to) = ("\(folder.path)/\(from)", unescaped("\(folder.path)/\(to)"))
            #expect(rename(from, to) == 0)
            let set = folder.load()
            #expect(set.brokenFiles == [shown])
            #expect(
                set.diagnostics.map(\.message) == [
                    "the file or folder cannot be read: its name is not UTF-8; rename it"
                ])
            #expect(folder.judged(known) == Acceptance())
            #expect(rename(to, from) == 0)
        }
        // What would be no manifest under a better name, either.
        for name in ["notes\\xFF.txt", ".\\xFF.yaml", "e/\\xFF.txt"] {
            let path = unescaped("\(folder.path)/\(name)")
            close(open(path, O_CREAT | O_WRONLY, 0o600))
            #expect(folder.load().brokenFiles == [])
            #expect(unlink(path) == 0)
        }
    }

    /// The path in which `\\xFF` stands for that byte.
    private func unescaped(_ path: String) -> [CChar] {
        let parts = path.components(separatedBy: "\\x")
        var bytes = Array(parts[0].utf8)
        for part in parts.dropFirst() {
            bytes.append(UInt8(part.prefix(2), radix: 16) ?? 0)
            bytes += part.utf8.dropFirst(2)
        }
        return (bytes + [0]).map(CChar.init(bitPattern:))
    }

    @Test(.enabled(if: geteuid() != 0, "root may read everything"))
    func whatMayNotBeReadIsBroken() throws {
        let folder = try ManifestFolder([
            "a.yaml": Self.http("a"), "d/b.yaml": Self.http("b"), "c.yaml": Self.http("c"),
        ])
        #expect(chmod("\(folder.path)/a.yaml", 0) == 0)
        #expect(chmod("\(folder.path)/d", 0) == 0)
        let set = folder.load()
        #expect(chmod("\(folder.path)/d", 0o700) == 0)
        #expect(set.brokenFiles == ["a.yaml", "d"])
        #expect(set.models.map(\.key.description) == ["c/c/m"])
    }

    @Test func symbolicLinksAreFollowed() throws {
        // As Kubernetes mounts a ConfigMap.
        let folder = try ManifestFolder(["..2026/churn.yaml": Self.http("a")])
        try folder.link("..data", to: "..2026")
        try folder.link("churn.yaml", to: "..data/churn.yaml")
        try folder.link("more", to: "..data")
        #expect(folder.load().models.map(\.key.description) == ["churn/a/m", "more/a/m"])
    }

    @Test func yamlAmongArtifactsIsNoManifest() throws {
        let iris = manifest(source: "type: local_artifact\npath: ./models/iris\nstartup_command: a ${PORT}")
        let folder = try ManifestFolder([
            "iris.yaml": iris, "models/conda.yaml": "name: env\n", "models/pickle.yaml": "a: !!python/object:x {}\n",
            "models/real.yaml": "ml: {sorces: {}}\n", "models/half.yaml": "# just begun\n",
            "stray/conda.yaml": "name: x\n",
        ])
        try folder.makeFolder("models/iris")
        let set = folder.load()
        #expect(set.warnings.map(\.file) == ["models/conda.yaml", "models/pickle.yaml"])
        #expect(set.brokenFiles == ["models/half.yaml", "models/real.yaml", "stray/conda.yaml"])
        #expect(set.models.map(\.key.description) == ["iris/s/m"])
    }
}
