import Gateway
import ModelCore
import Reconciler
import Testing

/// Requests that are answered here, and never reach an upstream.
@Suite struct RefusalTests {
    private static let prediction = "POST /orchestrator/churn/scorer HTTP/1.1\r\nHost: a\r\n"
    private static let smuggled = "GET /admin HTTP/1.1\r\nHost: a\r\n\r\n"

    /// Heads that another server might frame differently, each with a second request hidden in its body.
    static let attempts: [(String, Int)] = [
        (prediction + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled, 400),
        (prediction + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + smuggled, 400),
        (prediction + "Content-Length: 0\r\nContent-Length: 35\r\n\r\n" + smuggled, 400),
        (prediction + "Content-Length: 0,35\r\n\r\n" + smuggled, 400),
        (prediction + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + smuggled, 400),
        (prediction + "Transfer-Encoding: x\r\n\r\n0\r\n\r\n" + smuggled, 501),
        (prediction + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + smuggled, 400),
        (prediction + "Transfer-Encoding:\u{b}chunked\r\n\r\n0\r\n\r\n" + smuggled, 400),
        (prediction + "X: y\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled, 400),
        (prediction + "X: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled, 400),
        (prediction + "X: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled, 400),
        (prediction + "X: \u{0}\r\n\r\n", 400),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        ("POST /orchestrator/churn/scorer HTTP/3.0\r\nHost: a\r\n\r\n", 505),
        ("POST \(String(repeating: "/a", count: 5000)) HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (prediction + "X: \(String(repeating: "y", count: 66000))\r\n\r\n", 431),
        ("BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501),
        ("POST /orchestrator/churn/scorer HTTP/1.1\r\n\r\n", 400),
    ]

    @Test(arguments: attempts) func refusesAndCloses(_ request: String, _ status: Int) async throws {
        let upstream = try await StubUpstream.start()
        try await withGateway { gateway, _ in
            await gateway.publish([route(.instance(upstream))])
            let client = try await RawClient.connect(gateway.address.port)
            try await client.send(request)
            let answer = try await client.response()
            #expect(answer.status == status)
            #expect(answer.value("Connection") == "close")
            #expect(answer.value("Content-Type") == "application/json")
            #expect(answer.body.contains("\"error\":") && answer.body.contains("\"request_id\":"))
            #expect(try await client.rest().isEmpty)
            #expect(upstream.connections == 0)
        }
        await upstream.stop()
    }

    /// The head is forwarded before the fault is seen; the request must never be completed upstream.
    @Test(arguments: ChunkedScannerTests.bad) func breaksOffAMalformedBody(_ body: String) async throws {
        let upstream = try await StubUpstream.start()
        try await withGateway { gateway, _ in
            await gateway.publish([route(.instance(upstream))])
            let client = try await RawClient.connect(gateway.address.port)
            try await client.send(Self.prediction + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n" + body)
            let answer = try await client.response()
            #expect(answer.status == 400)
            #expect(try await client.rest().isEmpty)
            try await upstream.allClosed()
            #expect(upstream.requests.isEmpty)
        }
        await upstream.stop()
    }

    @Test func whatFollowsARequestIsARequestOfItsOwn() async throws {
        let upstream = try await StubUpstream.start()
        try await withGateway { gateway, _ in
            await gateway.publish([route(.instance(upstream))])
            let client = try await RawClient.connect(gateway.address.port)
            try await client.send(Self.prediction + "Content-Length: 0\r\n\r\n" + Self.smuggled)
            #expect(try await client.response().status == 200)
            #expect(try await client.response().status == 404)
            #expect(upstream.requests.count == 1)
            await client.close()
        }
        await upstream.stop()
    }

    @Test func saysWhatIsNotThere() async throws {
        try await withGateway { gateway, _ in
            await gateway.publish([
                route(.cold(state: .standby)),
                route(.cold(state: .standby), key: ModelKey(domain: "churn", source: "many", model: "a")),
                route(.cold(state: .standby), key: ModelKey(domain: "churn", source: "many", model: "b")),
            ])
            let expected = [
                "/orchestrator/nope/scorer": "there is no domain `nope`; there is `churn`",
                "/orchestrator/churn/nope": "domain `churn` has no source `nope`; there is `many`, `scorer`",
                "/orchestrator/churn/scorer/nope": "source `churn/scorer` has no model `nope`; there is `default`",
                "/orchestrator/churn/many":
                    "source `churn/many` has several models and none is `default`; there is `a`, `b`",
            ]
            for (path, sentence) in expected {
                let answer = try await gateway.ask(post(path: path))
                #expect(answer.status == 404)
                #expect(
                    answer.body.contains("\"error\":\"\(sentence)\",\"code\":\"model_not_found\""), "\(answer.body)")
            }
            let get = try await gateway.ask("GET /orchestrator/churn/scorer HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(get.status == 405 && get.value("Allow") == "POST")
        }
    }

    @Test func whatIsNotKnownYetIsToBeAskedForAgain() async throws {
        try await withGateway(isComplete: false) { gateway, _ in
            await gateway.publish([route(.cold(state: .standby))])
            let get = "GET /v2/models/churn/other/default/ready HTTP/1.1\r\nHost: a\r\n\r\n"
            for request in [post(path: "/orchestrator/churn/other"), post(path: "/upstream/churn/other/m/x"), get] {
                let early = try await gateway.ask(request)
                #expect(early.status == 503 && early.value("Retry-After") == "1")
                #expect(early.body.contains("\"code\":\"not_ready\""), "\(early.body)")
            }
            // What cannot name a model never comes.
            #expect(try await gateway.ask(post(path: "/orchestrator/churn")).status == 404)
            await gateway.completeRoutes()
            #expect(try await gateway.ask(post(path: "/orchestrator/churn/other")).status == 404)
            // Readiness may come and go; models are known for good.
            gateway.setReadiness(.notReady(reason: "churn/scorer/default has failed"))
            #expect(try await gateway.ask(post(path: "/orchestrator/churn/other")).status == 404)
        }
    }

    @Test func answersHealth() async throws {
        let upstream = try await StubUpstream.start()
        try await withGateway { gateway, _ in
            func get(_ path: String) async throws -> RawResponse {
                try await gateway.ask("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
            }
            #expect(try await get("/v2/health/live").status == 200)
            let starting = try await get("/readyz")
            #expect(starting.status == 503 && starting.body.contains("modelet is starting"))
            gateway.setReadiness(.ready)
            #expect(try await get("/v2/health/ready").status == 200)
            gateway.setReadiness(.notReady(reason: "churn/scorer/default has failed"))
            #expect(try await get("/readyz").body.contains("churn/scorer/default has failed"))

            await gateway.publish([route(.cold(state: .starting))])
            let cold = try await get("/v2/models/churn/scorer/default/ready")
            #expect(cold.status == 503 && cold.body.contains("\"state\":\"starting\""))
            await gateway.publish([route(.instance(upstream))])
            #expect(try await get("/v2/models/churn/scorer/default/ready").status == 200)

            let client = try await RawClient.connect(gateway.address.port)
            try await client.send("HEAD /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            #expect(try await client.rest().hasSuffix("\r\n\r\n"))
        }
        await upstream.stop()
    }
}
