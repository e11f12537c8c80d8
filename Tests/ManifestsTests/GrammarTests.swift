import Foundation
import Manifests
import ModelCore
import Testing

@Suite struct GrammarTests {
    private static let everything = """
        # All that can be said.
        domain: churn
        x-common: &limits {max_concurrency: 4, max_queue: 0}
        ml:
          sources:
            scorer:
              base_url: "https://[::1]:5002/v1"
              models:
                default:
                  <<: *limits
                  endpoint: "/predict?version=2"
                  timeout: 1.5
                  headers: {Content-Type: "application/json", X-Version: 1.10}
                  load: eager
                  load_timeout: 0
                  start_timeout: 10m
                  idle_timeout: never
                  max_queue: 7
                  update: resource
                  drain_timeout: 1m30s
                  stop_timeout: 500ms
                  readiness: {path: /health, status: 200-299, timeout: 2, interval: 10, failures: 3, owner: any}
                  liveness: {path: /live, status: 204, interval: 2h}
                  memory: 2GiB
                  pinned: false
                  retry: false
                  keep_alive: 4
                  source:
                    type: local_artifact
                    path: ../outside/../model
                    startup_command: "serve --port ${PORT} --token ${TOKEN}"
                    host: 127.0.0.1
                    startup_delay: 0.25
                    environment:
                      OMP_NUM_THREADS: 2
                      VERSION: 1.10
                      TOKEN: "${env:TOKEN}"
                      KEY: "${file:secrets/key}"
                      URL: "http://${HOST}:${PORT}/$$x"
                    inherit_environment: [PATH, HOME]
                    user: 1000:1000
                boxed:
                  readiness: tcp
                  idle_timeout: 10m
                  max_concurrency: unlimited
                  source:
                    type: docker
                    image: registry.example.com:5000/team/model:1.2@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
                    pull: always
                    container_port: 8000
                    registry_auth: "${env:AUTH}"
                    volumes: {/data: "/data:ro", "./models": "/models:rw"}
                    command: [serve, --threads, 2, "$HOME"]
                    user: nobody
                    gpus: all
                    memory: 512MB
                    cpus: "0.5"
                    shm_size: 1024
                    capabilities: {add: [CAP_SYS_NICE]}
                    privileged: true
                    new_privileges: true
                    pids_limit: unlimited
                    docker_socket: true
                    init: false
                    read_only: true
                pinned-image:
                  readiness: {tcp: true, interval: 1}
                  source:
                    type: ecr
                    repository: team/model
                    digest: "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
                    registry: 123456789012.dkr.ecr.us-east-1.amazonaws.com
                    pull: false
                    container_port: 8000
                    command: "serve --name 'a b'"
                remote-ish:
                  readiness: none
                  source: {type: local_artifact, path: ., startup_command: "serve ${PORT}", inherit_environment: false}
        """

    private func loadEverything() throws -> (ManifestFolder, ManifestSet) {
        let folder = try ManifestFolder(["sub/all.yml": Self.everything])
        return (folder, folder.load())
    }

    @Test func readsEveryField() throws {
        let (folder, set) = try loadEverything()
        #expect(set.errors == [])
        #expect(set.warnings.map(\.message) == [])

        var local = LocalArtifactSpec(
            path: "\(folder.path)/model", startupCommand: "serve --port ${PORT} --token ${TOKEN}", host: "127.0.0.1")
        local.startupDelay = Seconds(milliseconds: 250)
        local.environment = [
            "OMP_NUM_THREADS": "2", "VERSION": "1.10", "TOKEN": "${env:TOKEN}",
            "KEY": "${file:\(folder.path)/sub/secrets/key}", "URL": "http://${HOST}:${PORT}/$$x",
        ]
        local.inheritEnvironment = .only(["PATH", "HOME"])
        local.user = "1000:1000"

        var readiness = ProbeSpec()
        readiness.path = "/health"
        readiness.status = StatusRange(200...299)
        readiness.timeout = 2
        readiness.interval = 10
        readiness.failures = 3
        readiness.owner = .any
        var liveness = ProbeSpec()
        liveness.path = "/live"
        liveness.status = StatusRange(204...204)
        liveness.interval = 7200

        var spec = ModelSpec(
            baseURL: "https://[::1]:5002/v1", endpoint: "/predict?version=2", source: .localArtifact(local))
        spec.timeout = Seconds(milliseconds: 1500)
        spec.headers = ["Content-Type": "application/json", "X-Version": "1.10"]
        spec.load = .eager
        spec.loadTimeout = .zero
        spec.startTimeout = 600
        spec.idleTimeout = .never
        spec.maxConcurrency = .count(4)
        spec.maxQueue = 7
        spec.update = .resource
        spec.drainTimeout = 90
        spec.stopTimeout = Seconds(milliseconds: 500)
        spec.readiness = .http(readiness)
        spec.liveness = liveness
        spec.memory = 2 << 30
        spec.pinned = false
        spec.retry = false
        spec.keepAlive = 4
        #expect(set.spec("churn/scorer/default") == spec)
    }

