import Gateway
import ModelCore
import Reconciler
import Testing

/// Nothing of one request clings to the next.
@Suite struct LeftoverTests {
    @Test func aRefusalAfterAHEADHasItsBody() async throws {
        try await withGateway { gateway, _ in
            let client = try await RawClient.connect(gateway.address.port)
            try await client.send("HEAD /livez HTTP/1.1\r\nHost: a\r\n\r\n")
            try await client.receive(upTo: "\r\n\r\n")
            try await client.send("nonsense\r\n\r\n")
            let refused = try await client.rest()
            #expect(refused.contains("\"code\":\"bad_request\""))
            await client.close()
        }
    }

    @Test(arguments: ["t-1", "t-2"])
    func noTokenThatOpensTheGatewayIsPassedOn(second: String) async throws {
        let upstream = try await StubUpstream.start()
        try await withGateway { gateway, _ in
            await gateway.setTokens(BearerTokens(["t-1", "t-2"]))
            await gateway.publish([route(.instance(upstream))])
            let headers =
                "Authorization: Bearer t-1\r\nAuthorization: Bearer \(second)\r\nAuthorization: Basic eA==\r\n"
            let answer = try await gateway.ask(post(headers: headers))
            #expect(answer.status == 200)
            #expect(upstream.requests.first?.values("Authorization") == ["Basic eA=="])
        }
        await upstream.stop()
    }
}
