import Gateway
import ModelCore
import Reconciler
import Testing

/// Who waits for requests to end, and does not want to wait any longer.
@Suite struct DrainTests {
    private let id = InstanceID("instance-1")

    /// How long is waited where nobody gives up; much longer than giving up takes on any machine.
    private let timeout = Duration.seconds(120)
    private let atOnce = Duration.seconds(40)

    /// Runs `body` with requests in flight on both loops, which end when the upstream says more.
    private func withRequestsInFlight(
        _ body: (Gateway, StubUpstream, [RawClient]) async throws -> Void
    ) async throws {
        let upstream = try await StubUpstream.start { _ in .silence }
        try await withGateway { gateway, _ in
            await gateway.publish([route(.instance(upstream))])
            var clients: [RawClient] = []
            for _ in 0..<4 {
                let client = try await RawClient.connect(gateway.address.port)
                try await client.send(post())
                clients.append(client)
            }
            _ = try await upstream.requests(4)
            try await body(gateway, upstream, clients)
            for client in clients { await client.close() }
        }
        await upstream.stop()
    }

    @Test(arguments: [false, true])
    func aCancelledTaskWaitsNoLonger(ofAllRequests: Bool) async throws {
        try await withRequestsInFlight { gateway, _, _ in
            let (begun, continuation) = AsyncStream<Void>.makeStream()
            let started = ContinuousClock.now
            let waiting = Task {
                continuation.yield()
                return ofAllRequests
                    ? await gateway.finished(timeout: timeout) : await gateway.drained(id, timeout: timeout)
            }
            for await _ in begun { break }
            // Asks every loop something, so that the task is most likely waiting by now.
            #expect(await gateway.inFlight(id) == 4)
            waiting.cancel()
            #expect(await !waiting.value)
            #expect(ContinuousClock.now - started < atOnce)
        }
    }

    @Test func aTaskThatIsCancelledAlreadyDoesNotWait() async throws {
        try await withRequestsInFlight { gateway, _, _ in
            let started = ContinuousClock.now
            let waiting = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return await gateway.drained(id, timeout: timeout)
            }
            #expect(await !waiting.value)
            #expect(ContinuousClock.now - started < atOnce)
        }
    }

    @Test func anotherTaskWaitsOn() async throws {
        try await withRequestsInFlight { gateway, upstream, clients in
            let givesUp = Task { await gateway.drained(id, timeout: timeout) }
            async let staysOn = gateway.drained(id, timeout: timeout)
            givesUp.cancel()
            #expect(await !givesUp.value)
            try await upstream.sendMore("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            for client in clients { #expect(try await client.response().body == "ok") }
            #expect(await staysOn)
        }
    }
}
