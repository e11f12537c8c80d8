import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// Limits, liveness, and the promises of a cold start.
    @Suite struct Limits {
        @Test func theManifestsLimitHolds() async throws {
            try await TestHost.run { host in
                try host.writeStub(
                    flags: "--delay-ms 150", fields: ["load: eager", "max_concurrency: 2", "max_queue: 1"])
                let daemon = try await host.serve()
                try await eventually("it is ready") { try await daemon.predict().status == 200 }
                let answers = try await withThrowingTaskGroup(of: HTTPCall.Answer.self) { group in
                    for _ in 0..<30 { group.addTask { try await daemon.predict() } }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                let refused = answers.filter { $0.status == 429 }
                #expect(refused.count >= 1 && answers.count { $0.status == 200 } == 30 - refused.count)
                #expect(refused.allSatisfy { $0.body.contains("queue_full") && $0.headers["retry-after"] != nil })

                // An edit applies to what runs.
                let pid = try await host.sqlite("SELECT pid FROM instances WHERE phase = 'ready'")
                try host.writeStub(
                    flags: "--delay-ms 150", fields: ["load: eager", "max_concurrency: 2", "max_queue: 100"])
                #expect(try await host.modelet("apply", host.manifests).status == 0)
                let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                    for _ in 0..<30 { group.addTask { try await daemon.predict().status } }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                #expect(statuses == Array(repeating: 200, count: 30))
                #expect(try await host.sqlite("SELECT pid FROM instances WHERE phase = 'ready'") == pid)
            }
        }

        @Test(arguments: try await ModelKind.testable)
        func aServerThatIsNotAliveIsReplaced(_ kind: ModelKind) async throws {
            try await TestHost.run(kind) { host in
                let sick = host.sharedFile("sick")
                try host.writeStub("spare", fields: ["load: eager"], port: 18434)
                try host.writeStub(
                    flags: "--sick-file \(sick.there)",
                    fields: [
                        "load: eager", "load_timeout: 0.2",
                        "liveness: {path: /, interval: 0.1, timeout: 0.2, failures: 2}", "keep_alive: 0",
                    ], baseURL: "http://localhost:18434")
                let daemon = try await host.serve()
                let pid = {
                    try await host.sqlite("SELECT pid FROM instances WHERE source = 'stub' AND phase = 'ready'")
                }
                try await eventually("both are ready") {
                    try await host.sqlite("SELECT count(*) FROM instances WHERE phase = 'ready'") == "2"
                }
                let first = try await pid()
                #expect(try await daemon.predict().headers["x-modelet-served-by"] == "instance")

                let file = open(sick.here, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
                close(file)
                let process = try #require(Int32(first))
                try await eventually("it is ended") { !isRunning(process) }
                for _ in 0..<3 {
                    let answer = try await daemon.predict()
                    #expect(answer.status == 200 && answer.headers["x-modelet-served-by"] == "fallback")
                }
                let causes = try await host.sqlite("SELECT message FROM events WHERE kind = 'draining'")
                #expect(causes.contains("liveness probe fails: it was not answered within 200ms"))

                unlink(sick.here)
                try await eventually("another one serves") {
                    try await daemon.predict().headers["x-modelet-served-by"] == "instance"
                }
                let second = try await pid()
                #expect(second != first && isRunning(Int32(second) ?? 0))
            }
        }

        @Test(arguments: try await ModelKind.testable)
        func aLoadGoesOnWithoutItsCaller(_ kind: ModelKind) async throws {
            try await TestHost.run(kind) { host in
                try host.writeStub(flags: "--start-delay-ms 500", fields: ["load_timeout: 0.1"])
                let daemon = try await host.serve()
                let answer = try await daemon.predict()
                #expect(answer.status == 503 && answer.body.contains("model_loading"))
                #expect((Int(answer.headers["retry-after"] ?? "") ?? 0) >= 1)
                // Nobody asks any more.
                try await eventually("it is loaded") {
                    try await host.sqlite("SELECT phase FROM instances") == "ready"
                }
                #expect(try await daemon.predict().status == 200)
                #expect(try await host.sqlite("SELECT count(*) FROM instances") == "1")
                // What the next `Retry-After` is made of.
                let load = try await host.sqlite("SELECT last_load_seconds FROM models")
                #expect(Double(load) ?? 0 >= 0.5)
                #expect(try await host.modelet("status").output.contains("LOAD"))
                #expect(try await host.modelet("status", "-o", "json").output.contains("\"last_seconds\""))
            }
        }

        @Test(arguments: try await ModelKind.testable)
        func theFallbackAnswersWhileALoadTakesTooLong(_ kind: ModelKind) async throws {
            try await TestHost.run(kind) { host in
                try host.writeStub("spare", fields: ["load: eager"], port: 18435)
                try host.writeStub(
                    flags: "--start-delay-ms 500", fields: ["load_timeout: 0.1"], baseURL: "http://localhost:18435")
                let daemon = try await host.serve()
                try await eventually("the fallback is ready") {
                    try await host.sqlite("SELECT count(*) FROM instances WHERE phase = 'ready'") == "1"
                }
                #expect(try await daemon.predict().headers["x-modelet-served-by"] == "fallback")
                try await eventually("the instance serves") {
                    try await daemon.predict().headers["x-modelet-served-by"] == "instance"
                }
            }
        }
    }
}
