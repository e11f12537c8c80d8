import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// Images from a registry: Debian's, on this host.
    @Suite(.needs(.engine, .registry)) struct DockerPulls {
        @Test func aPullIsShownAndOneServesTwoModels() async throws {
            try await TestHost.run(.container) { host in
                let engine = try #require(host.engine)
                let registry = try await PrivateRegistry()
                // Nothing below 1 MiB is held, so that the manifest comes, and the beginning of the layer.
                let gate = host.directory + "/gate"
                let relay = try ChildProcess(
                    [
                        "python3", TestHost.sources + "/Tests/clients/held_relay.py", "\(registry.port)", gate,
                        "1048576",
                    ],
                    output: host.directory + "/relay")
                defer { relay.signal(SIGKILL) }
                try await eventually("the relay listens") { relay.output.hasSuffix("\n") }
                let port = relay.output.filter(\.isNumber)
                try await engine.publish("team/large:1", in: registry, unlike: "large", mebibytes: 8)
                let image = "127.0.0.1:\(port)/team/large:1"
                for source in ["one", "two"] { try host.writeStub(source, fields: ["load: eager"], image: image) }
                try host.writeStub("local", kind: .process)

                let daemon = try await host.serve()
                try await eventually("both show how far it is") {
                    let seen = try await host.sqlite("SELECT state, reason FROM models WHERE source <> 'local'")
                    let lines = seen.split(separator: "\n")
                    return lines.count == 2
                        && lines.allSatisfy { $0.hasPrefix("pulling|pulling \(image): ") && $0.contains(" of 8MiB") }
                }
                let status = try await host.modelet("status")
                #expect(status.output.contains("pulling \(image): "), "\(status.output)")
                #expect(try await daemon.predict("test/local").status == 200)
                let waiting = try ChildProcess(
                    [TestHost.modelet, "load", "test/one", "--wait"], environment: ["MODELET_STATE": host.state],
                    output: host.newOutput("load"))
                try await eventually("who waits is shown it, too") {
                    waiting.errors.contains("test/one/default: pulling \(image): ")
                }
                close(open(gate, O_WRONLY | O_CREAT, 0o600))
                for source in ["one", "two"] { try await host.waitForContainer(source) }
                #expect(try await waiting.exitStatus() == 0, "\(waiting.errors)")

                let fetched = registry.requests.filter { $0.hasPrefix("GET ") && $0.contains("/blobs/") }
                #expect(Set(fetched).count == fetched.count, "each layer came once: \(fetched)")
                #expect(
                    try await host.sqlite(
                        "SELECT count(*) FROM operations WHERE kind = 'pull' AND outcome <> 'succeeded'") == "0")
                let told = try await host.sqlite("SELECT message FROM events WHERE kind LIKE 'pull%'")
                #expect(told.contains(image), "\(told)")
                // What runs is fixed: the digest, and not the tag.
                let run = try await host.sqlite("SELECT DISTINCT image FROM instances WHERE container_id IS NOT NULL")
                #expect(run.hasPrefix("127.0.0.1:\(port)/team/large@sha256:"), "\(run)")
                let container = try await host.waitForContainer("one")
                #expect(try await engine.inspect(container, "{{.Config.Image}}") == run)
                try await engine.docker("rmi", "--force", image)
            }
        }

        @Test func aMovedTagIsDriftAndActedOnOnlyWherePullIsAlways() async throws {
            try await TestHost.run(.container) { host in
                let engine = try #require(host.engine)
                let registry = try await PrivateRegistry()
                let name = "team/moving:latest"
                let first = try await engine.publish(name, in: registry, unlike: "first")
                let image = "\(registry.host)/\(name)"
                try host.writeStub("follows", fields: ["load: eager"], sourceFields: ["pull: always"], image: image)
                try host.writeStub("stays", fields: ["load: eager"], image: image)
                let daemon = try await host.serve()
                let old = try await host.waitForContainer("follows")
                let stays = try await host.waitForContainer("stays")
                #expect(
                    try await host.sqlite("SELECT DISTINCT image FROM instances")
                        == "\(registry.host)/team/moving@\(first)")

                let second = try await engine.publish(name, in: registry, unlike: "second")
                #expect(second != first)
                daemon.process.signal(SIGHUP)
                try await eventually("the one that follows is replaced", within: .seconds(150)) {
                    let run = try await host.sqlite(
                        "SELECT image FROM instances WHERE source = 'follows' AND phase = 'ready'")
                    return run.hasSuffix(second)
                }
                try await host.waitForReplacement(of: old, source: "follows")
                try await eventually("the other has drifted", within: .seconds(150)) {
                    let status = try await host.modelet("status", "-o", "json")
                    return status.output.contains(second)
                }
                let plan = try await host.modelet("plan", host.manifests)
                #expect(plan.output.contains("test/stays/default"), "\(plan.output)")
                #expect(plan.output.contains("team/moving"), "\(plan.output)")
                #expect(try await host.sqlite("SELECT container_id FROM instances WHERE source = 'stays'") == stays)
                #expect(try await daemon.predict("test/stays").status == 200)
                #expect(try await daemon.predict("test/follows").status == 200)
            }
        }

        @Test func whatIsNotThereFailsForGoodAndSaysWhatToDo() async throws {
            try await TestHost.run(.container) { host in
                let registry = try await PrivateRegistry()
                try host.writeStub(image: "\(registry.host)/team/nothing:1")
                try host.writeStub("never", sourceFields: ["pull: false"], image: "modelet-test/not-here:1")
                let daemon = try await host.serve()
                for (source, word) in [("stub", "team/nothing"), ("never", "pull: false")] {
                    let load = try await host.modelet("load", "test/\(source)", "--wait")
                    #expect(load.status == 1)
                    #expect(load.errors.contains(word), "\(load.errors)")
                    #expect(try await host.sqlite("SELECT state FROM models WHERE source = '\(source)'") == "failed")
                    #expect(try await daemon.predict("test/\(source)").status == 503)
                }
                #expect(try await host.engine?.containers(of: host) == [])
            }
        }

        @Test func aRegistryThatIsAwayIsAskedAgain() async throws {
            try await TestHost.run(.container) { host in
                let engine = try #require(host.engine)
                let registry = try await PrivateRegistry()
                try await engine.publish("team/away:1", in: registry, unlike: "away")
                registry.stop()
                try host.writeStub(fields: ["load: eager"], image: "\(registry.host)/team/away:1")
                _ = try await host.serve()
                try await eventually("it backs off") {
                    let seen = try await host.sqlite("SELECT state, reason FROM models")
                    return seen.hasPrefix("backoff|") && seen.contains(registry.host)
                }
                try await registry.restart()
                try await host.waitForContainer()
            }
        }

        @Test func aWrongPasswordIsDeniedAndTheRightOneHealsIt() async throws {
            try await TestHost.run(.container) { host in
                let engine = try #require(host.engine)
                let registry = try await PrivateRegistry(account: .modelet)
                try await engine.publish("team/private:1", in: registry, account: .modelet, unlike: "private")
                try host.logIn(to: registry, as: .changed)
                try host.writeStub(image: "\(registry.host)/team/private:1")
                let daemon = try await host.serve()
                let denied = try await host.modelet("load", "test/stub", "--wait")
                #expect(denied.status == 1)
                #expect(denied.errors.contains(registry.host), "\(denied.errors)")
                #expect(denied.errors.contains("docker login"), "\(denied.errors)")
                #expect(try await host.sqlite("SELECT state FROM models") == "failed")

                try host.logIn(to: registry, as: .modelet)
                let let_in = try await host.modelet("load", "test/stub", "--wait")
                #expect(let_in.status == 0, "\(let_in.errors)")
                #expect(try await daemon.predict().status == 200)
                // Nobody was told the password, and nothing was written to the user's configuration.
                let said = daemon.process.output + daemon.process.errors + readFile(host.database)
                for secret in [PrivateRegistry.Account.modelet.password, PrivateRegistry.Account.changed.password] {
                    #expect(!said.contains(secret))
                }
            }
        }

        /// The password is changed while a model runs: it runs on, and whatever needs the registry fails until the new one
        /// is known.
        @Test func aPasswordThatExpiresCostsNoRunningModel() async throws {
            try await TestHost.run(.container) { host in
                let engine = try #require(host.engine)
                let registry = try await PrivateRegistry(account: .modelet)
                let name = "team/expiring:latest"
                try await engine.publish(name, in: registry, account: .modelet, unlike: "before")
                try host.logIn(to: registry, as: .modelet)
                try host.writeStub(
                    fields: ["load: eager"], sourceFields: ["pull: always"], image: "\(registry.host)/\(name)")
                let daemon = try await host.serve()
                let old = try await host.waitForContainer()

                try registry.admit(.changed)
                let second = try await engine.publish(name, in: registry, account: .changed, unlike: "after")
                daemon.process.signal(SIGHUP)
                try await eventually("the registry has refused to tell", within: .seconds(150)) {
                    registry.refusals > 0
                }
                #expect(try await daemon.predict().status == 200)
                #expect(try await host.sqlite("SELECT container_id FROM instances WHERE phase = 'ready'") == old)

                try host.logIn(to: registry, as: .changed)
                try await eventually("the new image is run", within: .seconds(150)) {
                    daemon.process.signal(SIGHUP)
                    let run = try await host.sqlite("SELECT image FROM instances WHERE phase = 'ready'")
                    return run.hasSuffix(second)
                }
                #expect(try await daemon.predict().status == 200)
            }
        }
    }
}

