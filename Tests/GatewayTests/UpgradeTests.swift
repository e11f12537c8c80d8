import Gateway
import ModelCore
import NIOCore
import NIOPosix
import Reconciler
import Synchronization
import Testing

/// Connections that switch to another protocol, such as WebSocket.
@Suite struct UpgradeTests {
    private static let ask =
        "GET /upstream/churn/scorer/default/ws?x HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\n"
        + "Upgrade: websocket\r\nSec-WebSocket-Key: k\r\n\r\n"
    private static let agreed =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + "Sec-WebSocket-Accept: a\r\n\r\n"

    /// Runs `body` with an upgraded connection: the client's end, and the upstream's.
    private func withTunnel(
        autoRead: Bool = true, timeout: Seconds = 60, _ body: (RawClient, RawPeer, Gateway) async throws -> Void
    ) async throws {
        let upstream = try await RawServer.start(autoRead: autoRead)
        try await withGateway(loops: 1) { gateway, _ in
            await gateway.publish([
                route(.instance(InstanceID("raw"), address: "127.0.0.1", port: upstream.port)) {
                    $0.timeout = timeout
                }
            ])
            let client = try await RawClient.connect(
                gateway.address.port, autoRead: autoRead, allowsHalfClosure: true)
            try await client.send(Self.ask)
            let peer = try await upstream.peer()
            if !autoRead { peer.read() }
            try await peer.receive(upTo: "\r\n\r\n")
            try await peer.send(Self.agreed)
            if !autoRead { client.read() }
            try await client.receive(upTo: "\r\n\r\n")
            try await body(client, peer, gateway)
            await client.close()
            await peer.close()
        }
        await upstream.stop()
    }

    @Test func theHandshakeIsRelayed() async throws {
        let upstream = try await RawServer.start()
        try await withGateway { gateway, _ in
            await gateway.publish([
                route(.instance(InstanceID("raw"), address: "127.0.0.1", port: upstream.port))
            ])
            let client = try await RawClient.connect(gateway.address.port)
            try await client.send(Self.ask)
            let peer = try await upstream.peer()
            let request = try await peer.head()
            #expect(request.hasPrefix("GET /ws?x HTTP/1.1\r\n"))
            let fields = RawResponse(status: 0, head: request, body: "")
            #expect(fields.values("Upgrade") == ["websocket"])
            #expect(fields.values("Connection") == ["Upgrade"])
            #expect(fields.values("Sec-WebSocket-Key") == ["k"])
            #expect(fields.values("Content-Length").isEmpty && fields.values("Transfer-Encoding").isEmpty)
            // The first bytes of the other protocol may come with the answer.
            try await peer.send(Self.agreed + "hello")
            let answer = try await client.response()
            #expect(answer.status == 101)
            #expect(answer.values("Upgrade") == ["websocket"])
            #expect(answer.values("Connection") == ["Upgrade"])
            #expect(answer.value("Sec-WebSocket-Accept") == "a")
            #expect(answer.value("X-Modelet-Served-By") == "instance")
            try await client.receive(upTo: "hello")
            await client.close()
            // Whoever leaves takes the other end along.
            #expect(try await peer.rest().isEmpty)
        }
        await upstream.stop()
    }

    @Test func bytesPassBothWaysAndAreNotBoundInTime() async throws {
        // Long enough for the handshake on a slow machine.
        let timeout: Seconds = 2
        try await withTunnel(timeout: timeout) { client, peer, gateway in
            // Longer than the timeout of a prediction, of which nothing must come.
            let end = ContinuousClock.now + timeout.duration + .milliseconds(500)
            var round = 0
            repeat {
                try await client.send("ping \(round);")
                try await peer.receive(upTo: "ping \(round);")
                // No HTTP, and not to be understood as such.
                try await peer.send("HTTP/1.1 200 OK\r\n\r\npong \(round);")
                try await client.receive(upTo: "HTTP/1.1 200 OK\r\n\r\npong \(round);")
                round += 1
            } while ContinuousClock.now < end
            #expect(await gateway.inFlight(InstanceID("raw")) == 1)
            #expect(await !gateway.drained(InstanceID("raw"), timeout: .milliseconds(300)))
            async let isDrained = gateway.drained(InstanceID("raw"), timeout: .seconds(60))
            await client.close()
            #expect(try await peer.rest().isEmpty)
            await peer.close()
            #expect(await isDrained)
        }
    }

