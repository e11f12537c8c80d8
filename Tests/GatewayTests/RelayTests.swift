import Gateway
import ModelCore
import Reconciler
import Testing

@Suite struct RelayTests {
    @Test func forwardsARequestAndItsAnswer() async throws {
        let upstream = try await StubUpstream.start { _ in
            .ok("{\"y\":2}", headers: "Content-Type: application/json\r\n")
        }
        try await withGateway { gateway, _ in
            await gateway.publish([
                route(.instance(upstream)) { $0.headers = ["Content-Type": "application/json", "X-Team": "churn"] }
            ])
            let headers =
                "Content-Type: text/plain\r\nAccept: */*\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nTE: trailers\r\n"
                + "Keep-Alive: 5\r\nProxy-Connection: x\r\nX-Forwarded-For: 10.0.0.1\r\nUpgrade: h2c\r\n"
            let answer = try await gateway.ask(post(path: "/orchestrator/churn/scorer?k=v&q", headers: headers))
            #expect(answer.status == 200)
            #expect(answer.body == "{\"y\":2}")
            #expect(answer.value("X-Modelet-Model") == "churn/scorer/default")
            #expect(answer.value("X-Modelet-Served-By") == "instance")
            #expect(answer.value("X-Modelet-Cold-Start-Ms") == nil)
            #expect(answer.value("Connection") == nil)

            let request = try #require(upstream.requests.first)
            #expect(request.line == "POST /predict?k=v&q HTTP/1.1")
            #expect(request.body == "{\"x\":1}")
            #expect(request.values("Host") == ["127.0.0.1:\(upstream.port)"])
            #expect(request.values("Content-Type") == ["application/json"])
            #expect(request.values("X-Team") == ["churn"])
            #expect(request.values("Accept") == ["*/*"])
            #expect(request.values("X-Forwarded-For") == ["10.0.0.1, 127.0.0.1"])
            #expect(request.values("X-Forwarded-Proto") == ["http"])
            #expect(request.values("X-Forwarded-Host") == ["models.test"])
            for name in ["X-Hop", "TE", "Keep-Alive", "Proxy-Connection", "Upgrade", "Connection", "Transfer-Encoding"]
            {
                #expect(request.values(name).isEmpty, "\(name)")
            }
            let id = try #require(request.value("X-Request-Id"))
            #expect(id.count == 32)
            #expect(answer.values("X-Request-Id") == [id])
            #expect(request.value("traceparent")?.hasPrefix("00-\(id)-") == true)
        }
        await upstream.stop()
    }

    @Test func keepsTheIdsOfTheClient() async throws {
        let upstream = try await StubUpstream.start { _ in .ok(headers: "X-Request-Id: other\r\nX-Modelet-Model: x\r\n")
        }
        try await withGateway { gateway, _ in
            await gateway.publish([route(.instance(upstream))])
            let answer = try await gateway.ask(post(headers: "X-Request-Id: abc-1\r\ntraceparent: 00-aa-bb-01\r\n"))
            #expect(answer.values("X-Request-Id") == ["abc-1"])
            #expect(answer.values("X-Modelet-Model") == ["churn/scorer/default"])
            #expect(upstream.requests[0].values("X-Request-Id") == ["abc-1"])
            #expect(upstream.requests[0].values("traceparent") == ["00-aa-bb-01"])
            let replaced = try await gateway.ask(post(headers: "X-Request-Id: has blanks\r\n"))
            #expect(replaced.value("X-Request-Id")?.count == 32)
        }
        await upstream.stop()
    }

    @Test func usesConnectionsAgain() async throws {
        let upstream = try await StubUpstream.start { .ok("\($0.index)") }
        try await withGateway(loops: 1) { gateway, _ in
            await gateway.publish([route(.instance(upstream))])
            let client = try await RawClient.connect(gateway.address.port)
            for index in 0..<20 {
                try await client.send(post())
                #expect(try await client.response().body == "\(index)")
            }
            #expect(upstream.connections == 1)
            await client.close()
        }
        await upstream.stop()
    }

