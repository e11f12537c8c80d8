import ModelCore
import Testing

@Suite struct DocumentExamplesTests {
    private func folder() throws -> ManifestFolder {
        let folder = try ManifestFolder([
            "model_loading_examples/http_model.yaml": DocumentExamples.http,
            "model_loading_examples/local_artifact_model.yaml": DocumentExamples.localArtifact,
            "model_loading_examples/docker_model.yaml": DocumentExamples.docker,
            "model_loading_examples/ecr_model.yaml": DocumentExamples.ecr,
        ])
        try folder.makeFolder("model_loading_examples/models/local_model")
        return folder
    }

    @Test func loadAsWritten() throws {
        let folder = try folder()
        let set = folder.load()
        #expect(set.diagnostics.isEmpty)
        #expect(set.brokenFiles.isEmpty)

        var http = ModelSpec(baseURL: "http://localhost:5001", endpoint: "/predict")
        http.timeout = 30
        http.headers = ["Content-Type": "application/json"]

        let base = "\(folder.path)/model_loading_examples"
        var local = LocalArtifactSpec(
            path: "\(base)/models/local_model",
            startupCommand: "python -m app.serve --model_path ./model.pkl --port 8501", host: "localhost", port: 8501)
        local.startupDelay = 5

        var container = ContainerSpec(containerPort: 8000)
        container.pull = .missing
        container.hostPort = 8502
        container.environment = ["MODEL_PATH": "/app/models/model.pkl", "LOG_LEVEL": "INFO"]
        container.volumes = ["\(base)/models": "/app/models"]
        container.startupDelay = 8
        let docker = DockerSpec(image: "ml-model-service:latest", container: container)

        var task = ContainerSpec(containerPort: 8000)
        task.hostPort = 8503
        task.environment = ["MODEL_TYPE": "production"]
        task.startupDelay = 10
        var ecr = ECRSpec(repository: "ml-models/prediction-service", container: task)
        ecr.tag = "latest"
        ecr.region = "us-east-1"

        func model(_ name: String, _ spec: ModelSpec) -> ManifestModel {
            ManifestModel(
                key: ModelKey(domain: "model_loading_examples", source: name, model: "default"), spec: spec,
                file: "model_loading_examples/\(name).yaml", line: 6)
        }
        func spec(_ port: Int, _ source: SourceSpec) -> ModelSpec {
            ModelSpec(baseURL: "http://localhost:\(port)", endpoint: "/predict", source: source)
        }
        #expect(
            set.models == [
                model("docker_model", spec(5003, .docker(docker))),
                model("ecr_model", spec(5004, .ecr(ecr))),
                model("http_model", http),
                model("local_artifact_model", spec(5002, .localArtifact(local))),
            ])
    }

    @Test func missingArtifactsAreTheDisksFault() throws {
        let folder = try ManifestFolder(["examples.yaml": DocumentExamples.localArtifact])
        let set = folder.load()
        #expect(set.brokenFiles.isEmpty)
        #expect(set.models.map(\.key.description) == ["examples/local_artifact_model/default"])
        let error = try #require(set.diagnostics.first)
        #expect(set.diagnostics.count == 1)
        #expect(error.isAboutDisk)
        #expect((error.line, error.column) == (10, 19))
        #expect(error.message == "`path`: \(folder.path)/models/local_model does not exist")
    }
}
