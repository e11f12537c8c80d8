import Foundation
import ModelCore
import Testing

/// What earlier versions have stored says to this version what it said to them: an upgrade changes nothing.
@Suite struct StoredSpecTests {
    private func decode(_ json: String) throws -> ModelSpec {
        try JSONDecoder().decode(ModelSpec.self, from: Data(json.utf8))
    }

    /// A state with this spec, and a folder with the manifest that it was accepted from.
    private func judged(_ stored: StoredSpec, spec json: String) throws -> Acceptance {
        let folder = try ManifestFolder(["churn.yaml": stored.manifest])
        let key = ModelKey(domain: "churn", source: "s", model: "m")
        return folder.judged([ModelRecord(key: key, spec: try decode(json), root: folder.path, file: "churn.yaml")])
    }

    @Test(arguments: StoredSpec.all)
    func theSameManifestIsNoChange(_ stored: StoredSpec) throws {
        let set = try load(stored.manifest)
        #expect(set.errors == [])
        #expect(set.models.map(\.spec) == [try decode(stored.spec)])
        #expect(try judged(stored, spec: stored.spec) == Acceptance())
    }

    /// Whether the form that is written has changed: if so, this version must go on reading the old one, above.
    @Test(arguments: StoredSpec.all)
    func isStillWrittenSo(_ stored: StoredSpec) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let spec = try #require(try load(stored.manifest).spec("churn/s/m"))
        #expect(String(decoding: try encoder.encode(spec), as: UTF8.self) == stored.spec)
    }

    /// A field that a later version knows and this one does not; and one that this version knows and an earlier one did not.
    @Test(arguments: StoredSpec.all)
    func whatIsUnknownOrNotYetThereIsAbsent(_ stored: StoredSpec) throws {
        let later = "{\"a_later_field\":{\"x\":[1]}," + stored.spec.dropFirst()
        #expect(try judged(stored, spec: later) == Acceptance())
        let source = try decode(stored.spec).source
        let inSource = stored.spec.replacing("\"source\":{", with: "\"source\":{\"a_later_field\":true,")
        #expect(try decode(inSource).source == source)
    }

    @Test func whatIsLeftOutIsAbsent() throws {
        #expect(try decode("{}") == ModelSpec())
        let local = try decode(#"{"source":{"type":"local_artifact","path":"/a","startup_command":"b"}}"#)
        #expect(local.source == .localArtifact(LocalArtifactSpec(path: "/a", startupCommand: "b")))
        let docker = try decode(#"{"source":{"type":"docker","image":"i","container_port":80}}"#)
        #expect(docker.source == .docker(DockerSpec(image: "i", container: ContainerSpec(containerPort: 80))))
        let ecr = try decode(#"{"source":{"type":"ecr","repository":"i","container_port":80}}"#)
        #expect(ecr.source == .ecr(ECRSpec(repository: "i", container: ContainerSpec(containerPort: 80))))
    }

    /// Whatever order and white space the text has: it is what it says that is compared.
    @Test(arguments: StoredSpec.all)
    func theFormOfTheTextIsNoMatter(_ stored: StoredSpec) throws {
        let object = try JSONSerialization.jsonObject(with: Data(stored.spec.utf8))
        let pretty = try JSONSerialization.data(withJSONObject: object, options: [.prettyPrinted])
        #expect(try judged(stored, spec: String(decoding: pretty, as: UTF8.self)) == Acceptance())
    }
}
