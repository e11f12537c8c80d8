import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// What a manifest says of a container, seen from the engine and from inside.
    @Suite(.needs(.engine)) struct DockerFields {
        /// The example of docs/model-loading-strategies.md, byte for byte: only an image of that name has to be there.
        @Test func theDocumentsExampleWorksAsWritten() async throws {
            try await TestHost.run(.container) { host in
                let engine = try #require(host.engine)
                try await engine.makeImage(
                    "ml-model-service:latest",
                    changes: [#"CMD ["--echo-environment", "--echo-file", "/app/models/model.pkl"]"#])
                let example = "/manifests/model_loading_examples/docker_model.yaml"
                let name = "model_loading_examples"
                try host.write(readFile(TestHost.sources + example), to: "\(name)/docker_model.yaml")
                mkdir("\(host.manifests)/\(name)/models", 0o755)
                try host.writeFile("weights\n", to: "\(host.manifests)/\(name)/models/model.pkl")
                chmod("\(host.manifests)/\(name)/models/model.pkl", 0o644)

                let daemon = try await host.serve()
                let answer = try await daemon.predict("\(name)/docker_model")
                #expect(answer.status == 200, "\(answer.body)")
                #expect(answer.headers["x-modelet-served-by"] == "instance")
                for part in [
                    #""MODEL_PATH":"/app/models/model.pkl""#, #""LOG_LEVEL":"INFO""#, #""file":"weights""#,
                    #""PORT":"8000""#,
                ] { #expect(answer.body.contains(part), "\(answer.body)") }

                let container = try await host.sqlite("SELECT container_id FROM instances")
                #expect(
                    try await engine.inspect(container, "{{json .HostConfig.PortBindings}}")
                        == #"{"8000/tcp":[{"HostIp":"127.0.0.1","HostPort":"8502"}]}"#)
                #expect(
                    try await engine.inspect(container, "{{range .Mounts}}{{.Source}}:{{.Destination}}:{{.RW}}{{end}}")
                        == "\(host.manifests)/\(name)/models:/app/models:true")
                #expect(try await host.sqlite("SELECT port, address FROM instances") == "8502|127.0.0.1")
                #expect(try await daemon.terminate() == 0)
                try await host.expectNothingLeft()
                // Images are kept.
                _ = try await engine.docker("image", "inspect", "ml-model-service:latest")
            }
        }

        @Test func containersAreNamedLabelledAndClosedByDefault() async throws {
            try await TestHost.run(.container) { host in
                let engine = try #require(host.engine)
                try host.writeStub(fields: ["load: eager"])
                _ = try await host.serve()
                let container = try await host.waitForContainer()
                let instance = try await host.sqlite("SELECT id FROM instances")
                let state = try #require(host.stateUUIDs().first)
                let expected = [
                    "{{.Name}}": "/modelet-\(instance)",
                    #"{{index .Config.Labels "modelet.state"}}"#: state,
                    #"{{index .Config.Labels "modelet.instance"}}"#: instance,
                    #"{{index .Config.Labels "modelet.model"}}"#: "test/stub/default",
                    "{{.HostConfig.CapDrop}}{{.HostConfig.CapAdd}}": "[ALL][]",
                    "{{.HostConfig.SecurityOpt}}": "[no-new-privileges]",
                    "{{.HostConfig.Privileged}}": "false",
                    "{{.HostConfig.RestartPolicy.Name}}": "no",
                    "{{.HostConfig.PidsLimit}}": "4096",
                    "{{range .NetworkSettings.Ports}}{{range .}}{{.HostIp}}{{end}}{{end}}": "127.0.0.1",
                ]
                for (template, value) in expected {
                    #expect(try await engine.inspect(container, template) == value, "\(template)")
                }
                // What the kernel says of the server.
                let pid = try await host.sqlite("SELECT pid FROM instances")
                let status = readFile("/proc/\(pid)/status")
                #expect(status.contains("CapEff:\t0000000000000000"), "\(status)")
                #expect(status.contains("NoNewPrivs:\t1"), "\(status)")
            }
        }

        @Test func everyFurtherFieldReachesTheContainer() async throws {
            try await TestHost.run(.container) { host in
                let engine = try #require(host.engine)
                try host.writeStub(
                    flags: "--echo-environment", fields: ["load: eager"],
                    sourceFields: [
                        "environment: {TOKEN: \"${file:\(host.directory)/token}\", MODE: fast}", "user: 1234:1234",
                        "memory: 64MiB", "cpus: 0.5", "shm_size: 16MiB", "capabilities: {add: [SYS_NICE]}",
                        "read_only: true",
                    ])
                try host.writeFile("hush", to: host.directory + "/token")
                let daemon = try await host.serve()
                let container = try await host.waitForContainer()
                let expected = [
                    "{{.Config.User}}": "1234:1234", "{{.HostConfig.Memory}}": "\(64 << 20)",
                    "{{.HostConfig.NanoCpus}}": "500000000", "{{.HostConfig.ShmSize}}": "\(16 << 20)",
                    "{{.HostConfig.ReadonlyRootfs}}": "true",
                ]
                for (template, value) in expected {
                    #expect(try await engine.inspect(container, template) == value, "\(template)")
                }
                #expect(try await engine.inspect(container, "{{.HostConfig.CapAdd}}").contains("SYS_NICE"))
                let answer = try await daemon.predict()
                for part in [#""TOKEN":"hush""#, #""MODE":"fast""#, #""uid":1234"#] {
                    #expect(answer.body.contains(part), "\(answer.body)")
                }
                // The secret is in the container alone.
                let said = try await host.modelet("status", "-o", "json").output + daemon.process.errors
                #expect(!said.contains("hush"))
                #expect(try await host.sqlite("SELECT count(*) FROM model WHERE spec LIKE '%hush%'") == "0")
            }
        }

        @Test func volumesMayBeReadOnlyAndMustBeThere() async throws {
            try await TestHost.run(.container) { host in
                try host.writeStub(fields: ["load: eager"], sourceFields: [])
                let text = readFile(host.manifests + "/stub.yaml")
                let missing = text.replacing("./shared: /shared", with: "./weights: /weights:ro")
                try host.write(missing, to: "stub.yaml")
                let validate = try await host.modelet("validate", host.manifests)
                #expect(validate.status == 65)
                #expect(validate.errors.contains("weights"), "\(validate.errors)")

                let daemon = try await host.serve()
                let answer = try await daemon.predict()
                #expect(answer.status == 503)
                #expect(answer.body.contains("weights"), "\(answer.body)")
                #expect(access(host.manifests + "/weights", F_OK) != 0, "nobody makes it")

                mkdir(host.manifests + "/weights", 0o755)
                daemon.process.signal(SIGHUP)
                let container = try await host.waitForContainer()
                let engine = try #require(host.engine)
                #expect(
                    try await engine.inspect(container, "{{range .Mounts}}{{.Destination}}:{{.RW}}{{end}}")
                        == "/weights:false")
            }
        }

        /// What would reach beyond the container is refused, with the reason, before anything is created.
        @Test(arguments: ["/var/run/docker.sock: /docker.sock", "/etc: /host-etc"])
        func whatReachesTheHostIsRefused(_ volume: String) async throws {
            try await TestHost.run(.container) { host in
                try host.writeStub()
                let text = readFile(host.manifests + "/stub.yaml")
                try host.write(text.replacing("{./shared: /shared}", with: "{\(volume)}"), to: "stub.yaml")
                let validate = try await host.modelet("validate", host.manifests)
                #expect(validate.status == 65, "\(validate.output)")
                let daemon = try await host.serve()
                #expect(try await daemon.predict().status != 200)
                #expect(try await host.engine?.containers(of: host) == [])
            }
        }

        @Test func hostPortThatAStrangerHoldsIsNamedAndHealedOnceFree() async throws {
            try await TestHost.run(.container) { host in
                let stranger = try ChildProcess(
                    ["python3", "-m", "http.server", "18451", "--bind", "127.0.0.1"],
                    output: host.directory + "/stranger")
                defer { stranger.signal(SIGKILL) }
                try await eventually("the stranger listens") {
                    (try? await HTTPCall(port: 18451, method: "GET", path: "/", body: "").send())?.status == 200
                }
                try host.writeStub(fields: ["load: eager"], port: 18451)
                let daemon = try await host.serve()
                try await eventually("the stranger is named") {
                    let reason = try await host.sqlite("SELECT reason FROM models")
                    return reason.contains("\(stranger.pid)") && reason.contains("18451")
                }
                #expect(isRunning(stranger.pid))
                #expect(try await daemon.predict().status == 503)
                stranger.signal(SIGKILL)
                _ = try await host.waitForContainer()
                #expect(try await daemon.predict().status == 200)
            }
        }
    }
}

extension TestHost {
    /// Waits until the model of a source is ready, and returns the id of its container.
    @discardableResult
    func waitForContainer(_ source: String = "stub") async throws -> String {
        let query = "SELECT container_id FROM instances WHERE source = '\(source)' AND phase = 'ready'"
        var id = ""
        do {
            try await eventually("\(source) is ready") {
                id = try await sqlite(query)
                return !id.isEmpty
            }
        } catch {
            let seen = try await sqlite("SELECT key, state, reason FROM models")
            throw HarnessError("\(error): \(seen)")
        }
        return id
    }
}
