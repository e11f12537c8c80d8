import Gateway
import Glibc
import Logging
import ModelCore
import NIOCore
import Reconciler
import Testing

/// A client that breaks its connection just as its answer is written costs nobody else anything.
@Suite struct BrokenClientTests {
    /// The client speaks HTTP/1.0, so that the chunks are taken apart on the way.
    @Test(arguments: ["1.0", "1.1"])
    func aResetWhileChunksAreWritten(version: String) async throws {
        let pause = try LoopPause()
        let upstream = try await StubSink.start()
        let gateway = Gateway(
            demand: pause, log: Logger(label: "gateway.tests") { _ in SwiftLogNoOpLogHandler() }, loops: 1)
        let port = try await gateway.listen(host: "127.0.0.1", port: 0).port
        let cold = ModelKey(domain: "churn", source: "cold", model: "default")
        await gateway.publish([
            route(.instance(InstanceID("sink"), address: "127.0.0.1", port: upstream.port)),
            route(.cold(state: .standby), key: cold),
        ])
        let client = try await RawClient.connect(port)
        try await client.send("POST /orchestrator/churn/scorer HTTP/\(version)\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
        try await within("the request") { try await upstream.wait(for: 1) }
        // Enough for the pieces to become large.
        let chunk = "8000\r\n" + String(repeating: "x", count: 0x8000) + "\r\n"
        try await upstream.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in 0..<16 { try await upstream.send(chunk) }
        var received = 0
        while received < 16 * 0x8000 { received += try await client.discardSome() }

        // The loop is kept busy until both have happened, the chunks first.
        let waker = try await RawClient.connect(port)
        try await waker.send(post(path: "/orchestrator/churn/cold"))
        try await pause.begun()
        try await upstream.send(chunk)
        try await client.reset()
        pause.end()

        let other = try await RawClient.connect(port)
        try await other.send("GET /livez HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try await other.response().status == 200)
        await other.close()
        await waker.close()
        await upstream.stop()
        await gateway.close()
    }
}

/// Keeps the event loop busy that asks for a model, until it is told to go on.
private final class LoopPause: DemandSink {
    private let descriptors: [Int32]
    private let started: AsyncStream<Void>
    private let starting: AsyncStream<Void>.Continuation

    init() throws {
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        descriptors = ends
        (started, starting) = AsyncStream.makeStream()
    }

    deinit { for descriptor in descriptors { close(descriptor) } }

    func demand(_ key: ModelKey) {
        starting.yield()
        var byte: UInt8 = 0
        _ = read(descriptors[0], &byte, 1)
    }

    func begun() async throws {
        try await within("the loop to pause") { for await _ in self.started { break } }
    }

    func end() {
        var byte: UInt8 = 1
        _ = write(descriptors[1], &byte, 1)
    }
}
