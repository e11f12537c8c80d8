import Gateway
import ModelCore
import NIOCore
import Reconciler
import Testing

/// Bytes that nobody should send: whatever comes, the gateway lives, answers others, forgets what has ended, and what
/// reaches a model is one well-formed request for each that was accepted.
@Suite(.serialized) struct FuzzTests {
    private static let smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
    private static let api = "/upstream/churn/scorer/default"

    /// Whole requests that are answered, each with how many answers there are.
    static let good: [(String, Int)] = [
        (post(), 1),
        (post(smuggled), 1),
        (post("one") + post(path: "\(api)/two?x=%2F") + post("three"), 3),
        (
            "POST \(api)/v1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "5;a=b\r\nhello\r\n23\r\n\(smuggled)\r\n0\r\nX-Sum: 1\r\n\r\n", 1
        ),
        ("GET \(api)/a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 1),
        ("DELETE \(api)/a HTTP/1.1\r\nHost: a\r\nConnection: x-hop\r\nX-Hop: 1\r\nTE: trailers\r\n\r\n", 1),
        ("GET http://a\(api)//b?c HTTP/1.1\r\nHost: a\r\n\r\nOPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 2),
        ("\r\nPOST /orchestrator/churn/%73corer HTTP/1.0\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\n{}", 1),
    ]

    /// Everything that has ever been thought of here, and what must be refused.
    private static let corpus: [String] =
        good.map(\.0) + RefusalTests.attempts.map(\.0).filter { $0.utf8.count < 2000 }
        + ChunkedScannerTests.bad.filter { $0.utf8.count < 2000 }.map {
            "POST \(api)/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n" + $0 + smuggled
        } + [
            "HEAD \(api)/a HTTP/1.1\r\nHost: a\r\n\r\n",
            "TRACE \(api)/a HTTP/1.1\r\nHost: a\r\n\r\n",
            "CONNECT \(api)/a HTTP/1.1\r\nHost: a\r\n\r\n" + smuggled,
            post(headers: "Expect: 100-continue\r\n"),
        ]

    /// However the bytes are cut, the answers are the same.
    @Test(arguments: good) func answersTheSameAtEveryCut(_ request: String, _ answers: Int) async throws {
        try await withOracle { gateway, upstream in
            let bytes = Array(request.utf8)
            for cut in 1..<bytes.count {
                let client = try await RawClient.connect(gateway.address.port)
                try await client.send(ByteBuffer(bytes: bytes[..<cut]))
                try await client.send(ByteBuffer(bytes: bytes[cut...]))
                for _ in 0..<answers {
                    let answer = try await client.response()
                    #expect(answer.status == 200 || answer.status == 204, "cut at \(cut): \(answer)")
                }
                await client.close()
            }
            let forwarded = request.contains("OPTIONS *") ? answers - 1 : answers
            #expect(upstream.all.requests.count == forwarded * (bytes.count - 1))
        }
    }

    /// To find more, give other seeds.
    @Test(arguments: [1, 2, 3, 4]) func survivesAnything(_ seed: Int) async throws {
        var random = Random(state: UInt64(seed) &* 0x9e37_79b9 &+ 7)
        try await withOracle { gateway, upstream in
            let other = try await RawClient.connect(gateway.address.port)
            var answered: [String] = []
            for _ in 0..<250 {
                // Half of them begin as something that is accepted, of which the changes leave some alone.
                let source = random.below(2) == 0 ? Self.good.map(\.0) : Self.corpus
                var bytes = Array(source[random.below(source.count)].utf8)
                for _ in 0..<random.below(5) { random.mutate(&bytes, corpus: Self.corpus) }
                let client = try await RawClient.connect(gateway.address.port)
                for piece in random.cut(bytes) { try? await client.send(ByteBuffer(bytes: piece)) }
                // Others are answered meanwhile; behind them, what was sent before has been read as well.
                for _ in 0..<2 {
                    try await other.send(post("other"))
                    #expect(try await other.response().status == 200, "seed \(seed)")
                }
                answered += client.received.idsOfServed
                await client.close()
            }
            await other.close()
            #expect(await gateway.finished(timeout: .seconds(60)), "seed \(seed): a request has been left behind")
            let ids = upstream.all.requests.filter(\.isWhole).flatMap { $0.values("X-Request-Id") }
            #expect(Set(answered).isSubset(of: ids), "seed \(seed): an answer without a request")
            #expect(answered.count > 25, "seed \(seed): hardly anything was accepted")
        }
    }

    /// Runs `body`, then judges all that has reached the model.
    private func withOracle(_ body: (Gateway, OracleUpstream) async throws -> Void) async throws {
        let upstream = try await OracleUpstream.start()
        let target = Route.Target.instance(InstanceID("oracle"), address: "127.0.0.1", port: upstream.port)
        try await withGateway(loops: 1) { gateway, _ in
            await gateway.publish([route(target)])
            try await body(gateway, upstream)
        }
        let seen = upstream.all
        #expect(seen.faults.isEmpty)
        // Each bears the one id that was made for it: a request that was hidden in another one would bear none.
        let ids = seen.requests.map { $0.values("X-Request-Id") }
        for (id, request) in zip(ids, seen.requests) { #expect(id.count == 1 && id[0].count == 32, "\(request)") }
        #expect(Set(ids).count == ids.count)
        for request in seen.requests {
            #expect(request.values("Host") == ["127.0.0.1:\(upstream.port)"], "\(request)")
            #expect(!request.head.hasSuffix(" /smuggled"), "\(request)")
            for name in ["TE", "HTTP2-Settings", "Keep-Alive", "Expect"] {
                #expect(request.values(name).isEmpty, "\(request)")
            }
        }
        await upstream.stop()
    }
}

extension Random {
    /// The bytes in up to 4 pieces.
    fileprivate mutating func cut(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        let cuts = (0..<below(4)).map { _ in below(bytes.count + 1) }.sorted()
        return zip([0] + cuts, cuts + [bytes.count]).map { bytes[$0..<$1] }.filter { !$0.isEmpty }
    }
}

extension String {
    /// The ids of the answers in it that come from a model.
    fileprivate var idsOfServed: [String] {
        var ids: [String] = []
        var served = false
        for line in split(separator: "\r\n") {
            if line.hasPrefix("X-Modelet-Served-By: ") { served = true }
            if served, line.hasPrefix("X-Request-Id: ") {
                ids.append(String(line.dropFirst(14)))
                served = false
            }
        }
        return ids
    }
}