extension TestEngine {
    /// Puts an image of the stub server into a registry, with a layer of its own, and forgets it here.
    /// - Parameters:
    ///   - mark: what makes it another image than the rest.
    ///   - mebibytes: the size of its layer.
    /// - Returns: its digest, `sha256:…`.
    @discardableResult
    func publish(
        _ name: String, in registry: PrivateRegistry, account: PrivateRegistry.Account? = nil, unlike mark: String,
        mebibytes: Int = 0
    ) async throws -> String {
        let local = "modelet-test/to-push:\(mark)"
        let container = try await docker("create", "--label", Self.strangers, Self.stub)
        if mebibytes > 0 {
            // Noise, which no compression makes smaller.
            let noise = "\(engine.scratch)/noise"
            try await runToEnd(
                ["dd", "if=/dev/urandom", "of=\(noise)", "bs=1M", "count=\(mebibytes)"], scratch: noise + ".log")
            try await docker("cp", noise, "\(container):/noise")
            for file in [noise, noise + ".log"] { unlink(file) }
        }
        try await docker("commit", "--change", "LABEL mark=\(mark)", container, local)
        try await docker("rm", container)
        let full = try await registry.push(local, as: name, account: account, from: engine.socket)
        let digest = try await docker(
            "image", "inspect", "--format", "{{range .RepoDigests}}{{println .}}{{end}}", full)
        try await docker("rmi", full, local)
        let line = digest.split(separator: "\n").first { $0.hasPrefix(full.prefix { $0 != "/" }) }
        guard let line, let at = line.firstIndex(of: "@") else { throw HarnessError("no digest: \(digest)") }
        return String(line[line.index(after: at)...])
    }
}

extension TestHost {
    /// Has the user of this host logged in to a registry as `docker login` does it, over whatever was there.
    func logIn(to registry: PrivateRegistry, as account: PrivateRegistry.Account) throws {
        mkdir(dockerConfiguration, 0o700)
        let given = try registry.dockerConfiguration(for: account)
        try writeFile(readFile(given.path("config.json")), to: dockerConfiguration + "/config.json")
    }
}
