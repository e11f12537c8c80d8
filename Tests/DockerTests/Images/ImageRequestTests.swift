import Docker
import ModelCore
import Testing

@Suite struct ImageRequestTests {
    private static func docker(_ image: String, auth: String? = nil, pull: PullPolicy? = nil) throws -> ImageRequest {
        var spec = DockerSpec(image: image, container: ContainerSpec(containerPort: 80))
        spec.registryAuth = auth
        spec.container.pull = pull
        return try ImageRequest(spec)
    }

    private static func ecr(_ change: (inout ECRSpec) -> Void = { _ in }) throws -> ImageRequest {
        var spec = ECRSpec(repository: "team/model", container: ContainerSpec(containerPort: 80))
        change(&spec)
        return try ImageRequest(spec)
    }

    @Test func twoSpellingsOfOneNameAreOneImage() throws {
        #expect(try Self.docker("busybox").image == Self.docker("docker.io/library/busybox").image)
        #expect(try Self.docker("busybox").image != Self.docker("busybox:2").image)
        #expect(try Self.docker("busybox").image.hashValue == Self.docker("docker.io/library/busybox").image.hashValue)
    }

    @Test func thePolicyMakesNoOtherImageAndALoginDoes() throws {
        #expect(try Self.docker("busybox", pull: .always).image == Self.docker("busybox", pull: .never).image)
        #expect(try Self.docker("busybox", auth: "a").image != Self.docker("busybox", auth: "b").image)
    }

    @Test func missingIsPulledUnlessTheManifestSaysOtherwise() throws {
        #expect(try Self.docker("busybox").policy == .missing)
        #expect(try Self.docker("busybox", pull: .never).policy == .never)
        #expect(try Self.ecr().policy == .missing)
    }

    @Test func onlyWhatNamesAnECRImageTellsItApart() throws {
        #expect(try Self.ecr { $0.container.hostPort = 1 }.image == Self.ecr().image)
        #expect(try Self.ecr { $0.tag = "2" }.image != Self.ecr().image)
        #expect(try Self.ecr { $0.region = "eu-west-1" }.image != Self.ecr().image)
    }

    @Test func anECRImageIsLabelledAsTheManifestHasIt() throws {
        #expect(try Self.ecr().image.label == "team/model:latest")
        #expect(try Self.ecr { $0.tag = "2" }.image.label == "team/model:2")
        let digest = "sha256:" + String(repeating: "a", count: 64)
        #expect(try Self.ecr { $0.digest = digest }.image.label == "team/model@\(digest)")
    }

    @Test func aRegistryThatIsGivenIsTakenToTheLetter() throws {
        let request = try Self.ecr { $0.registry = "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com" }
        guard case .named(let reference) = request.image.place else {
            Issue.record("\(request.image.place)")
            return
        }
        #expect(
            reference.canonical == "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com/team/model:latest")
    }

    @Test func whatIsNoNameIsRefused() {
        #expect(throws: ImageReferenceError.self) { try Self.docker("Team/Model") }
    }
}