    @Test func closesIdleConnectionsInTime() async throws {
        let upstream = try await StubUpstream.start()
        try await withGateway { gateway, _ in
            await gateway.publish([route(.instance(upstream)) { $0.keepAlive = Seconds(milliseconds: 50) }])
            _ = try await gateway.ask(post())
            try await upstream.allClosed()
            #expect(upstream.connections == 1)
        }
        await upstream.stop()
    }

    @Test func answersPipelinedRequestsInOrder() async throws {
        let upstream = try await StubUpstream.start { .ok($0.body) }
        try await withGateway { gateway, _ in
            await gateway.publish([route(.instance(upstream))])
            let client = try await RawClient.connect(gateway.address.port)
            let chunked =
                "POST /orchestrator/churn/scorer HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "2\r\nch\r\n3\r\nunk\r\n0\r\n\r\n"
            try await client.send(post("one") + chunked + post("", path: "/nowhere") + post("four"))
            #expect(try await client.response().body == "one")
            #expect(try await client.response().body == "chunk")
            #expect(try await client.response().status == 404)
            #expect(try await client.response().body == "four")
            await client.close()
        }
        await upstream.stop()
    }

    /// However the bytes of a request are cut, the same arrives.
    @Test func forwardsARequestCutAnywhere() async throws {
        let upstream = try await StubUpstream.start { .ok($0.body) }
        try await withGateway { gateway, _ in
            await gateway.publish([route(.instance(upstream))])
            let client = try await RawClient.connect(gateway.address.port)
            let request = Array(
                ("POST /orchestrator/churn/scorer HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + "5\r\nhello\r\n0\r\n\r\n").utf8)
            for split in 1..<request.count {
                try await client.send(String(decoding: request[..<split], as: UTF8.self))
                try await client.send(String(decoding: request[split...], as: UTF8.self))
                #expect(try await client.response().body == "hello", "\(split)")
            }
            await client.close()
        }
        await upstream.stop()
    }

    /// However the bytes of an answer are cut, the same arrives.
    @Test func relaysAnAnswerCutAnywhere() async throws {
        let answer = Array(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n".utf8)
        let upstream = try await StubUpstream.start {
            .bytes(String(decoding: answer[..<($0.index + 1)], as: UTF8.self))
        }
        try await withGateway { gateway, _ in
            await gateway.publish([route(.instance(upstream))])
            let client = try await RawClient.connect(gateway.address.port)
            for split in 1..<answer.count {
                try await client.send(post())
                _ = try await upstream.requests(split)
                try await upstream.sendMore(String(decoding: answer[split...], as: UTF8.self))
                #expect(try await client.response().body == "hello", "\(split)")
            }
            await client.close()
        }
        await upstream.stop()
    }

    @Test func relaysAnAnswerThatTheEndEnds() async throws {
        let upstream = try await StubUpstream.start { _ in .bytesAndClose("HTTP/1.0 200 OK\r\nX-A: b\r\n\r\nall of it")
        }
        try await withGateway { gateway, _ in
            await gateway.publish([route(.instance(upstream))])
            let client = try await RawClient.connect(gateway.address.port)
            for _ in 0..<2 {
                try await client.send(post())
                let answer = try await client.response()
                #expect(answer.value("Transfer-Encoding") == "chunked")
                #expect(answer.body == "all of it")
            }
            await client.close()
        }
        await upstream.stop()
    }

    @Test func speaksHTTP10() async throws {
        let upstream = try await StubUpstream.start { request in
            request.body == "chunked"
                ? .bytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n") : .ok()
        }
        try await withGateway { gateway, _ in
            await gateway.publish([route(.instance(upstream))])
            let plain = try await RawClient.connect(gateway.address.port)
            try await plain.send("POST /orchestrator/churn/scorer HTTP/1.0\r\nContent-Length: 1\r\n\r\nx")
            let answer = try await plain.rest()
            #expect(answer.contains("Connection: close") && answer.hasSuffix("\r\n\r\nok"))

            let kept = try await RawClient.connect(gateway.address.port)
            let request = "POST /orchestrator/churn/scorer HTTP/1.0\r\nConnection: keep-alive\r\n"
            try await kept.send(request + "Content-Length: 1\r\n\r\nx")
            #expect(try await kept.response().value("Connection") == "keep-alive")
            try await kept.send(request + "Content-Length: 7\r\n\r\nchunked")
            let unchunked = try await kept.rest()
            #expect(!unchunked.contains("chunked") && unchunked.hasSuffix("\r\n\r\nhello"))
        }
        await upstream.stop()
    }

    @Test func closesWhereTheClientAsksForIt() async throws {
        let upstream = try await StubUpstream.start()
        try await withGateway { gateway, _ in
            await gateway.publish([route(.instance(upstream))])
            let client = try await RawClient.connect(gateway.address.port)
            try await client.send(post(headers: "Connection: close\r\n"))
            #expect(try await client.rest().contains("Connection: close\r\n"))
        }
        await upstream.stop()
    }

    @Test func asksForABodyThatWaits() async throws {
        let upstream = try await StubUpstream.start { .ok($0.body) }
        try await withGateway { gateway, _ in
            await gateway.publish([route(.instance(upstream))])
            let client = try await RawClient.connect(gateway.address.port)
            let head = "Host: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"
            try await client.send("POST /orchestrator/churn/scorer HTTP/1.1\r\n" + head)
            #expect(try await client.response().status == 100)
            try await client.send("body")
            #expect(try await client.response().body == "body")
            #expect(upstream.requests[0].values("Expect").isEmpty)

            // What is refused needs no body, and the connection cannot go on without it.
            try await client.send("POST /orchestrator/churn/none HTTP/1.1\r\n" + head)
            let refused = try await client.response()
            #expect(refused.status == 404 && refused.value("Connection") == "close")
            await client.close()
        }
        await upstream.stop()
    }

    @Test func passesInterimAnswersOn() async throws {
        let upstream = try await StubUpstream.start { _ in
            .bytes(
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
                    + "HTTP/1.1 204 No Content\r\n\r\n")
        }
        try await withGateway { gateway, _ in
            await gateway.publish([route(.instance(upstream))])
            let client = try await RawClient.connect(gateway.address.port)
            try await client.send(post())
            #expect(try await client.response().status == 103)
            #expect(try await client.response().status == 204)
            await client.close()
        }
        await upstream.stop()
    }

    @Test func joinsPathsAndQueries() async throws {
        let upstream = try await StubUpstream.start()
        try await withGateway { gateway, _ in
            let base = "http://localhost:\(upstream.port)/api/"
            await gateway.publish([route(.remote, base: base, endpoint: "/v1/predict?fixed=1")])
            let answer = try await gateway.ask(post(path: "/orchestrator/churn/scorer?k=v"))
            #expect(answer.value("X-Modelet-Served-By") == "remote")
            #expect(upstream.requests[0].line == "POST /api/v1/predict?fixed=1&k=v HTTP/1.1")
            #expect(upstream.requests[0].value("Host") == "localhost:\(upstream.port)")
        }
        await upstream.stop()
    }

    @Test(arguments: [
        ("", "?api-version=1"), ("?", "?api-version=1"), ("?k=v", "?api-version=1&k=v"),
        ("?k=v&api-version=2", "?api-version=1&k=v&api-version=2"),
    ])
    func anEndpointMayHaveAQuery(_ query: String, _ expected: String) async throws {
        let upstream = try await StubUpstream.start()
        try await withGateway { gateway, _ in
            await gateway.publish([route(.instance(upstream), endpoint: "/score?api-version=1")])
            _ = try await gateway.ask(post(path: "/orchestrator/churn/scorer\(query)"))
            #expect(upstream.requests[0].line == "POST /score\(expected) HTTP/1.1")
        }
        await upstream.stop()
    }
}
