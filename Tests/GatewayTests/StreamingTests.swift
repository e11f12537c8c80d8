import Gateway
import ModelCore
import NIOCore
import NIOPosix
import Reconciler
import Synchronization
import Testing

/// Bodies go through in a constant amount of memory, however large they are and however slow one side is.
@Suite(.serialized) struct StreamingTests {
    private static let size = SocketBuffers.stream / piece.readableBytes * piece.readableBytes
    private static let piece = ByteBuffer(repeating: UInt8(ascii: "x"), count: 250_000)
    private static let mostInBetween = SocketBuffers.mostInBetween

    @Test func aLargeUploadIsStreamed() async throws {
        let upstream = try await StubSink.start()
        try await withGateway { gateway, _ in
            await gateway.publish([
                route(.instance(InstanceID("sink"), address: "127.0.0.1", port: upstream.port)) { $0.timeout = 60 }
            ])
            let client = try await RawClient.connect(gateway.address.port)
            let head = "POST /orchestrator/churn/scorer HTTP/1.1\r\nHost: a\r\nContent-Length: \(Self.size)\r\n\r\n"
            try await client.send(head)
            var sent = 0
            var mostBetween = 0
            while sent < Self.size {
                try await client.send(Self.piece)
                sent += Self.piece.readableBytes
                mostBetween = max(mostBetween, sent - upstream.received)
            }
            #expect(mostBetween < Self.mostInBetween)
            try await within("the upload") { try await upstream.wait(for: Self.size) }
            try await upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone")
            #expect(try await client.response().body == "done")
            await client.close()
        }
        await upstream.stop()
    }

    @Test func aLargeDownloadWaitsForASlowClient() async throws {
        let upstream = try await StubSink.start()
        try await withGateway { gateway, _ in
            await gateway.publish([
                route(.instance(InstanceID("sink"), address: "127.0.0.1", port: upstream.port)) { $0.timeout = 60 }
            ])
            let client = try await RawClient.connect(gateway.address.port, receiveBuffer: 65536, autoRead: false)
            try await client.send(post())
            try await within("the request") { try await upstream.wait(for: 1) }
            let sent = Mutex(0)
            let sending = Task {
                let head = "HTTP/1.1 200 OK\r\nContent-Length: \(Self.size)\r\n\r\n"
                try await upstream.send(head)
                for _ in 0..<(Self.size / Self.piece.readableBytes) {
                    try await upstream.send(Self.piece)
                    sent.withLock { $0 += Self.piece.readableBytes }
                }
            }
            var received = 0
            var mostBetween = 0
            while received < Self.size {
                client.read()
                received += try await client.discardSome()
                mostBetween = max(mostBetween, sent.withLock { $0 } - received)
            }
            try await sending.value
            #expect(mostBetween < Self.mostInBetween)
            await client.close()
        }
        await upstream.stop()
    }

