import ModelCore
import Testing

/// What people are told of an image that has moved.
struct DriftTests {
    private typealias S = Situation
    private static let old = "reg.io/team/x@sha256:aaaaaaaaaaaaaaaaaaaaaaaa"
    private static let new = "reg.io/team/x@sha256:bbbbbbbbbbbbbbbbbbbbbbbb"
    private static let moved = "image has moved: sha256:aaaaaaaaaaaa… → sha256:bbbbbbbbbbbb…; "

    private static func drift(
        _ source: SourceSpec, pull: PullPolicy? = nil, running: String? = old, to current: String? = new
    ) -> Drift? {
        var source = source
        switch source {
        case .docker(var spec):
            spec.container.pull = pull
            source = .docker(spec)
        case .ecr(var spec):
            spec.container.pull = pull
            source = .ecr(spec)
        case .localArtifact: break
        }
        let model = S.model(S.spec(source: source)) { $0.drift = current }
        return Drift(of: model, instances: [S.instance(.ready, source: source) { $0.image = running }])
    }

    private static let docker = SourceSpec.docker(
        DockerSpec(image: "reg.io/team/x:1", container: ContainerSpec(containerPort: 80)))

    @Test func saysWhatReallyHelps() {
        #expect(
            Self.drift(Self.docker)?.sentence
                == Self.moved + "`docker pull reg.io/team/x:1`, then `modelet restart d/s/m`, takes it once; "
                + "`pull: always` follows it")
        #expect(
            Self.drift(Self.docker, pull: .always)?.sentence == Self.moved + "it is taken once it has been fetched")
        #expect(Self.drift(Self.docker, pull: .never)?.sentence == Self.moved + "`modelet restart d/s/m` takes it")
    }

    /// An image that was built here, and is known to no registry: nothing has to be pulled.
    @Test func whatOnlyThisHostKnowsNeedsNoPull() {
        let drift = Self.drift(
            Self.docker, running: "sha256:aaaaaaaaaaaaaaaaaaaaaaaa", to: "sha256:bbbbbbbbbbbbbbbbbbbbbbbb")
        #expect(drift?.sentence == Self.moved + "`modelet restart d/s/m` takes it")
    }

    @Test func namesAnImageOfECRAsTheEngineDoes() {
        var spec = ECRSpec(repository: "team/x", container: ContainerSpec(containerPort: 80))
        spec.tag = "v2"
        #expect(Self.drift(.ecr(spec))?.remedy.hasPrefix("`docker pull reg.io/team/x:v2`, then") == true)
    }

    @Test func isNoneWhereNothingHasMoved() {
        #expect(Self.drift(Self.docker, to: nil) == nil)
        #expect(Self.drift(Self.docker, to: Self.old) == nil)
        #expect(Self.drift(S.artifact(), running: nil) == nil)
        #expect(Drift(of: S.model { $0.drift = Self.new }, instances: []) == nil)
    }
}
