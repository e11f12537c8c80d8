import Gateway
import ModelCore
import NIOCore
import Reconciler
import Testing

/// `/upstream/DOMAIN/SOURCE/MODEL/…`: everything that a model's own API answers.
@Suite struct OwnAPITests {
    private static let prefix = "/upstream/churn/scorer/default"

    private func request(_ line: String, headers: String = "", body: String = "") -> String {
        "\(line) HTTP/1.1\r\nHost: models.test\r\n\(headers)\r\n\(body)"
    }

    /// Runs `body` with a model whose instance answers as told, and a connection to the gateway.
    private func withModel(
        base: String? = nil,
        _ answer: @escaping @Sendable (StubUpstream.Request) -> StubUpstream.Answer = { _ in .ok() },
        change: (inout Route) -> Void = { _ in }, _ body: (RawClient, StubUpstream, Gateway) async throws -> Void
    ) async throws {
        let upstream = try await StubUpstream.start(answer)
        try await withGateway(loops: 1) { gateway, _ in
            await gateway.publish([route(.instance(upstream), base: base, endpoint: "/predict?fixed=1", change)])
            let client = try await RawClient.connect(gateway.address.port)
            try await body(client, upstream, gateway)
            await client.close()
        }
        await upstream.stop()
    }

    @Test(arguments: [
        ("", "/"), ("/", "/"), ("/v1/models", "/v1/models"), ("/v1/chat?stream=1&x=%2F?", "/v1/chat?stream=1&x=%2F?"),
        ("/a%2Fb%20c/%E2%82%AC", "/a%2Fb%20c/%E2%82%AC"), ("/%zz%", "/%zz%"), ("//x//", "//x//"), ("?q", "/?q"),
        ("/.well-known/./x...y/..z", "/.well-known/./x...y/..z"), ("/a;b=c,d/(e)'f'|g\\h", "/a;b=c,d/(e)'f'|g\\h"),
    ])
    func pathAndQueryPassAsTheyCame(_ sent: String, _ received: String) async throws {
        try await withModel { client, upstream, _ in
            try await client.send(request("GET \(Self.prefix)\(sent)"))
            #expect(try await client.response().status == 200)
            #expect(upstream.requests[0].line == "GET \(received) HTTP/1.1")
            // A body that nobody has sent is not announced.
            #expect(upstream.requests[0].values("Content-Length").isEmpty)
        }
    }