    @Test func readsContainers() throws {
        let (folder, set) = try loadEverything()
        var container = ContainerSpec(containerPort: 8000)
        container.pull = .always
        container.volumes = ["/data": "/data:ro", "\(folder.path)/sub/models": "/models"]
        container.command = ["serve", "--threads", "2", "$HOME"]
        container.user = "nobody"
        container.gpus = "all"
        container.memory = 512_000_000
        container.cpus = 0.5
        container.shmSize = 1024
        container.addedCapabilities = ["SYS_NICE"]
        container.readOnly = true
        container.privileged = true
        container.newPrivileges = true
        container.pidsLimit = .unlimited
        container.dockerSocket = true
        container.initProcess = false
        var docker = DockerSpec(
            image:
                "registry.example.com:5000/team/model:1.2@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            container: container)
        docker.registryAuth = "${env:AUTH}"
        let boxed = try #require(set.spec("churn/scorer/boxed"))
        #expect(boxed.source == .docker(docker))
        #expect(boxed.readiness == .tcp(ProbeSpec()))
        #expect(boxed.idleTimeout == .after(600))
        #expect(boxed.maxConcurrency == .unlimited)

        var task = ContainerSpec(containerPort: 8000)
        task.pull = .never
        task.command = ["serve", "--name", "a b"]
        var ecr = ECRSpec(repository: "team/model", container: task)
        ecr.digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
        ecr.registry = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
        let pinned = try #require(set.spec("churn/scorer/pinned-image"))
        #expect(pinned.source == .ecr(ecr))
        var probe = ProbeSpec()
        probe.interval = 1
        #expect(pinned.readiness == .tcp(probe))

        var here = LocalArtifactSpec(path: "\(folder.path)/sub", startupCommand: "serve ${PORT}")
        here.inheritEnvironment = InheritedEnvironment.none
        #expect(set.spec("churn/scorer/remote-ish")?.source == .localArtifact(here))
        #expect(set.spec("churn/scorer/remote-ish")?.readiness == ReadinessSpec.none)
    }

    @Test func specsSurviveJSON() throws {
        let (_, set) = try loadEverything()
        #expect(set.models.count == 4)
        for model in set.models {
            let data = try JSONEncoder().encode(model.spec)
            #expect(try JSONDecoder().decode(ModelSpec.self, from: data) == model.spec)
        }
    }

    @Test func whatIsLeftOutStaysOut() throws {
        let set = try load("ml: {sources: {s: {base_url: 'http://h', models: {m: {}}}}}")
        #expect(set.diagnostics.isEmpty)
        #expect(set.spec("churn/s/m") == ModelSpec(baseURL: "http://h"))
    }

    @Test(
        arguments: [
            ("30", 30_000), ("0.5", 500), ("30s", 30_000), ("1m30s", 90_000), ("500ms", 500), ("2h", 7_200_000),
            ("1.5h", 5_400_000), ("'1h1m1s1ms'", 3_661_001),
        ])
    func readsDurations(text: String, milliseconds: Int64) throws {
        let set = try load(manifest(model: "timeout: \(text)"))
        #expect(set.errors == [])
        #expect(set.spec("churn/s/m")?.timeout == Seconds(milliseconds: milliseconds))
    }

    @Test(arguments: [
        "-1", "0", "'30'", "30 s", "1s1m", "1s1s", "1d", "1e3", "0x10", "010", "yes", "null", "9000h", "s",
    ])
    func refusesOtherDurations(text: String) throws {
        let set = try load(manifest(model: "timeout: \(text)"))
        #expect(set.errors.count == 1)
        #expect(set.brokenFiles == ["churn.yaml"])
    }

    @Test(
        arguments: [
            ("1024", 1024), ("2GiB", 2 << 30), ("2 GiB", 2 << 30), ("1.5KiB", 1536), ("512MB", 512_000_000),
            ("3Ti", 3 << 40), ("1B", 1),
        ])
    func readsSizes(text: String, bytes: Int64) throws {
        let set = try load(manifest(source: "type: docker\nimage: i\ncontainer_port: 1\nshm_size: \(text)"))
        #expect(set.errors == [])
        guard case .docker(let docker) = set.spec("churn/s/m")?.source else {
            Issue.record("not a docker source")
            return
        }
        #expect(docker.container.shmSize == bytes)
    }

    @Test(arguments: ["0", "-1", "1.5", "2G", "2g", "GiB", "2 apples", "9999999999999999999999", "true"])
    func refusesOtherSizes(text: String) throws {
        #expect(
            try load(manifest(source: "type: docker\nimage: i\ncontainer_port: 1\nshm_size: \(text)")).errors.count == 1
        )
    }
}
