import ModelCore
import Testing

struct FieldChangeTests {
    private func changes(_ edit: (inout LocalArtifactSpec) -> Void) -> [String] {
        let old = LocalArtifactSpec(path: "/a", startupCommand: "serve")
        var new = old
        edit(&new)
        return fieldChanges(from: SourceSpec.localArtifact(old), to: SourceSpec.localArtifact(new)).map(\.description)
    }

    @Test func equalValuesDoNotDiffer() {
        #expect(changes { _ in }.isEmpty)
        #expect(fieldChanges(from: ModelSpec(), to: ModelSpec()).isEmpty)
    }

    @Test func changesBearTheNamesOfTheManifestAndComeInOrder() {
        let changed = changes {
            $0.startupCommand = "other"
            $0.port = 8501
            $0.host = "::1"
        }
        #expect(
            changed == [
                "host: (not set) → ::1", "port: (not set) → 8501", "startup_command: serve → other",
            ])
    }

    @Test func environmentValuesAreNeverShown() {
        let changed = changes { $0.environment = ["TOKEN": "secret", "A.B": "secret"] }
        #expect(changed == ["environment.A.B: (not set) → …", "environment.TOKEN: (not set) → …"])
        var old = Situation.spec()
        var new = old
        old.source = source(["TOKEN": "secret", "OLD": "secret", "SAME": "secret"])
        new.source = source(["TOKEN": "other secret", "SAME": "secret"])
        #expect(
            fieldChanges(from: old, to: new).map(\.description) == [
                "source.environment.OLD: … → (not set)", "source.environment.TOKEN: … → …",
            ])
    }

    private func source(_ environment: [String: String]) -> SourceSpec {
        var artifact = LocalArtifactSpec(path: "/a", startupCommand: "serve")
        artifact.environment = environment
        return .localArtifact(artifact)
    }

    @Test func inheritedNamesAreShown() {
        let changed = changes { $0.inheritEnvironment = .only(["PATH", "HOME"]) }
        #expect(changed == ["inherit_environment.0: (not set) → PATH", "inherit_environment.1: (not set) → HOME"])
    }

    @Test func anotherKindOfSourceDiffersInEverythingThatItHas() {
        let local = SourceSpec.localArtifact(LocalArtifactSpec(path: "/a", startupCommand: "serve"))
        let docker = SourceSpec.docker(DockerSpec(image: "i", container: ContainerSpec(containerPort: 80)))
        #expect(
            fieldChanges(from: local, to: docker).map(\.field) == [
                "container_port", "image", "path", "startup_command", "type",
            ])
    }

    @Test func nestedValuesAndSpansAreReadable() {
        var new = ModelSpec()
        new.load = .eager
        new.idleTimeout = .after(Seconds(milliseconds: 1500))
        new.maxConcurrency = .count(2)
        new.pinned = true
        var probe = ProbeSpec()
        probe.path = "/health"
        probe.status = StatusRange(200...399)
        new.readiness = .http(probe)
        new.headers = ["Accept": "a"]
        #expect(
            fieldChanges(from: ModelSpec(), to: new).map(\.description) == [
                "headers.Accept: (not set) → a", "idle_timeout: (not set) → 1.5s", "load: (not set) → eager",
                "max_concurrency: (not set) → 2", "pinned: (not set) → true", "readiness.kind: (not set) → http",
                "readiness.path: (not set) → /health", "readiness.status: (not set) → 200-399",
            ])
    }

    @Test func emptyCollectionsAreFieldsToo() {
        var none = LocalArtifactSpec(path: "/a", startupCommand: "c")
        var empty = none
        empty.environment = [:]
        empty.inheritEnvironment = .only([])
        #expect(
            fieldChanges(from: none, to: empty).map(\.description) == [
                "environment: (not set) → {}", "inherit_environment: (not set) → []",
            ])
        none.environment = ["A": "1"]
        #expect(
            fieldChanges(from: empty, to: none).map(\.field) == [
                "environment", "environment.A", "inherit_environment",
            ])
    }

    @Test func credentialsInHeadersAreNamedAndNotShown() {
        var new = ModelSpec()
        new.headers = ["Authorization": "Bearer s3cret", "X-Api-Key": "s3cret", "Accept": "a"]
        #expect(
            fieldChanges(from: ModelSpec(), to: new).map(\.description) == [
                "headers.Accept: (not set) → a", "headers.Authorization: (not set) → …",
                "headers.X-Api-Key: (not set) → …",
            ])
    }
}
