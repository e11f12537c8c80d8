import Gateway
import ModelCore
import Reconciler
import Testing

/// What counts as use of a model, and what does not.
@Suite struct IdleTimeTests {
    private static let questions = ["/v2/health/live", "/v2/health/ready", "/v2/models/churn/scorer/default/ready"]

    @Test func healthChecksAreNoUse() async throws {
        let upstream = try await StubUpstream.start()
        try await withGateway { gateway, _ in
            await gateway.publish([route(.instance(upstream))])
            let id = InstanceID("instance-1")
            #expect(await gateway.activity(of: id) == InstanceActivity())
            for path in Self.questions { _ = try await gateway.ask("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n") }
            #expect(await gateway.activity(of: id) == InstanceActivity())

            #expect(try await gateway.ask(post()).status == 200)
            let used = ContinuousClock.now
            let before = await gateway.activity(of: id)
            #expect(before.inFlight == 0 && before.sinceLastAnswer != nil && before.sinceLastByte != nil)
            for path in Self.questions { _ = try await gateway.ask("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n") }
            let elapsed = ContinuousClock.now - used
            let after = await gateway.activity(of: id)
            #expect(after.sinceLastAnswer ?? .zero >= elapsed && after.sinceLastByte ?? .zero >= elapsed)
            #expect(upstream.requests.count == 1)
        }
        await upstream.stop()
    }

    @Test func healthChecksWakeNobody() async throws {
        try await withGateway { gateway, demand in
            await gateway.publish([route(.cold(state: .standby))])
            for path in Self.questions { _ = try await gateway.ask("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n") }
            #expect(demand.all.isEmpty)
        }
    }

    /// A timeout ends a prediction, but is no sign of life.
    @Test func onlyBytesOfTheInstanceAreASignOfLife() async throws {
        let upstream = try await StubUpstream.start { request in
            request.body == "stream" ? .bytes("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf") : .silence
        }
        try await withGateway { gateway, _ in
            let id = InstanceID("instance-1")
            await gateway.publish([route(.instance(upstream)) { $0.timeout = Seconds(milliseconds: 50) }])
            #expect(try await gateway.ask(post("silent")).status == 504)
            let silent = await gateway.activity(of: id)
            #expect(silent.sinceLastAnswer != nil && silent.sinceLastByte == nil)

            await gateway.publish([route(.instance(upstream))])
            let client = try await gateway.begin("stream")
            try await client.receive(upTo: "half")
            let streaming = await gateway.activity(of: id)
            #expect(streaming.inFlight == 1 && streaming.sinceLastByte != nil)
            await client.close()
        }
        await upstream.stop()
    }
}
