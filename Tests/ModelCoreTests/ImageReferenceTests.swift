import ModelCore
import Testing

struct ImageReferenceTests {
    private static let digest = "sha256:" + String(repeating: "0a", count: 32)

    struct Row: Sendable, CustomTestStringConvertible {
        var text: String
        var registry: String
        var repository: String
        var tag: String?
        var digest: String?
        var familiar: String
        var canonical: String
        var testDescription: String { text }

        init(
            _ text: String, _ registry: String, _ repository: String, tag: String? = nil, digest: String? = nil,
            familiar: String, canonical: String
        ) {
            self.text = text
            self.registry = registry
            self.repository = repository
            self.tag = tag
            self.digest = digest
            self.familiar = familiar
            self.canonical = canonical
        }
    }

    private static let rows: [Row] = [
        Row(
            "ubuntu", "docker.io", "library/ubuntu", familiar: "ubuntu",
            canonical: "docker.io/library/ubuntu:latest"),
        Row(
            "ml-model-service:latest", "docker.io", "library/ml-model-service", tag: "latest",
            familiar: "ml-model-service:latest", canonical: "docker.io/library/ml-model-service:latest"),
        Row(
            "library/ubuntu:22.04", "docker.io", "library/ubuntu", tag: "22.04", familiar: "ubuntu:22.04",
            canonical: "docker.io/library/ubuntu:22.04"),
        Row(
            "index.docker.io/ubuntu", "docker.io", "library/ubuntu", familiar: "ubuntu",
            canonical: "docker.io/library/ubuntu:latest"),
        Row(
            "docker.io/team/model", "docker.io", "team/model", familiar: "team/model",
            canonical: "docker.io/team/model:latest"),
        Row(
            "docker.io/library/a/b", "docker.io", "library/a/b", familiar: "library/a/b",
            canonical: "docker.io/library/a/b:latest"),
        Row(
            "localhost/x", "localhost", "x", familiar: "localhost/x", canonical: "localhost/x:latest"),
        Row(
            "localhost:5000/x", "localhost:5000", "x", familiar: "localhost:5000/x",
            canonical: "localhost:5000/x:latest"),
        Row(
            "localhost:5000/x:1_A", "localhost:5000", "x", tag: "1_A", familiar: "localhost:5000/x:1_A",
            canonical: "localhost:5000/x:1_A"),
        Row(
            "[::1]:5000/x", "[::1]:5000", "x", familiar: "[::1]:5000/x", canonical: "[::1]:5000/x:latest"),
        Row(
            "Registry.Example.com/a/b/c", "Registry.Example.com", "a/b/c", familiar: "Registry.Example.com/a/b/c",
            canonical: "Registry.Example.com/a/b/c:latest"),
        // Without a dot or a port it is a part of the repository, however much it looks like a host.
        Row(
            "registry/x", "docker.io", "registry/x", familiar: "registry/x", canonical: "docker.io/registry/x:latest"),
        Row(
            "a_b__c---d.e", "docker.io", "library/a_b__c---d.e", familiar: "a_b__c---d.e",
            canonical: "docker.io/library/a_b__c---d.e:latest"),
        Row(
            "ubuntu@\(digest)", "docker.io", "library/ubuntu", digest: digest, familiar: "ubuntu@\(digest)",
            canonical: "docker.io/library/ubuntu@\(digest)"),
        Row(
            "r.io/x:1@\(digest)", "r.io", "x", tag: "1", digest: digest, familiar: "r.io/x:1@\(digest)",
            canonical: "r.io/x:1@\(digest)"),
        Row(
            "123456789012.dkr.ecr.us-east-1.amazonaws.com/ml-models/prediction-service:latest",
            "123456789012.dkr.ecr.us-east-1.amazonaws.com", "ml-models/prediction-service", tag: "latest",
            familiar: "123456789012.dkr.ecr.us-east-1.amazonaws.com/ml-models/prediction-service:latest",
            canonical: "123456789012.dkr.ecr.us-east-1.amazonaws.com/ml-models/prediction-service:latest"),
    ]

