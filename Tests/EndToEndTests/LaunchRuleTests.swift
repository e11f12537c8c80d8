import Glibc
import TestSupport
import Testing

/// What the daemon's options allow manifests to launch: `validate`, `plan`, `apply` and `serve` say the same.
extension EndToEnd {
    @Suite struct LaunchRules {
        private let digest = "sha256:" + String(repeating: "0a", count: 32)

        private func writeContainer(_ host: TestHost, image: String, _ fields: [String] = [], model: [String] = [])
            throws
        {
            var lines = ["domain: test", "ml:", "  sources:", "    box:", "      models:", "        default:"]
            lines += model.map { "          " + $0 }
            lines += ["          source:", "            type: docker", "            image: \"\(image)\""]
            lines += (["container_port: 8000", "pull: false"] + fields).map { "            " + $0 }
            try host.write(lines.joined(separator: "\n") + "\n", to: "box.yaml")
        }

        @Test func validateJudgesAsTheDaemonWould() async throws {
            try await TestHost.run { host in
                try writeContainer(host, image: "r.io/team/model:1", ["privileged: true"])
                #expect(try await host.modelet("validate", host.manifests).status == 0)
                let foreign = try await host.modelet("validate", host.manifests, "--allow-image", "r.io/other")
                #expect(foreign.status == 65)
                #expect(
                    foreign.errors.contains(
                        "box.yaml:6: error: test/box/default: images of r.io/team/model are not allowed by the policy of "
                            + "this daemon (--allow-image)"))
                #expect(foreign.errors.contains("hint: allowed are: r.io/other;"))
                let allowed = ["--allow-image", "x.io", "--allow-image", "r.io/team"]
                #expect(try await host.run([TestHost.modelet, "validate", host.manifests] + allowed).status == 0)
                let tagged = try await host.modelet("validate", host.manifests, "--require-digest")
                #expect(tagged.errors.contains("--require-digest"))
                let privileged = try await host.modelet("validate", host.manifests, "--forbid-privileges")
                #expect(privileged.errors.contains("`privileged` would open what the policy"))

                try writeContainer(host, image: "r.io/team/model@\(digest)")
                let strict = ["--require-digest", "--forbid-privileges", "--allow-image", "r.io"]
                #expect(try await host.run([TestHost.modelet, "validate", host.manifests] + strict).status == 0)
            }
        }

        @Test func theEnvironmentCountsAsTheFlagsDo() async throws {
            try await TestHost.run { host in
                try writeContainer(host, image: "r.io/team/model:1", ["new_privileges: true"])
                for (name, value) in [
                    ("MODELET_ALLOW_IMAGES", "a.io,b.io/x"), ("MODELET_REQUIRE_DIGEST", "true"),
                    ("MODELET_FORBID_PRIVILEGES", "1"),
                ] {
                    let ended = try await host.run(
                        [TestHost.modelet, "validate", host.manifests], environment: [name: value])
                    #expect(ended.status == 65, "\(name)")
                }
                let wrong = try await host.run(
                    [TestHost.modelet, "validate", host.manifests], environment: ["MODELET_ALLOW_IMAGES": "r.io/x:1"])
                #expect(wrong.status == 64)
                #expect(wrong.errors.contains("'r.io/x:1' is no value for --allow-image"))
            }
        }

        @Test func volumesMayLieInFurtherRoots() async throws {
            try await TestHost.run { host in
                let data = host.directory + "/data"
                mkdir(data, 0o700)
                try writeContainer(host, image: "i", ["volumes: {\(data): /data}"])
                let refused = try await host.modelet("validate", host.manifests)
                #expect(refused.status == 65)
                #expect(
                    refused.errors.contains("`volumes`: \(data) lies outside the artifact roots (\(host.manifests))"))
                #expect(try await host.modelet("validate", host.manifests, "--artifact-root", data).status == 0)
                let planned = try await host.modelet("plan", host.manifests, "--artifact-root", host.directory)
                #expect(planned.status == 2)
                let ended = try await host.run(
                    [TestHost.modelet, "validate", host.manifests],
                    environment: ["MODELET_ARTIFACT_ROOTS": "/nowhere:\(data)"])
                #expect(ended.status == 0)
            }
        }

        /// A change of the daemon's options is all it takes; manifests that were accepted are judged by them too.
        @Test func theDaemonLaunchesNothingThatItsPolicyForbids() async throws {
            try await TestHost.run { host in
                try writeContainer(host, image: "r.io/team/model:1", model: ["load: eager"])
                #expect(try await host.modelet("apply", host.manifests).status == 0)
                let daemon = try await host.serve(["--allow-image", "docker.io"])
                try await eventually("the load has failed for good") {
                    try await host.sqlite("SELECT state FROM models") == "failed"
                }
                let answer = try await daemon.predict("test/box")
                #expect(answer.status == 503)
                #expect(answer.body.contains("images of r.io/team/model are not allowed by the policy of this daemon"))
                let status = try await host.modelet("status", "-o", "json")
                #expect(status.output.contains("--allow-image"))
                // The daemon's own rules are those that count while one runs.
                let applied = try await host.modelet("apply", host.manifests)
                #expect(applied.status == 0)
                #expect(applied.errors.contains("--allow-image"))
                #expect(try await daemon.terminate() == 0)
            }
        }

        @Test func aVolumeThatLeavesTheRootsAfterwardsIsNotLaunched() async throws {
            try await TestHost.run { host in
                mkdir(host.manifests + "/data", 0o700)
                try writeContainer(host, image: "i", ["volumes: {./data: /data}"], model: ["load: eager"])
                #expect(try await host.modelet("apply", host.manifests).status == 0)
                rmdir(host.manifests + "/data")
                #expect(symlink("/etc", host.manifests + "/data") == 0)
                let daemon = try await host.serve()
                try await eventually("the load has failed for good") {
                    try await host.sqlite("SELECT state FROM models") == "failed"
                }
                let answer = try await daemon.predict("test/box")
                #expect(answer.body.contains("/data is really /etc, outside the artifact roots"))
                #expect(try await daemon.terminate() == 0)
            }
        }
    }
}
