import Gateway
import ModelCore
import Reconciler
import Testing

/// An answer that comes before its request is whole must not cost the client its connection: it has been told nothing
/// of that, and would lose its next request.
@Suite struct EarlyAnswerTests {
    private static let head = "POST /orchestrator/churn/scorer HTTP/1.1\r\nHost: a\r\n"
    private static let next = "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"

    /// Answers when the first bytes of a request are there, and hands over the client's connection.
    private func answerEarly(_ request: String, _ body: (RawClient) async throws -> Void) async throws {
        let upstream = try await StubSink.start()
        try await withGateway { gateway, _ in
            await gateway.publish([
                route(.instance(InstanceID("sink"), address: "127.0.0.1", port: upstream.port))
            ])
            let client = try await RawClient.connect(gateway.address.port)
            try await client.send(request)
            try await within("the request") { try await upstream.wait(for: 1) }
            try await upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly")
            #expect(try await client.response().body == "early")
            try await body(client)
            await client.close()
        }
        await upstream.stop()
    }

    @Test(arguments: [
        ("Content-Length: 10\r\n\r\nbegin", "-rest"),
        ("Transfer-Encoding: chunked\r\n\r\n5\r\nbegin\r\n", "5\r\n-rest\r\n0\r\n\r\n"),
    ])
    func theRestIsThrownAwayAndTheNextRequestAnswered(_ begin: String, _ rest: String) async throws {
        try await answerEarly(Self.head + begin) { client in
            try await client.send(rest + Self.next)
            #expect(try await client.response().status == 200)
        }
    }

    @Test func nobodyWaitsForTheRestOfALargeBody() async throws {
        try await answerEarly(Self.head + "Content-Length: 1048582\r\n\r\nbegin") { client in
            let rest = try await client.rest()
            #expect(rest.isEmpty)
        }
    }

    @Test func chunksWithoutEndAreNotReadForEver() async throws {
        try await answerEarly(Self.head + "Transfer-Encoding: chunked\r\n\r\n") { client in
            let chunk = "10000\r\n" + String(repeating: "x", count: 65536) + "\r\n"
            // The end may come while it is still sending.
            for _ in 0..<17 { try? await client.send(chunk) }
            let rest = try await client.rest()
            #expect(rest.isEmpty)
        }
    }

    @Test func anAnswerOfTheGatewaysOwnCostsNoConnectionEither() async throws {
        try await withGateway { gateway, _ in
            let client = try await RawClient.connect(gateway.address.port)
            try await client.send(Self.head + "Content-Length: 4\r\n\r\n")
            let refused = try await client.response()
            #expect(refused.status == 404 && refused.value("Connection") == nil)
            try await client.send("body" + Self.next)
            #expect(try await client.response().status == 200)
            await client.close()
        }
    }

    /// It may leave its body out now, so that nobody can tell where its next request begins.
    @Test func aClientThatWasNotToldToGoOnIsToldOfTheEnd() async throws {
        try await withGateway { gateway, _ in
            let client = try await RawClient.connect(gateway.address.port)
            try await client.send(Self.head + "Expect: 100-continue\r\nContent-Length: 4\r\n\r\n")
            let refused = try await client.response()
            #expect(refused.status == 404 && refused.value("Connection") == "close")
            #expect(try await client.rest().isEmpty)
            await client.close()
        }
    }
}