    @Test func eachDirectionEndsByItself() async throws {
        try await withTunnel { client, peer, gateway in
            try await client.send("last of the client")
            try await client.endOutput()
            #expect(try await peer.rest() == "last of the client")
            try await peer.send("more of the upstream")
            try await client.receive(upTo: "more of the upstream")
            try await peer.send("and its last")
            await peer.close()
            #expect(try await client.rest() == "and its last")
            #expect(await gateway.finished(timeout: .seconds(60)))
        }
    }

    @Test func theUpstreamMayEndFirst() async throws {
        try await withTunnel { client, peer, gateway in
            try await peer.send("bye")
            try await peer.endOutput()
            #expect(try await client.rest() == "bye")
            try await client.send("still there")
            try await peer.receive(upTo: "still there")
            await client.close()
            #expect(await gateway.finished(timeout: .seconds(60)))
        }
    }

    @Test func theSlowerSideIsWaitedFor() async throws {
        try await withTunnel(autoRead: false) { client, peer, _ in
            try await pass(
                from: { try await client.send($0) }, read: { peer.read() }, to: { try await peer.discardSome() })
            try await pass(
                from: { try await peer.send($0) }, read: { client.read() }, to: { try await client.discardSome() })
        }
    }

    /// Sends far more than the sockets on the way hold to somebody who reads little by little.
    private func pass(
        from send: @escaping @Sendable (ByteBuffer) async throws -> Void, read: () -> Void,
        to receive: () async throws -> Int
    ) async throws {
        let piece = ByteBuffer(repeating: UInt8(ascii: "x"), count: 250_000)
        let size = SocketBuffers.stream / piece.readableBytes * piece.readableBytes
        let sent = Mutex(0)
        let sending = Task {
            for _ in 0..<(size / piece.readableBytes) {
                try await send(piece)
                sent.withLock { $0 += piece.readableBytes }
            }
        }
        var received = 0
        var mostBetween = 0
        while received < size {
            read()
            received += try await receive()
            mostBetween = max(mostBetween, sent.withLock { $0 } - received)
        }
        try await sending.value
        #expect(mostBetween < SocketBuffers.mostInBetween)
    }

    @Test func anyOtherAnswerIsAnOrdinaryOne() async throws {
        let upstream = try await StubUpstream.start { .ok("no \($0.index)", headers: "Upgrade: websocket\r\n") }
        try await withGateway(loops: 1) { gateway, _ in
            await gateway.publish([route(.instance(upstream))])
            let client = try await RawClient.connect(gateway.address.port)
            for index in 0..<3 {
                try await client.send(Self.ask)
                let answer = try await client.response()
                #expect(answer.status == 200 && answer.body == "no \(index)")
                #expect(answer.values("Upgrade").isEmpty)
            }
            #expect(upstream.connections == 1)
            await client.close()
        }
        await upstream.stop()
    }

    /// What would carry requests past every check is not relayed, and a body leaves no place for another protocol.
    @Test func whatCannotBeUpgradedIsNot() async throws {
        let upstream = try await StubUpstream.start { .ok($0.head) }
        try await withGateway { gateway, _ in
            await gateway.publish([route(.instance(upstream))])
            for upgrade in ["h2c", "H2C", "websocket, h2c", "HTTP/2.0"] {
                let request =
                    "GET /upstream/churn/scorer/default/ HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\n"
                    + "Upgrade: \(upgrade)\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n"
                let answer = try await gateway.ask(request)
                #expect(answer.status == 505 && answer.body.contains("HTTP/2 is not spoken here"))
            }
            #expect(upstream.connections == 0)
            let ignored = [
                post(path: "/upstream/churn/scorer/default/", headers: "Connection: Upgrade\r\nUpgrade: websocket\r\n"),
                post(headers: "Connection: Upgrade\r\nUpgrade: websocket\r\n"),
                "GET /upstream/churn/scorer/default/ HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n",
                "GET /upstream/churn/scorer/default/ HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
            ]
            for request in ignored {
                let answer = try await gateway.ask(request)
                #expect(answer.status == 200 && !answer.body.lowercased().contains("upgrade"), "\(answer.body)")
            }
        }
        await upstream.stop()
    }

    /// A switch that nobody asked for is no answer.
    @Test(arguments: [post(path: "/upstream/churn/scorer/default/"), post()])
    func anUnaskedSwitchIs502(_ request: String) async throws {
        let upstream = try await StubUpstream.start { _ in .bytes(Self.agreed) }
        try await withGateway { gateway, _ in
            await gateway.publish([route(.instance(upstream))])
            let answer = try await gateway.ask(request)
            #expect(answer.status == 502)
        }
        await upstream.stop()
    }
}