    /// Each event reaches the client when it is sent, not when the next one is.
    @Test func eventsArriveOneByOne() async throws {
        let upstream = try await StubUpstream.start { _ in
            .bytes("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        }
        try await withGateway { gateway, _ in
            await gateway.publish([route(.instance(upstream))])
            let client = try await RawClient.connect(gateway.address.port)
            try await client.send(post())
            _ = try await upstream.requests(1)
            for index in 0..<20 {
                let event = "data: \(index)\n\n"
                try await upstream.sendMore("\(String(event.utf8.count, radix: 16))\r\n\(event)\r\n")
                try await client.receive(upTo: event)
            }
            try await upstream.sendMore("0\r\n\r\n")
            try await client.receive(upTo: "0\r\n\r\n")
            await client.close()
        }
        await upstream.stop()
    }

    /// The answer may begin, and end, before the request has been sent whole.
    @Test func anEarlyAnswerReachesTheClient() async throws {
        let upstream = try await StubSink.start()
        try await withGateway { gateway, _ in
            await gateway.publish([
                route(.instance(InstanceID("sink"), address: "127.0.0.1", port: upstream.port))
            ])
            let client = try await RawClient.connect(gateway.address.port)
            try await client.send(
                "POST /orchestrator/churn/scorer HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nbeginning")
            try await within("the request") { try await upstream.wait(for: 1) }
            try await upstream.send("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
            let answer = try await client.response()
            #expect(answer.status == 413 && answer.body == "big")
            #expect(try await client.rest().isEmpty)
        }
        await upstream.stop()
    }

    /// Runs `body` with a client and the upstream's end of its request, which has come up to the end of its head.
    private func withRequest(
        _ head: String, _ body: (RawClient, RawPeer, String) async throws -> Void
    ) async throws {
        let upstream = try await RawServer.start()
        try await withGateway { gateway, _ in
            await gateway.publish([
                route(.instance(InstanceID("raw"), address: "127.0.0.1", port: upstream.port))
            ])
            let client = try await RawClient.connect(gateway.address.port, allowsHalfClosure: true)
            try await client.send(head)
            let peer = try await upstream.peer()
            try await body(client, peer, try await peer.head())
            await client.close()
        }
        await upstream.stop()
    }

    private static let chunked =
        "POST /orchestrator/churn/scorer HTTP/1.1\r\nHost: a\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n"

    @Test func chunksAndTrailersPassBothWaysAsTheyCome() async throws {
        try await withRequest(Self.chunked) { client, peer, head in
            #expect(head.contains("Transfer-Encoding: chunked\r\n") && head.contains("Trailer: X-Sum\r\n"))
            for piece in ["3;a=b\r\none\r\n", "4\r\ntwo\n\r\n", "0\r\nX-Sum: 7\r\nX-More: y\r\n\r\n"] {
                try await client.send(piece)
                try await peer.receive(upTo: piece)
            }
            try await peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n")
            try await client.receive(upTo: "Trailer: X-Sum\r\n")
            try await client.receive(upTo: "\r\n\r\n")
            for piece in ["3;a=b\r\none\r\n", "4\r\ntwo\n\r\n", "0\r\nX-Sum: 8\r\nX-More: z\r\n\r\n"] {
                try await peer.send(piece)
                try await client.receive(upTo: piece)
            }
        }
    }

    private static let expecting =
        "POST /orchestrator/churn/scorer HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"

    /// The client is asked for its body once, whether or not the upstream asks too.
    @Test(arguments: ["", "HTTP/1.1 100 Continue\r\n\r\n"])
    func aBodyThatWaitsIsAskedForOnce(_ interim: String) async throws {
        try await withRequest(Self.expecting) { client, peer, head in
            #expect(!head.contains("Expect"))
            #expect(try await client.response().status == 100)
            try await peer.send(interim)
            try await client.send("body")
            try await peer.receive(upTo: "body")
            try await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone")
            #expect(try await client.response().body == "done")
            // The connection goes on.
            try await client.send(post("next"))
            try await peer.receive(upTo: "next")
        }
    }

    /// A client that was told to send its body does so, even if the answer comes first: what it sends is no request.
    @Test func anAnswerBeforeTheBodyLeavesTheConnection() async throws {
        try await withRequest(Self.expecting) { client, peer, _ in
            #expect(try await client.response().status == 100)
            try await peer.send("HTTP/1.1 401 X\r\nContent-Length: 0\r\n\r\n")
            #expect(try await client.response().status == 401)
            try await client.send("bodyGET /livez HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try await client.response().status == 200)
            #expect(try await peer.rest().isEmpty)
        }
    }

    @Test func aClientThatLeavesAmidTheAnswerCancelsIt() async throws {
        try await withRequest(post()) { client, peer, _ in
            try await peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
            try await client.receive(upTo: "one")
            await client.close()
            _ = try await peer.rest()
        }
    }
}
