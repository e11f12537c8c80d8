import Gateway
import ModelCore
import Reconciler
import Testing

/// A fallback that is edited while a request may still need it.
@Suite struct FallbackChangeTests {
    /// Connections to the former fallback must not be taken for ones to the present one.
    @Test func aRequestUnderWayDoesNotMixTwoFallbacks() async throws {
        let former = try await StubUpstream.start { _ in .ok("former") }
        let present = try await StubUpstream.start { _ in .ok("present") }
        let instance = try await StubUpstream.start { _ in .silence }
        let failed = Unavailability(code: "model_failed", state: .failed, message: "it is broken")
        try await withGateway(loops: 1) { gateway, _ in
            await gateway.publish([route(.instance(instance), base: "http://127.0.0.1:\(former.port)")])
            let client = try await gateway.begin()
            _ = try await instance.requests(1)
            await gateway.publish([route(.instance(instance), base: "http://127.0.0.1:\(present.port)")])
            try await instance.sendMore("", close: true)
            let first = try await client.response()
            #expect(first.status == 200)
            await gateway.publish([route(.unavailable(failed), base: "http://127.0.0.1:\(present.port)")])
            try await client.send(post())
            #expect(try await client.response().body == "present")
            await client.close()
        }
        for upstream in [former, present, instance] { await upstream.stop() }
    }
}
