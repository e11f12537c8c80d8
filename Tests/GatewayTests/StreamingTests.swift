import Gateway
import ModelCore
import NIOCore
import NIOPosix
import Reconciler
import Synchronization
import Testing

/// Bodies go through in a constant amount of memory, however large they are and however slow one side is.
@Suite(.serialized) struct StreamingTests {
    private static let size = 50_000_000
    private static let piece = ByteBuffer(repeating: UInt8(ascii: "x"), count: 250_000)
    /// More than the sockets on the way may hold, far less than the body.
    private static let mostInBetween = 25_000_000

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
}
