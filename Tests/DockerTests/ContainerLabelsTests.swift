import Docker
import ModelCore
import Testing

@Suite("Labels of containers")
struct ContainerLabelsTests {
    private func instance(_ source: SourceSpec) -> InstanceRecord {
        InstanceRecord(
            id: InstanceID("i"), key: ModelKey(domain: "a", source: "b", model: "c"), generation: 2, attempt: 0,
            source: source, host: "127.0.0.1", port: 1, createdAt: Timestamp(milliseconds: 0))
    }

    private func docker(_ edit: (inout DockerSpec) -> Void = { _ in }) -> SourceSpec {
        var spec = DockerSpec(image: "i", container: ContainerSpec(containerPort: 80))
        edit(&spec)
        return .docker(spec)
    }

    @Test("what is written is read again")
    func roundTrip() {
        let labels = ContainerLabels(instance(docker()), state: "s")
        #expect(ContainerLabels(labels.values) == labels)
        #expect(labels.values["modelet.state"] == "s")
    }

    @Test(
        "a container that lacks one of them is not as we make them",
        arguments: ["state", "instance", "model", "generation", "run-hash"])
    func missing(name: String) {
        var values = ContainerLabels(instance(docker()), state: "s").values
        #expect(values.removeValue(forKey: "modelet.\(name)") != nil)
        #expect(ContainerLabels(values) == nil)
    }

    @Test("the hash is that of the run fields, and nothing else")
    func runHash() {
        let hash = ContainerLabels.runHash(of: docker())
        // FNV-1a of {"container_port":80,"image":"i","type":"docker"}: it must not change from version to version.
        #expect(hash == "0ffa438cc86d2f14")
        #expect(hash == ContainerLabels.runHash(of: docker { $0.container.startupDelay = 5 }))
        #expect(hash != ContainerLabels.runHash(of: docker { $0.image = "j" }))
        #expect(hash != ContainerLabels.runHash(of: docker { $0.container.privileged = true }))
        // A secret must not be tried out against a label that others can read.
        #expect(hash == ContainerLabels.runHash(of: docker { $0.registryAuth = "secret" }))
    }

    @Test("a container is named after its instance")
    func name() {
        #expect(ContainerLabels.containerName(of: InstanceID("x")) == "modelet-x")
    }
}
