@testable import Docker
import ModelCore
import Testing

@Suite struct FixedReferenceTests {
    private static let a = "sha256:" + String(repeating: "a", count: 64)
    private static let b = "sha256:" + String(repeating: "b", count: 64)
    private static let id = "sha256:" + String(repeating: "1", count: 64)

    private static func details(_ digests: String...) -> ImageDetails {
        ImageDetails(
            id: id, tags: [], repositoryDigests: digests, labels: [:], environment: [], entrypoint: [], command: [],
            workingDirectory: "", user: "", exposedPorts: [], hasHealthcheck: false, architecture: "amd64",
            operatingSystem: "linux", size: 1)
    }

    private static func fixed(_ name: String, _ digests: String..., pulled: String? = nil) throws -> String {
        var details = details()
        details.repositoryDigests = digests
        return FixedReference.of(details, as: try ImageReference(name), pulled: pulled)
    }

    @Test func aTagIsFixedByTheDigestOfItsRepository() throws {
        #expect(
            try Self.fixed("r.test:5000/team/model:1", "r.test:5000/team/model@\(Self.a)")
                == "r.test:5000/team/model@\(Self.a)")
    }

    @Test func theDigestOfAnotherRepositorySaysNothing() throws {
        #expect(
            try Self.fixed("r.test/team/model:1", "other.test/team/model@\(Self.b)", "r.test/team/model@\(Self.a)")
                == "r.test/team/model@\(Self.a)")
        #expect(try Self.fixed("r.test/team/model:1", "r.test/team/other@\(Self.b)") == Self.id)
        #expect(try Self.fixed("r.test/team/model:1", "r.test/team/model/other@\(Self.b)") == Self.id)
    }

    @Test func whatWasBuiltHereIsFixedByItsID() throws {
        #expect(try Self.fixed("ml-model-service:latest") == Self.id)
    }

    @Test(arguments: ["busybox", "busybox:1.36", "docker.io/busybox:1.36", "index.docker.io/library/busybox"])
    func dockerHubHasManyNames(_ name: String) throws {
        for engine in ["busybox", "docker.io/library/busybox"] {
            #expect(try Self.fixed(name, "\(engine)@\(Self.a)") == "busybox@\(Self.a)")
        }
    }

    @Test func aDigestThatIsGivenStays() throws {
        #expect(
            try Self.fixed("r.test/team/model:1@\(Self.b)", "r.test/team/model@\(Self.a)")
                == "r.test/team/model@\(Self.b)")
    }

    @Test func ofSeveralDigestsTheOneThatWasPulledCounts() throws {
        let digests = ("r.test/team/model@\(Self.a)", "r.test/team/model@\(Self.b)")
        #expect(try Self.fixed("r.test/team/model:1", digests.0, digests.1, pulled: Self.b).hasSuffix(Self.b))
        #expect(try Self.fixed("r.test/team/model:1", digests.1, digests.0).hasSuffix(Self.a))
        #expect(try Self.fixed("r.test/team/model:1", digests.0, pulled: Self.b).hasSuffix(Self.a))
    }

    @Test func whatAnEngineCallsNothingIsLeftOut() throws {
        #expect(try Self.fixed("r.test/team/model:1", "<none>@<none>") == Self.id)
    }
}