    @Test(arguments: ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "REPORT"])
    func anyMethodPasses(_ method: String) async throws {
        try await withModel({ .ok("\($0.line) \($0.body)") }) { client, upstream, _ in
            let body = method == "TRACE" ? "" : "data"
            let headers = body.isEmpty ? "" : "Content-Length: 4\r\n"
            try await client.send(request("\(method) \(Self.prefix)/v1", headers: headers, body: body))
            let answer = try await client.response()
            #expect(answer.body == "\(method) /v1 HTTP/1.1 \(body)")
            #expect(answer.value("X-Modelet-Model") == "churn/scorer/default")
            #expect(answer.value("X-Modelet-Served-By") == "instance")
        }
    }

    @Test func headersOfTheManifestApply() async throws {
        try await withModel(change: { $0.headers = ["X-Api-Key": "k", "Accept": "text/plain"] }) {
            client, upstream, _ in
            try await client.send(request("GET \(Self.prefix)/v1", headers: "x-api-KEY: stolen\r\nX-Own: 1\r\n"))
            #expect(try await client.response().status == 200)
            #expect(upstream.requests[0].values("X-Api-Key") == ["k"])
            #expect(upstream.requests[0].values("X-Own") == ["1"])
            #expect(upstream.requests[0].values("X-Forwarded-Host") == ["models.test"])
            // It would show them.
            try await client.send(request("TRACE \(Self.prefix)/v1"))
            let refused = try await client.response()
            #expect(refused.status == 405 && refused.value("Allow")?.contains("GET") == true)
        }
    }

    @Test func theFallbackIsAskedBehindItsPrefix() async throws {
        let fallback = try await StubUpstream.start { .ok($0.line) }
        let dead = try await StubUpstream.start()
        await dead.stop()
        try await withGateway { gateway, _ in
            await gateway.publish([route(.instance(dead), base: "http://127.0.0.1:\(fallback.port)/api/v1/")])
            let answer = try await gateway.ask(request("DELETE \(Self.prefix)/models/x?force"))
            #expect(answer.body == "DELETE /api/v1/models/x?force HTTP/1.1")
            #expect(answer.value("X-Modelet-Served-By") == "fallback")
        }
        await fallback.stop()
    }

    @Test func aColdModelIsStartedAndTheRequestHeld() async throws {
        let upstream = try await StubUpstream.start { .ok($0.line) }
        try await withGateway { gateway, demand in
            await gateway.publish([route(.cold(state: .standby))])
            async let asked = gateway.ask(request("GET \(Self.prefix)/docs"))
            #expect(try await demand.first() == scorer)
            await gateway.publish([route(.instance(upstream))])
            let answer = try await asked
            #expect(answer.body == "GET /docs HTTP/1.1")
            #expect(answer.value("X-Modelet-Cold-Start-Ms") != nil)
        }
        await upstream.stop()
    }

    /// The key is what was written, and what follows it cannot lead out of the model's own API.
    @Test(arguments: [
        ("/upstream/churn/scorer", 404), ("/upstream/churn/scorer/", 404), ("/upstream/churn/scorer/other/x", 404),
        ("/upstream/churn%2fscorer/default/x", 404), ("/upstream/churn/scorer/d%65fault/x", 404),
        ("/upstream//churn/scorer/default", 404), ("/%75pstream/churn/scorer/default/x", 404),
        ("/upstream/../churn/scorer/default", 404),
        ("/upstream/churn/scorer/default/..", 400), ("/upstream/churn/scorer/default/../admin", 400),
        ("/upstream/churn/scorer/default/a/%2E%2e/b", 400), ("/upstream/churn/scorer/default/.%2e", 400),
        ("/upstream/churn/scorer/default/x/..%2fadmin", 400), ("/upstream/churn/scorer/default/..%5cadmin", 400),
        ("/upstream/churn/scorer/default/..;x/admin", 400), ("/upstream/churn/scorer/default\\..\\x", 404),
        ("/upstream/churn/scorer/default/a\\..\\b", 400),
    ])
    func whatLeadsElsewhereIsRefused(_ path: String, _ status: Int) async throws {
        try await withModel { client, upstream, _ in
            try await client.send(request("GET \(path)"))
            #expect(try await client.response().status == status)
            #expect(upstream.requests.isEmpty)
        }
    }

    /// A reused connection that the server had closed: what may have been done already is not done again, unless doing
    /// it twice is the same.
    @Test(arguments: [
        ("GET", true), ("HEAD", true), ("PUT", true), ("DELETE", true), ("OPTIONS", true), ("TRACE", true),
        ("POST", false), ("PATCH", false), ("PROPFIND", false),
    ])
    func onlyIdempotentMethodsAreSentAgain(_ method: String, _ isRepeated: Bool) async throws {
        let fallback = try await StubUpstream.start()
        let answer: @Sendable (StubUpstream.Request) -> StubUpstream.Answer = {
            $0.index == 1 ? .bytesAndClose("") : .bytes("HTTP/1.1 204 X\r\n\r\n")
        }
        try await withModel(base: "http://127.0.0.1:\(fallback.port)", answer) { client, upstream, _ in
            try await client.send(request("GET \(Self.prefix)/first"))
            #expect(try await client.response().status == 204)
            try await client.send(request("\(method) \(Self.prefix)/second"))
            #expect(try await client.response().status == (isRepeated ? 204 : 502))
            #expect(upstream.requests.count == (isRepeated ? 3 : 2))
            #expect(fallback.requests.isEmpty)
        }
        await fallback.stop()
    }

    /// Answers without a body, whatever their headers say; the connections on both sides go on.
    @Test func answersWithoutABodyAreFramedRight() async throws {
        let answers = [
            "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nETag: x\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n\r\n",
            "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
            "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 304 Not Modified\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlast",
        ]
        try await withModel({ .bytes(answers[$0.index]) }) { client, upstream, _ in
            try await client.send(request("HEAD \(Self.prefix)/"))
            try await client.receive(upTo: "Content-Length: 1000\r\n")
            try await client.receive(upTo: "\r\n\r\n")
            try await client.send(request("HEAD \(Self.prefix)/"))
            try await client.receive(upTo: "HTTP/1.1 200 OK\r\n")
            try await client.receive(upTo: "\r\n\r\n")
            try await client.send(request("GET \(Self.prefix)/"))
            #expect(try await client.response().status == 304)
            try await client.send(request("GET \(Self.prefix)/"))
            let empty = try await client.response()
            #expect(empty.status == 204 && empty.value("Content-Length") == nil)
            try await client.send(request("GET \(Self.prefix)/"))
            #expect(try await client.response().status == 103)
            #expect(try await client.response().status == 304)
            try await client.send(request("GET \(Self.prefix)/"))
            #expect(try await client.response().body == "last")
            #expect(upstream.connections == 1)
        }
    }

    @Test func connectIsRefused() async throws {
        for target in ["models.test:443", "/upstream/churn/scorer/default/", "/orchestrator/churn/scorer"] {
            try await withModel { client, upstream, _ in
                try await client.send("CONNECT \(target) HTTP/1.1\r\nHost: models.test\r\n\r\nGET / HTTP/1.1\r\n\r\n")
                let answer = try await client.response()
                #expect(answer.status == 405 && answer.value("Allow") != nil)
                #expect(upstream.connections == 0)
            }
        }
    }

    @Test func optionsOfTheServerAreAnswered() async throws {
        try await withModel { client, upstream, _ in
            try await client.send(request("OPTIONS *"))
            let answer = try await client.response()
            #expect(answer.status == 204 && answer.value("Allow")?.contains("OPTIONS") == true)
            try await client.send(request("GET *"))
            #expect(try await client.response().status == 400)
            #expect(upstream.connections == 0)
        }
    }

    @Test(arguments: ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
    func aPredictionIsAPost(_ method: String) async throws {
        try await withModel { client, upstream, _ in
            try await client.send("\(method) /orchestrator/churn/scorer HTTP/1.0\r\n\r\n")
            let answer = try await client.rest()
            #expect(answer.hasPrefix("HTTP/1.1 405 ") && answer.contains("\r\nAllow: POST\r\n"))
            #expect(answer.hasSuffix("\r\n\r\n") == (method == "HEAD"))
            #expect(upstream.connections == 0)
        }
    }
}
