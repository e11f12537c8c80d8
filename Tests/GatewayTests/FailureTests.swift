import Gateway
import ModelCore
import NIOCore
import Reconciler
import Testing

/// What happens to a request whose instance fails.
@Suite struct FailureTests {
    /// A port on which nothing listens.
    private func unusedPort() async throws -> Int {
        let stub = try await StubUpstream.start()
        await stub.stop()
        return stub.port
    }

    private func dead(_ port: Int) -> Route.Target { .instance(InstanceID("dead"), address: "127.0.0.1", port: port) }

    @Test func refusedWithoutFallbackIs502() async throws {
        let port = try await unusedPort()
        try await withGateway { gateway, _ in
            await gateway.publish([route(dead(port))])
            let answer = try await gateway.ask(post())
            #expect(answer.status == 502)
            #expect(
                answer.body.contains(
                    "refused the connection\",\"code\":\"upstream_failed\",\"model\":\"churn/scorer/default\""))
            #expect(answer.value("X-Modelet-Model") == "churn/scorer/default")
        }
    }

    @Test func refusedGoesToTheFallback() async throws {
        let port = try await unusedPort()
        let fallback = try await StubUpstream.start { .ok($0.body) }
        try await withGateway { gateway, _ in
            await gateway.publish([route(dead(port), base: "http://127.0.0.1:\(fallback.port)")])
            let answer = try await gateway.ask(post("payload"))
            #expect(answer.status == 200 && answer.body == "payload")
            #expect(answer.value("X-Modelet-Served-By") == "fallback")
        }
        await fallback.stop()
    }

    @Test func deathBeforeTheAnswerGoesToTheFallback() async throws {
        let upstream = try await StubUpstream.start { _ in .bytesAndClose("") }
        let fallback = try await StubUpstream.start { .ok($0.body) }
        try await withGateway { gateway, _ in
            await gateway.publish([route(.instance(upstream), base: "http://127.0.0.1:\(fallback.port)")])
            let repeated = try await gateway.ask(post("payload"))
            #expect(repeated.body == "payload")
            // A model that must not be asked twice is not.
            await gateway.publish([
                route(.instance(upstream), base: "http://127.0.0.1:\(fallback.port)") { $0.retry = false }
            ])
            let answer = try await gateway.ask(post())
            #expect(answer.status == 502)
            #expect(fallback.requests.count == 1)
        }
        await upstream.stop()
        await fallback.stop()
    }

    @Test func anAnswerOfTheInstanceIsNeverReplaced() async throws {
        let upstream = try await StubUpstream.start { _ in .bytes("HTTP/1.1 500 X\r\nContent-Length: 3\r\n\r\nbad") }
        let fallback = try await StubUpstream.start()
        try await withGateway { gateway, _ in
            await gateway.publish([route(.instance(upstream), base: "http://127.0.0.1:\(fallback.port)")])
            let answer = try await gateway.ask(post())
            #expect(answer.body == "bad")
            #expect(fallback.requests.isEmpty)
        }
        await upstream.stop()
        await fallback.stop()
    }

    @Test(arguments: [
        "garbage\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        "HTTP/1.1 101 X\r\n\r\n",
    ])
    func aMalformedAnswerIs502(_ bytes: String) async throws {
        let upstream = try await StubUpstream.start { _ in .bytes(bytes) }
        try await withGateway { gateway, _ in
            await gateway.publish([route(.instance(upstream))])
            #expect(try await gateway.ask(post()).status == 502)
            try await upstream.allClosed()
        }
        await upstream.stop()
    }

    @Test(arguments: ["HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 100 Continue\r\n\r\n"])
    func aBrokenHeadIs502(_ bytes: String) async throws {
        let upstream = try await StubUpstream.start { _ in .bytesAndClose(bytes) }
        try await withGateway { gateway, _ in
            await gateway.publish([route(.instance(upstream))])
            let answer = try await gateway.ask(post())
            #expect(answer.status == 502 && answer.body.contains("broke off its answer"))
            #expect(upstream.requests.count == 1)
        }
        await upstream.stop()
    }

    /// The client must not take half an answer for a whole one.
    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nX",
    ])
    func aBrokenBodyIsSeenAsBroken(_ bytes: String) async throws {
        let upstream = try await StubUpstream.start { _ in .bytesAndClose(bytes) }
        try await withGateway { gateway, _ in
            await gateway.publish([route(.instance(upstream))])
            let client = try await RawClient.connect(gateway.address.port)
            try await client.send(post())
            let rest = try await client.rest()
            #expect(!rest.hasSuffix("0\r\n\r\n"))
            var whole = rest
            #expect(RawResponse.take(from: &whole, isAtEnd: false) == nil)
        }
        await upstream.stop()
    }

    @Test func silenceBeforeTheHeadIs504() async throws {
        let upstream = try await StubUpstream.start { _ in .silence }
        let fallback = try await StubUpstream.start()
        try await withGateway { gateway, _ in
            await gateway.publish([
                route(.instance(upstream), base: "http://127.0.0.1:\(fallback.port)") {
                    $0.timeout = Seconds(milliseconds: 50)
                }
            ])
            let answer = try await gateway.ask(post())
            #expect(answer.status == 504 && answer.body.contains("prediction_timeout"))
            try await upstream.allClosed()
            #expect(fallback.requests.isEmpty)
        }
        await upstream.stop()
        await fallback.stop()
    }

    @Test func silenceAfterTheHeadBreaksTheAnswerOff() async throws {
        let upstream = try await StubUpstream.start { _ in .bytes("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf") }
        try await withGateway { gateway, _ in
            await gateway.publish([route(.instance(upstream)) { $0.timeout = Seconds(milliseconds: 300) }])
            let client = try await RawClient.connect(gateway.address.port)
            try await client.send(post(headers: "Connection: close\r\n"))
            var rest = try await client.rest()
            // Where even the head was late, the answer is whole, and a 504.
            #expect([nil, 504].contains(RawResponse.take(from: &rest, isAtEnd: false)?.status))
            try await upstream.allClosed()
        }
        await upstream.stop()
    }

    /// A server may close an idle connection at the moment it is used again.
    @Test func sendsAgainWhereAReusedConnectionWasClosed() async throws {
        let upstream = try await StubUpstream.start { request in
            request.indexOnConnection == 0 ? .ok(request.body) : .bytesAndClose("")
        }
        try await withGateway(loops: 1) { gateway, _ in
            await gateway.publish([route(.instance(upstream))])
            let client = try await RawClient.connect(gateway.address.port)
            for index in 0..<5 {
                try await client.send(post("request \(index)"))
                #expect(try await client.response().body == "request \(index)")
            }
            #expect(upstream.requests.count == 9)

            await gateway.publish([route(.instance(upstream)) { $0.retry = false }])
            try await client.send(post("once"))
            #expect(try await client.response().status == 502)
            await client.close()
        }
        await upstream.stop()
    }

    @Test func sendsAgainOnlyWhatItHasKept() async throws {
        let upstream = try await StubUpstream.start { request in
            request.indexOnConnection == 0 ? .ok("\(request.body.utf8.count)") : .bytesAndClose("")
        }
        try await withGateway(loops: 1) { gateway, _ in
            await gateway.publish([route(.instance(upstream))])
            for (size, status) in [(60_000, 200), (200_000, 502)] {
                let client = try await RawClient.connect(gateway.address.port)
                try await client.send(post())
                #expect(try await client.response().status == 200)
                try await client.send(post(String(repeating: "x", count: size)))
                let answer = try await client.response()
                #expect(answer.status == status)
                if status == 200 { #expect(answer.body == "\(size)") }
                await client.close()
            }
        }
        await upstream.stop()
    }

    @Test func aClientThatLeavesCancelsItsRequest() async throws {
        let upstream = try await StubUpstream.start { _ in .silence }
        try await withGateway { gateway, _ in
            await gateway.publish([route(.instance(upstream))])
            let client = try await RawClient.connect(gateway.address.port)
            try await client.send(post())
            _ = try await upstream.requests(1)
            await client.close()
            try await upstream.allClosed()
            #expect(await gateway.finished(timeout: .seconds(60)))
        }
        await upstream.stop()
    }

    @Test func aBaseURLThatIsNoneIsSaid() async throws {
        try await withGateway { gateway, _ in
            await gateway.publish([route(.remote, base: "localhost:80")])
            let answer = try await gateway.ask(post())
            #expect(answer.status == 502 && answer.body.contains("is not a URL"))
            await gateway.publish([route(.remote, base: "http://does-not-exist.invalid")])
            let unresolved = try await gateway.ask(post())
            #expect(unresolved.status == 502 && unresolved.body.contains("does not resolve"))
        }
    }
}
