import ModelCore
import Testing

struct LaunchPolicyTests {
    private static let digest = "sha256:" + String(repeating: "0a", count: 32)

    @Test(
        arguments: [
            ("ubuntu", "ubuntu:22.04", true),
            ("ubuntu", "docker.io/library/ubuntu", true),
            ("ubuntu", "ubuntu/nginx", false),
            ("ubuntu", "ghcr.io/library/ubuntu", false),
            ("ubuntu", "ubuntu2", false),
            ("docker.io", "team/model", true),
            ("index.docker.io", "ubuntu", true),
            ("docker.io/", "ubuntu", true),
            ("library", "ubuntu", true),
            ("library", "team/model", false),
            ("docker.io/library", "ubuntu", true),
            ("team/", "team/model", true),
            ("team/", "team/a/b", true),
            ("team/", "team", false),
            ("team/", "teammate/model", false),
            ("team", "team/model", false),
            ("docker.io/team/", "team/model", true),
            ("r.io", "r.io/a/b:1", true),
            ("r.io", "r.io:5000/a", false),
            ("r.io", "x.r.io/a", false),
            ("r.io", "r.io.evil.com/a", false),
            ("R.io", "r.IO/a", true),
            ("r.io/team", "r.io/team/model", true),
            ("r.io/team", "r.io/team", true),
            ("r.io/team", "r.io/teammate/x", false),
            ("r.io/team/", "r.io/team", false),
            ("r.io/team/model", "r.io/team/model@\(digest)", true),
            ("localhost:5000/x", "localhost:5000/x", true),
            ("localhost", "localhost/x", true),
            ("[::1]:5000", "[::1]:5000/x", true),
        ])
    func prefixesAreComparedByWholeParts(prefix: String, image: String, matches: Bool) throws {
        let prefix = try #require(ImagePrefix(prefix))
        #expect(try prefix.matches(ImageReference(image)) == matches)
    }

    @Test(
        arguments: [
            "", "/", "//", "r.io//", "r.io//x", "/x", "r.io/X", "r.io/x:1", "x@\(digest)", "https://r.io", "r.io:0/x",
            "x y",
            "ubuntu:22.04", "r.io/*",
        ])
    func whatIsNoPrefixIsRefused(text: String) {
        #expect(ImagePrefix(text) == nil)
    }

    @Test func withoutAPolicyNothingIsForbidden() {
        var container = ContainerSpec(containerPort: 1)
        container.privileged = true
        #expect(LaunchPolicy().objection(to: .docker(DockerSpec(image: "anything", container: container))) == nil)
    }

    private func objection(_ policy: LaunchPolicy, _ image: String) -> String? {
        policy.objection(to: .docker(DockerSpec(image: image, container: ContainerSpec(containerPort: 1))))?.sentence
    }

    @Test func imagesFromElsewhereAreForbiddenAndTheSentenceSaysWhatIsAllowed() throws {
        let policy = LaunchPolicy(allowedImages: try ["r.io/team", "ubuntu"].map { try #require(ImagePrefix($0)) })
        #expect(objection(policy, "r.io/team/model") == nil)
        #expect(objection(policy, "ubuntu:22.04") == nil)
        #expect(
            objection(policy, "model:1")
                == "images of docker.io/library/model are not allowed by the policy of this daemon (--allow-image); "
                + "allowed are: r.io/team, ubuntu; use one of them, or have the policy widened")
        // Accepted by an earlier version, which did not look so closely.
        #expect(objection(policy, "Not A Name")?.contains("is not the name of an image") == true)
        #expect(objection(LaunchPolicy(), "Not A Name") == nil)
    }

    @Test func tagsAreForbiddenWhereADigestIsWanted() throws {
        let policy = LaunchPolicy(requiresDigest: true)
        #expect(objection(policy, "model@\(Self.digest)") == nil)
        #expect(objection(policy, "model:1@\(Self.digest)") == nil)
        #expect(objection(policy, "model:1")?.hasPrefix("image model:1 is named by a tag") == true)
        #expect(objection(policy, "model")?.contains("--require-digest") == true)
    }

    @Test func imagesOfECRAreJudgedOnceTheirRegistryIsKnown() throws {
        let policy = LaunchPolicy(allowedImages: [try #require(ImagePrefix("r.io/ml"))], requiresDigest: true)
        var spec = ECRSpec(repository: "ml/model", container: ContainerSpec(containerPort: 1))
        #expect(policy.objection(to: .ecr(spec))?.message.contains("--require-digest") == true)
        spec.digest = Self.digest
        #expect(policy.objection(to: .ecr(spec)) == nil)
        spec.registry = "other.io"
        #expect(policy.objection(to: .ecr(spec))?.message.contains("other.io/ml/model") == true)
        spec.registry = "r.io"
        #expect(policy.objection(to: .ecr(spec)) == nil)

        let resolved = ImageReference(registry: "r.io", repository: "ml/model", digest: Self.digest)
        #expect(policy.objection(toImage: resolved) == nil)
        #expect(
            policy.objection(toImage: ImageReference(registry: "x.io", repository: "ml/model", digest: Self.digest))?
                .message.contains("x.io/ml/model") == true)
        #expect(
            policy.objection(toImage: ImageReference(registry: "r.io", repository: "ml/model", tag: "1"))?
                .message.contains("r.io/ml/model:1 is named by a tag") == true)
    }

    private static func opening(_ edit: (inout ContainerSpec) -> Void) -> ContainerSpec {
        var spec = ContainerSpec(containerPort: 1)
        edit(&spec)
        return spec
    }

    @Test(
        arguments: [
            ("capabilities", opening { $0.addedCapabilities = ["SYS_NICE"] }),
            ("privileged", opening { $0.privileged = true }),
            ("new_privileges", opening { $0.newPrivileges = true }),
            ("pids_limit", opening { $0.pidsLimit = .unlimited }),
            ("docker_socket", opening { $0.dockerSocket = true }),
        ])
    func everythingThatOpensADefaultCanBeForbidden(field: String, opened: ContainerSpec) {
        var container = ContainerSpec(containerPort: 1)
        container.addedCapabilities = []
        container.privileged = false
        container.pidsLimit = .count(100_000)
        let policy = LaunchPolicy(forbidsPrivileges: true)
        #expect(policy.objection(to: .docker(DockerSpec(image: "i", container: container))) == nil)
        for source in [
            SourceSpec.docker(DockerSpec(image: "i", container: opened)),
            .ecr(ECRSpec(repository: "i", container: opened)),
        ] {
            #expect(
                policy.objection(to: source)?.sentence
                    == "`\(field)` would open what the policy of this daemon keeps closed (--forbid-privileges); leave it "
                    + "out of the manifest, or have the policy changed")
        }
    }

    @Test func processesAreNoConcernOfIt() {
        let policy = LaunchPolicy(allowedImages: [], requiresDigest: true, forbidsPrivileges: true)
        #expect(policy.objection(to: .localArtifact(LocalArtifactSpec(path: "/a", startupCommand: "a"))) == nil)
    }
}
