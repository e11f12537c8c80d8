import Gateway
import ModelCore
import Reconciler
import Testing

/// What is told where neither the model nor its fallback can serve: both reasons, the model's own first.
@Suite struct FallbackFailureTests {
    private let failed = Unavailability(
        code: "model_backoff", state: .backoff, message: "the server exited with code 3",
        log: ["Traceback", "boom"], retryAfter: Seconds(milliseconds: 3100))

    /// The URL of a port on which nothing listens.
    private func deadURL() async throws -> String {
        let stub = try await StubUpstream.start()
        await stub.stop()
        return "http://127.0.0.1:\(stub.port)"
    }

    /// Expects the answer that tells of ``failed``, and of the fallback at `base` which did `what`.
    private func expectBothReasons(_ answer: RawResponse, _ base: String, _ what: String) throws {
        let id = try #require(answer.value("X-Request-Id"))
        let expected = """
            {"error":"the server exited with code 3; and its fallback \(base) \(what)","code":"fallback_failed",\
            "model":"churn/scorer/default","state":"backoff","retry_after":4,"request_id":"\(id)",\
            "log":["Traceback","boom"]}

            """
        #expect(answer.body == expected)
    }

    @Test func aFallbackThatRefuses() async throws {
        let base = try await deadURL()
        try await withGateway { gateway, _ in
            await gateway.publish([route(.unavailable(failed), base: base)])
            let answer = try await gateway.ask(post())
            #expect(answer.status == 502 && answer.value("Retry-After") == "4")
            try expectBothReasons(answer, base, "refused the connection")
        }
    }

    @Test func aFallbackThatIsSilent() async throws {
        let fallback = try await StubUpstream.start { _ in .silence }
        try await withGateway { gateway, _ in
            let base = "http://127.0.0.1:\(fallback.port)"
            let timeout = Seconds(milliseconds: 50)
            await gateway.publish([route(.unavailable(failed), base: base) { $0.timeout = timeout }])
            let answer = try await gateway.ask(post())
            #expect(answer.status == 504 && answer.value("Retry-After") == "4")
            try expectBothReasons(answer, base, "did not answer within \(timeout)")
        }
        await fallback.stop()
    }

    @Test(arguments: [
        (StubUpstream.Answer.bytesAndClose(""), "closed the connection without an answer"),
        (.bytesAndClose("HTTP/1.1 200 OK\r\nContent-Le"), "broke off its answer"),
        (.bytes("garbage\r\n\r\n"), "sent an answer that is not valid HTTP/1.1"),
    ])
    func aFallbackThatDoesNotAnswerProperly(_ bytes: StubUpstream.Answer, _ what: String) async throws {
        let fallback = try await StubUpstream.start { _ in bytes }
        try await withGateway { gateway, _ in
            let base = "http://127.0.0.1:\(fallback.port)"
            await gateway.publish([route(.unavailable(failed), base: base)])
            let answer = try await gateway.ask(post())
            #expect(answer.status == 502)
            try expectBothReasons(answer, base, what)
        }
        await fallback.stop()
    }

    @Test func aLoadThatFailsWhileItIsWaitedFor() async throws {
        let base = try await deadURL()
        try await withGateway { gateway, demand in
            await gateway.publish([route(.cold(state: .standby), base: base)])
            let client = try await RawClient.connect(gateway.address.port)
            try await client.send(post())
            _ = try await demand.first()
            await gateway.publish([route(.unavailable(failed), base: base)])
            let answer = try await client.response()
            #expect(answer.status == 502 && answer.value("Retry-After") == "4")
            try expectBothReasons(answer, base, "refused the connection")
            await client.close()
        }
    }

    @Test func aLoadThatTakesTooLong() async throws {
        let base = try await deadURL()
        try await withGateway { gateway, _ in
            await gateway.publish([
                route(.cold(state: .starting), base: base) { $0.loadTimeout = Seconds(milliseconds: 50) }
            ])
            let answer = try await gateway.ask(post())
            #expect(answer.status == 502 && answer.value("Retry-After") == "5")
            #expect(answer.body.contains("still being loaded after "))
            #expect(answer.body.contains("; and its fallback \(base) refused the connection\""))
            #expect(answer.body.contains("\"code\":\"fallback_failed\""))
            #expect(answer.body.contains("\"state\":\"starting\",\"retry_after\":5"))
        }
    }

    @Test func anInstanceThatRefusesToo() async throws {
        let base = try await deadURL()
        let dead = try await StubUpstream.start()
        await dead.stop()
        try await withGateway { gateway, _ in
            await gateway.publish([route(.instance(dead), base: base)])
            let answer = try await gateway.ask(post())
            #expect(answer.status == 502)
            let instance = "instance instance-1 at 127.0.0.1:\(dead.port) refused the connection"
            #expect(answer.body.contains("\"\(instance); and its fallback \(base) refused the connection\""))
        }
    }

    /// What one request met must not be told to the next on the same connection.
    @Test func theNextRequestStartsAfresh() async throws {
        let base = try await deadURL()
        let dead = try await StubUpstream.start()
        await dead.stop()
        try await withGateway(loops: 1) { gateway, _ in
            await gateway.publish([route(.unavailable(failed), base: base)])
            let client = try await RawClient.connect(gateway.address.port)
            try await client.send(post())
            #expect(try await client.response().body.contains("fallback_failed"))
            await gateway.publish([route(.instance(dead))])
            try await client.send(post())
            let answer = try await client.response()
            #expect(answer.status == 502 && answer.body.contains("\"code\":\"upstream_failed\""))
            #expect(!answer.body.contains("exited with code 3") && answer.value("Retry-After") == nil)
            await client.close()
        }
    }
}
