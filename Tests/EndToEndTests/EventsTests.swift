import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// `modelet events`.
    @Suite struct Events {
        @Test func theyAreReadWithAndWithoutAModelet() async throws {
            try await TestHost.run { host in
                #expect(try await host.modelet("events").errors.contains("no state here yet"))
                try host.writeStub("one", fields: ["load: eager"])
                try host.writeStub("two")
                let daemon = try await host.serve()
                #expect(try await host.modelet("wait", "test/one").status == 0)
                try await daemon.crash()
                let all = try await host.modelet("events", "-n", "all")
                #expect(all.status == 0)
                let count = try await host.sqlite("SELECT count(*) FROM events")
                #expect(all.output.split(separator: "\n").count == Int(count))
                let one = try await host.modelet("events", "test/one")
                #expect(one.output.contains("  test/one/default  intent "), "\(one.output)")
                #expect(!one.output.contains("test/two"))
                let kinds = try await host.modelet("events", "test", "--kind", "ready,routed", "--kind", "intent")
                let words = kinds.output.split(separator: "\n").compactMap {
                    $0.split(separator: " ").dropFirst(2).first
                }
                #expect(words == ["intent", "ready", "routed"], "\(kinds.output)")
                let last = try await host.modelet("events", "-n", "1", "-o", "json")
                let newest = try await host.sqlite("SELECT max(id) FROM events")
                #expect(last.output.contains("\"id\" : \(newest)"), "\(last.output)")
                let since = try await host.sqlite("SELECT at FROM events WHERE kind = 'ready'")
                let young = try await host.modelet("events", "--since", since, "--kind", "intent,ready")
                #expect(young.output.split(separator: "\n").count == 1)
                #expect(try await host.modelet("events", "--since", "1h").output == all.output)

                #expect(try await host.modelet("events", "--since", "yesterday").status == 64)
                #expect(try await host.modelet("events", "a b").status == 64)
                let unknown = try await host.modelet("events", "test/on")
                #expect(unknown.status == 1)
                #expect(unknown.errors.contains("did you mean test/one/default?"), "\(unknown.errors)")
                let mistyped = try await host.modelet("events", "--kind", "reddy")
                #expect(mistyped.status == 1)
                #expect(mistyped.errors.contains("the kinds that are: "))
                let none = try await host.modelet("events", "test/two", "--kind", "ready")
                #expect(none.status == 0)
                #expect(none.errors == "modelet: no such event\n")
                let zero = try await host.modelet("events", "-n", "0")
                #expect([zero.output, zero.errors] == ["", ""])
            }
        }

        @Test func followingTellsEachOnceAlsoOverACrash() async throws {
            try await TestHost.run { host in
                try host.writeStub(fields: ["load: eager"])
                let first = try await host.serve()
                #expect(try await host.modelet("wait", "test/stub").status == 0)
                let follower = try host.follow("-n", "all", "-o", "json")
                try await eventually("what there is is told") { follower.output.contains("\"kind\":\"routed\"") }
                try await first.crash()
                let second = try await host.serve()
                for _ in 0..<3 { #expect(try await host.modelet("restart", "test/stub", "--wait").status == 0) }
                #expect(try await second.terminate() == 0)
                let ids = try await host.sqlite("SELECT id FROM events")
                try await eventually("everything is told") { follower.ids.count >= ids.split(separator: "\n").count }
                #expect(follower.ids.joined(separator: "\n") == ids)
                // Each line is a document.
                #expect(
                    follower.output.split(separator: "\n").allSatisfy {
                        $0.hasPrefix("{\"at\":") && $0.hasSuffix("\"}")
                    })
                follower.signal(SIGINT)
                #expect(try await follower.exitStatus() == 0)
                #expect(follower.errors == "")
                let inYAML = try host.follow("-n", "2", "-o", "yaml")
                try await eventually("what there is is told") {
                    inYAML.output.split(separator: "\n").count { $0 == "---" } == 2
                }
                inYAML.signal(SIGINT)
                #expect(try await inYAML.exitStatus() == 0)
            }
        }

        @Test func followingHasFiltersToo() async throws {
            try await TestHost.run { host in
                try host.writeStub("one")
                try host.writeStub("two")
                let daemon = try await host.serve()
                let follower = try host.follow("test/two", "--kind", "routed", "-n", "0")
                // It says what may be a mistake, and goes on.
                try await eventually("it follows") {
                    follower.errors.contains("no event of the kind routed is recorded")
                }
                for model in ["test/one", "test/two"] {
                    #expect(try await host.modelet("load", model, "--wait").status == 0)
                }
                try await eventually("it is told") { follower.output.contains("predictions go to it") }
                #expect(follower.output.split(separator: "\n").count == 1)
                #expect(follower.output.contains("  test/two/default  routed  "))
                follower.signal(SIGINT)
                #expect(try await follower.exitStatus() == 0)
                withExtendedLifetime(daemon) {}
            }
        }

        /// Without another event, which would find it out by itself.
        @Test func followingEndsWithItsReader() async throws {
            try await TestHost.run { host in
                try host.writeStub()
                #expect(try await host.modelet("apply", host.manifests).status == 0)
                let piped = try await host.run([
                    "bash", "-c", "set -o pipefail; \(TestHost.modelet) events --state \(host.state) -f | head -n 1",
                ])
                #expect(piped.status == 0, "\(piped.errors)")
                #expect(piped.output.split(separator: "\n").count == 1)
                #expect(piped.errors == "")
            }
        }
    }
}

extension TestHost {
    fileprivate func follow(_ arguments: String...) throws -> ChildProcess {
        try ChildProcess(
            [Self.modelet, "events", "--follow"] + arguments, environment: ["MODELET_STATE": state],
            output: newOutput("events"))
    }
}

extension ChildProcess {
    /// Of the events that were told as JSON, each on a line.
    fileprivate var ids: [String] {
        output.split(separator: "\n").compactMap { line in
            let rest = line.split(separator: ",").first { $0.hasPrefix("\"id\":") }
            return rest.map { String($0.dropFirst(5)) }
        }
    }
}