    @Test(arguments: rows)
    func readsWhatDockerReads(_ row: Row) throws {
        let reference = try ImageReference(row.text)
        #expect(
            reference
                == ImageReference(
                    registry: row.registry, repository: row.repository, tag: row.tag, digest: row.digest))
        #expect(reference.description == row.familiar)
        #expect(reference.canonical == row.canonical)
        // What it writes, it reads again.
        #expect(try ImageReference(reference.description) == reference)
        #expect(try ImageReference(reference.canonical).canonical == reference.canonical)
    }

    @Test(
        arguments: [
            ("", ImageReferenceError.malformedRepository("")),
            (":1", .malformedRepository("")),
            ("Ubuntu", .upperCase("library/Ubuntu")),
            // One engine takes the first part for a host, another does not.
            ("Team/model", .upperCase("Team/model")),
            ("r.io/Model", .upperCase("Model")),
            ("a b", .malformedRepository("library/a b")),
            ("-a", .malformedRepository("library/-a")),
            ("--privileged", .malformedRepository("library/--privileged")),
            ("a-", .malformedRepository("library/a-")),
            ("a..b", .malformedRepository("library/a..b")),
            ("a___b", .malformedRepository("library/a___b")),
            ("a//b", .malformedRepository("a//b")),
            ("a/", .malformedRepository("a/")),
            ("/a", .malformedRepository("/a")),
            ("r.io/", .malformedRepository("")),
            ("r.io/../a", .malformedRepository("../a")),
            ("ü", .malformedRepository("library/ü")),
            ("a:", .malformedTag("")),
            ("a:-1", .malformedTag("-1")),
            ("a:.1", .malformedTag(".1")),
            ("a:" + String(repeating: "1", count: 129), .malformedTag(String(repeating: "1", count: 129))),
            ("a@", .malformedDigest("")),
            ("a@sha256:0", .malformedDigest("sha256:0")),
            ("a@\(digest)0", .malformedDigest("\(digest)0")),
            ("a@" + digest.uppercased(), .malformedDigest(digest.uppercased())),
            ("a@x@\(digest)", .malformedDigest("x@\(digest)")),
            ("-r.io/a", .malformedRegistry("-r.io")),
            ("a_b.io/a", .malformedRegistry("a_b.io")),
            ("r..io/a", .malformedRegistry("r..io")),
            ("r.io:/a", .malformedRegistry("r.io:")),
            ("r.io:0/a", .malformedRegistry("r.io:0")),
            ("r.io:65536/a", .malformedRegistry("r.io:65536")),
            ("r.io:5000:1/a", .malformedRegistry("r.io:5000:1")),
            ("user@r.io/a", .malformedDigest("r.io/a")),
            ("[::1/a", .malformedRegistry("[::1")),
            ("https://r.io/a", .hasScheme),
            (digest, .isID),
            ("r.io/" + String(repeating: "a", count: 251), .tooLong),
        ])
    func refusesWhatNoRegistryHas(text: String, error: ImageReferenceError) {
        #expect(throws: error) { try ImageReference(text) }
    }

    @Test func latestGoesWithoutSayingUnlessADigestDecides() throws {
        #expect(try ImageReference("a").effectiveTag == "latest")
        #expect(try ImageReference("a:1").effectiveTag == "1")
        #expect(try ImageReference("a:1@\(Self.digest)").effectiveTag == nil)
        #expect(try ImageReference("a:1").pinned(to: Self.digest).canonical == "docker.io/library/a@\(Self.digest)")
    }

    @Test func differentWaysToWriteOneNameAreEqual() throws {
        #expect(try ImageReference("ubuntu") == ImageReference("docker.io/library/ubuntu"))
        #expect(try ImageReference("localhost/ubuntu") != ImageReference("ubuntu"))
    }
}
