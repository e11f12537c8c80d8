import Gateway
import ModelCore
import NIOCore
import NIOSSL
import Reconciler
import Testing

/// Who may reach the gateway, and how.
@Suite struct ListenerTests {
    private func get(_ path: String, _ headers: String = "") -> String {
        "GET \(path) HTTP/1.1\r\nHost: a\r\n\(headers)\r\n"
    }

    private func tokens(_ list: String...) throws -> BearerTokens { try #require(BearerTokens(list)) }

    // MARK: Tokens

    @Test func onlyATokenOpensTheGateway() async throws {
        let upstream = try await StubUpstream.start { .ok($0.head) }
        try await withGateway { gateway, _ in
            await gateway.publish([route(.instance(upstream))])
            await gateway.setTokens(try tokens("one", "two-2"))
            let closed = [
                "", "Authorization: one\r\n", "Authorization: Basic one\r\n", "Authorization: Bearer\r\n",
                "Authorization: Bearer on\r\n", "Authorization: Bearer onee\r\n", "Authorization: Bearer One\r\n",
                "Authorization: Bearerone\r\n", "Authorization: Bearer one two-2\r\n", "Authorization: Bearer one,\r\n",
                "Authorization: Bearer oneone\r\n", "Proxy-Authorization: Bearer one\r\n", "X: Bearer one\r\n",
            ]
            for header in closed {
                let answer = try await gateway.ask(post(headers: header))
                #expect(answer.status == 401, "\(header)")
                #expect(answer.values("WWW-Authenticate") == ["Bearer"])
                #expect(answer.body.contains("\"code\":\"unauthorized\""))
            }
            // What is there is nobody's business either.
            for path in [
                "/orchestrator/churn/none", "/upstream/churn/scorer/default/", "/", "/v2/models/churn/scorer/default",
            ] {
                #expect(try await gateway.ask(get(path)).status == 401, "\(path)")
            }
            #expect(upstream.requests.isEmpty)
            for header in ["Authorization: Bearer one\r\n", "authorization: bearer  two-2\r\n"] {
                let answer = try await gateway.ask(post(headers: header + "X-Own: kept\r\n"))
                #expect(answer.status == 200)
                #expect(!answer.body.lowercased().contains("authorization"), "\(answer.body)")
                #expect(answer.body.contains("X-Own: kept\r\n"))
            }
            await gateway.setTokens(try tokens("three"))
            #expect(try await gateway.ask(post(headers: "Authorization: Bearer one\r\n")).status == 401)
            #expect(try await gateway.ask(post(headers: "Authorization: Bearer three\r\n")).status == 200)
        }
        await upstream.stop()
    }

    /// What opens nothing here is meant for the model.
    @Test func anotherAuthorizationIsForwarded() async throws {
        let upstream = try await StubUpstream.start()
        try await withGateway { gateway, _ in
            await gateway.publish([route(.instance(upstream))])
            _ = try await gateway.ask(post(headers: "Authorization: Bearer of-the-model\r\n"))
            #expect(upstream.requests[0].values("Authorization") == ["Bearer of-the-model"])
            await gateway.setTokens(try tokens("one"))
            _ = try await gateway.ask(
                post(headers: "Authorization: Bearer one\r\nAuthorization: Basic of-the-model\r\n"))
            #expect(upstream.requests[1].values("Authorization") == ["Basic of-the-model"])
            await gateway.publish([route(.instance(upstream)) { $0.headers = ["Authorization": "Bearer set"] }])
            _ = try await gateway.ask(post(headers: "Authorization: Bearer one\r\n"))
            #expect(upstream.requests[2].values("Authorization") == ["Bearer set"])
        }
        await upstream.stop()
    }

    @Test func healthStaysOpenAndTellsLittle() async throws {
        try await withGateway { gateway, _ in
            gateway.setReadiness(.ready)
            let failed = Unavailability(code: "model_failed", state: .failed, message: "exit code 3: secret path")
            await gateway.publish([route(.unavailable(failed))])
            await gateway.setTokens(try tokens("one"))
            for path in ["/v2/health/live", "/v2/health/ready", "/livez", "/readyz", "/healthz"] {
                #expect(try await gateway.ask(get(path)).status == 200, "\(path)")
            }
            let path = "/v2/models/churn/scorer/default/ready"
            let closed = try await gateway.ask(get(path))
            #expect(closed.status == 503 && !closed.body.contains("secret path"))
            let open = try await gateway.ask(get(path, "Authorization: Bearer one\r\n"))
            #expect(open.status == 503 && open.body.contains("secret path"))
        }
    }

    @Test func tokensHaveToBeUsable() {
        #expect(BearerTokens([]) == nil)
        for bad in ["", "two words", "tab\t", "caf\u{e9}", "line\n"] { #expect(BearerTokens([bad]) == nil, "\(bad)") }
    }

    // MARK: TLS

    private func withTLSGateway(_ body: (Gateway, TestCertificate) async throws -> Void) async throws {
        let certificate = TestCertificate.good
        try await certificate.withFiles { file, key in
            let own = try ListenerCertificate(certificate: file, key: key)
            try await withGateway(certificate: own) { gateway, _ in try await body(gateway, certificate) }
        }
    }

    @Test func theListenerSpeaksTLS() async throws {
        let upstream = try await StubUpstream.start { .ok($0.body) }
        try await withTLSGateway { gateway, certificate in
            await gateway.publish([route(.instance(upstream))])
            let client = try await RawClient.connect(gateway.address.port, tls: try certificate.client())
            for body in ["one", String(repeating: "x", count: 300_000), ""] {
                try await client.send(post(body, headers: "X-Forwarded-Proto: http\r\n"))
                #expect(try await client.response().body == body)
            }
            #expect(upstream.requests.allSatisfy { $0.values("X-Forwarded-Proto") == ["https"] })
            try await client.send(post(headers: "Connection: close\r\n"))
            #expect(try await client.rest().hasSuffix("\r\n\r\n{\"x\":1}"))
            // What is no TLS is not answered as if it were.
            let plain = try await RawClient.connect(gateway.address.port)
            try await plain.send(post())
            let refused = try await plain.rest()
            #expect(!refused.contains("HTTP/1.1 200"))
        }
        await upstream.stop()
    }

    @Test func aBrokenAnswerIsBrokenUnderTLSToo() async throws {
        let upstream = try await StubUpstream.start { _ in
            .bytesAndClose("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf")
        }
        try await withTLSGateway { gateway, certificate in
            await gateway.publish([route(.instance(upstream))])
            let client = try await RawClient.connect(gateway.address.port, tls: try certificate.client())
            try await client.send("POST /orchestrator/churn/scorer HTTP/1.0\r\nContent-Length: 0\r\n\r\n")
            let rest = try await client.rest()
            #expect(!rest.contains("0\r\n\r\n"))
            #expect(client.hasFailed)
        }
        await upstream.stop()
    }

    @Test func anUpgradeIsRelayedUnderTLS() async throws {
        let upstream = try await RawServer.start()
        try await withTLSGateway { gateway, certificate in
            await gateway.publish([
                route(.instance(InstanceID("raw"), address: "127.0.0.1", port: upstream.port))
            ])
            let client = try await RawClient.connect(gateway.address.port, tls: try certificate.client())
            try await client.send(
                get("/upstream/churn/scorer/default/", "Connection: upgrade\r\nUpgrade: websocket\r\n"))
            let peer = try await upstream.peer()
            _ = try await peer.head()
            try await peer.send("HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
            #expect(try await client.response().status == 101)
            try await client.send("ping")
            try await peer.receive(upTo: "ping")
            try await peer.send("pong")
            try await client.receive(upTo: "pong")
            await peer.close()
            #expect(try await client.rest().isEmpty)
            await client.close()
            #expect(await gateway.finished(timeout: .seconds(60)))
        }
        await upstream.stop()
    }

    @Test func badCertificatesAreSaid() async throws {
        func fault(_ certificate: String, _ key: String) -> String {
            do {
                _ = try ListenerCertificate(certificate: certificate, key: key)
                return ""
            } catch { return error.description }
        }
        try await TestCertificate.good.withFiles { file, key in
            #expect(fault(file, key).isEmpty)
            #expect(fault("/none.pem", key) == "cannot read /none.pem: No such file or directory")
            #expect(
                fault(key, key).contains("holds no certificate") || fault(key, key).contains("is not a certificate"))
            #expect(fault(file, file) == "\(file) is not a private key in PEM form")
            try await TestCertificate.expired.withFiles { old, other in
                #expect(fault(file, other) == "\(other) is not the key of the certificate in \(file)")
                let (expired, good) = (
                    try ListenerCertificate(certificate: old, key: other),
                    try ListenerCertificate(certificate: file, key: key)
                )
                #expect(expired.hasExpired && !good.hasExpired)
            }
        }
    }

    // MARK: The number of connections

    @Test func furtherClientsWaitUntilOneLeaves() async throws {
        let upstream = try await StubUpstream.start { _ in .silence }
        try await withGateway(loops: 1, maxConnections: 2) { gateway, _ in
            await gateway.publish([route(.instance(upstream))])
            var busy: [RawClient] = []
            for count in 1...2 {
                let client = try await RawClient.connect(gateway.address.port)
                try await client.send(post())
                _ = try await upstream.requests(count)
                busy.append(client)
            }
            // The kernel takes the connection; nobody reads from it.
            let waiting = try await RawClient.connect(gateway.address.port)
            try await waiting.send(get("/livez"))
            try await upstream.sendMore("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            // The loop that has answered them would have accepted the third by now.
            for client in busy { #expect(try await client.response().status == 200) }
            #expect(await gateway.openConnections() == 2)
            await busy[0].close()
            #expect(try await waiting.response().status == 200)
            await busy[1].close()
            await waiting.close()
        }
        await upstream.stop()
    }

    @Test func whoIdlesMakesRoom() async throws {
        let upstream = try await StubUpstream.start()
        try await withGateway(maxConnections: 8) { gateway, _ in
            await gateway.publish([route(.instance(upstream))])
            var idle: [RawClient] = []
            for index in 0..<8 {
                let client = try await RawClient.connect(gateway.address.port)
                // One has never asked anything.
                if index > 0 {
                    try await client.send(post())
                    #expect(try await client.response().status == 200)
                }
                idle.append(client)
            }
            for _ in 0..<12 {
                let client = try await RawClient.connect(gateway.address.port)
                try await client.send(post())
                #expect(try await client.response().status == 200)
                idle.append(client)
            }
            for client in idle { await client.close() }
        }
        await upstream.stop()
    }
}
