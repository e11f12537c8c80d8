import Gateway
import ModelCore
import Reconciler
import Testing

/// The endpoints of KServe's V2 protocol: they answer what is, and change nothing.
@Suite struct HealthTests {
    private func get(_ path: String, _ method: String = "GET") -> String {
        "\(method) \(path) HTTP/1.1\r\nHost: a\r\n\r\n"
    }

    private func withModel(
        _ target: Route.Target, base: String? = nil, _ body: (Gateway, RecordedDemand) async throws -> Void
    ) async throws {
        try await withGateway { gateway, demand in
            await gateway.publish([route(target, base: base)])
            try await body(gateway, demand)
        }
    }

    /// However the key is written.
    private static let paths = [
        "/v2/models/churn/scorer/default", "/v2/models/churn%2Fscorer%2Fdefault",
        "/v2/models/churn%2fscorer/d%65fault",
    ]

    @Test func aModelIsReadyWhereAnInstanceServes() async throws {
        try await withModel(.instance(InstanceID("a"), address: "127.0.0.1", port: 1)) { gateway, _ in
            for path in Self.paths {
                let ready = try await gateway.ask(get(path + "/ready"))
                #expect(ready.status == 200 && ready.body == "{\"ready\":true}\n", "\(path)")
                let about = try await gateway.ask(get(path))
                #expect(about.status == 200)
                #expect(
                    about.body == "{\"name\":\"churn/scorer/default\",\"platform\":\"modelet\",\"state\":\"ready\"}\n")
            }
        }
    }

    @Test func aRemoteModelIsReadyWhereItCanBeAsked() async throws {
        try await withModel(.remote, base: "http://models.test") { (gateway, _) async throws in
            #expect(try await gateway.ask(get(Self.paths[0] + "/ready")).status == 200)
            #expect(try await gateway.ask(get(Self.paths[0])).body.contains("\"state\":\"remote\""))
        }
        try await withModel(.remote, base: "models.test") { gateway, _ in
            let answer = try await gateway.ask(get(Self.paths[0] + "/ready"))
            #expect(answer.status == 502 && answer.body.contains("is not a URL"))
        }
    }

    /// A fallback that would answer makes a model usable, not ready.
    @Test func whatDoesNotRunIsNotReadyAndNotWoken() async throws {
        try await withModel(.cold(state: .standby), base: "http://models.test") { gateway, demand in
            for path in Self.paths {
                let answer = try await gateway.ask(get(path + "/ready"))
                #expect(answer.status == 503)
                #expect(answer.body.contains("\"error\":") && answer.body.contains("\"state\":\"standby\""))
                #expect(try await gateway.ask(get(path)).body.contains("\"state\":\"standby\""))
            }
            #expect(demand.all.isEmpty)
        }
        let failed = Unavailability(code: "model_failed", state: .failed, message: "exit code 3")
        try await withModel(.unavailable(failed)) { gateway, _ in
            let answer = try await gateway.ask(get(Self.paths[0] + "/ready"))
            #expect(answer.status == 503 && answer.body.contains("exit code 3"))
            #expect(try await gateway.ask(get(Self.paths[0])).body.contains("\"state\":\"failed\""))
        }
    }

    @Test func whatIsNotThereIsSaid() async throws {
        try await withModel(.cold(state: .standby)) { gateway, _ in
            for path in ["/v2/models/churn/scorer/none/ready", "/v2/models/churn/scorer/none", "/v2/models/a%2Fb%2Fc"] {
                let answer = try await gateway.ask(get(path))
                #expect(answer.status == 404 && answer.body.hasPrefix("{\"error\":\""), "\(path)")
            }
            let wrong = try await gateway.ask(post(path: Self.paths[0] + "/ready"))
            #expect(wrong.status == 405 && wrong.value("Allow") == "GET, HEAD")
        }
    }
}
