import TestSupport
import Testing

extension EndToEnd {
    /// What the daemon forbids is not even fetched, and what serves is not ended for it.
    @Suite(.needs(.engine, .registry)) struct DockerPolicies {
        @Test func anEditToAForbiddenImageAsksNoRegistryAndLeavesWhatServes() async throws {
            try await TestHost.run(.container) { host in
                let engine = try #require(host.engine)
                let registry = try await PrivateRegistry()
                try await engine.publish("allowed/model:1", in: registry, unlike: "first")
                try await engine.publish("forbidden/model:1", in: registry, unlike: "second")
                try await engine.publish("allowed/model:2", in: registry, unlike: "third")
                try host.writeStub(fields: ["load: eager"], image: "\(registry.host)/allowed/model:1")
                let daemon = try await host.serve(["--allow-image", "\(registry.host)/allowed"])
                let container = try await host.waitForContainer()
                // All that is asked of the registry from here on is seen.
                let before = registry.requests.count

                try host.writeStub(fields: ["load: eager"], image: "\(registry.host)/forbidden/model:1")
                try await eventually("it says why the old generation serves on") {
                    let seen = try await host.sqlite("SELECT state, reason FROM models")
                    return seen.hasPrefix("ready|") && seen.contains("--allow-image")
                }
                #expect(try await daemon.predict().status == 200)
                #expect(try await host.sqlite("SELECT container_id FROM instances") == container)
                #expect(try await engine.inspect(container, "{{.State.Running}} {{.RestartCount}}") == "true 0")
                let asked = registry.requests.dropFirst(before)
                #expect(asked.isEmpty, "\(asked)")
                #expect(try await engine.docker("image", "ls", "--quiet", "\(registry.host)/forbidden/model") == "")

                // What is allowed is followed at once.
                try host.writeStub(fields: ["load: eager"], image: "\(registry.host)/allowed/model:2")
                try await host.waitForReplacement(of: container)
                #expect(try await daemon.predict().status == 200)
                #expect(!registry.requests.dropFirst(before).contains { $0.contains("forbidden") })
            }
        }
    }
}
