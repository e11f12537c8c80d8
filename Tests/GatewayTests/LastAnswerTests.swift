import Gateway
import ModelCore
import NIOCore
import Reconciler
import Testing

/// The answers that are on their way when the gateway ends.
@Suite struct LastAnswerTests {
    private static let step = 110_000
    private static let smallest = 1_000_000
    private static let largest = 7_000_000

    /// An answer that the model has given whole, and of which the gateway holds what a slow client does not take yet,
    /// is in flight still.
    @Test func nothingIsFinishedBeforeItIsWritten() async throws {
        let upstream = try await StubUpstream.start { request in
            .ok(String(repeating: "x", count: Int(request.body) ?? 0))
        }
        try await withGateway(loops: 1) { gateway, _ in
            await gateway.publish([route(.instance(upstream)) { $0.timeout = 60 }])
            // Nobody knows how much the sockets take: of one size at least, something is left to the gateway.
            var clients: [(client: RawClient, size: Int)] = []
            for size in stride(from: Self.smallest, through: Self.largest, by: Self.step) {
                let client = try await RawClient.connect(
                    gateway.address.port, receiveBuffer: 16384, autoRead: false)
                try await client.send(post("\(size)"))
                clients.append((client, size))
            }
            _ = try await upstream.requests(clients.count)
            await gateway.beginShutdown()
            let ending = Task {
                let isFinished = await gateway.finished(timeout: .seconds(60))
                await gateway.close()
                return isFinished
            }
            // Those for whom the model still waits come first.
            for (client, size) in clients.reversed() {
                var received = 0
                while received < size {
                    client.read()
                    received += try await client.discardSome()
                }
            }
            #expect(await ending.value)
            for (client, _) in clients { await client.close() }
        }
        await upstream.stop()
    }
}
