import Gateway
import ModelCore
import Reconciler
import Testing

/// What clients see of a gateway that is about to end.
@Suite struct ShutdownTests {
    private let live = "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"
    private let ready = "GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n"

    @Test func healthTurnsFirstAndIdleConnectionsAreClosed() async throws {
        let upstream = try await StubUpstream.start { $0.body == "slow" ? .silence : .ok() }
        try await withGateway { gateway, _ in
            gateway.setReadiness(.ready)
            await gateway.publish([route(.instance(upstream))])
            let idle = try await RawClient.connect(gateway.address.port)
            try await idle.send(post("quick"))
            #expect(try await idle.response().status == 200)
            let busy = try await RawClient.connect(gateway.address.port)
            try await busy.send(post("slow"))
            _ = try await upstream.requests(2)
            let half = try await RawClient.connect(gateway.address.port)
            try await half.send(post("quick"))
            #expect(try await half.response().status == 200)
            try await half.send("POST /orchestrator/churn/scorer HTTP/1.1\r\nHost: a\r\n")
            // Its beginning has been read by then, for the same loop has answered behind it.
            for _ in 0..<4 { #expect(try await gateway.ask(ready).status == 200) }

            await gateway.beginShutdown()
            // While a request is in flight: alive, but no longer ready for more.
            #expect(try await gateway.ask(live).status == 200)
            let notReady = try await gateway.ask(ready)
            #expect(notReady.status == 503 && notReady.value("Connection") == "close")
            #expect(try await idle.rest().isEmpty)
            let new = try await gateway.ask(post())
            #expect(new.status == 503 && new.value("Connection") == "close")
            #expect(new.body.contains("\"code\":\"shutting_down\""))
            try await half.send("Content-Length: 0\r\n\r\n")
            #expect(try await half.response().status == 503)
            #expect(await !gateway.finished(timeout: .milliseconds(1)))

            try await upstream.sendMore("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone")
            #expect(try await busy.response().body == "done")
            #expect(try await busy.rest().isEmpty)
            #expect(await gateway.finished(timeout: .seconds(60)))
            #expect(try await gateway.ask(live).status == 200)
        }
        await upstream.stop()
    }

    /// Its answer has begun before, and has promised nothing: the connection ends behind it.
    @Test func aConnectionWhoseAnswerHasBegunEndsBehindIt() async throws {
        let upstream = try await StubUpstream.start { _ in
            .bytes("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf")
        }
        try await withGateway { gateway, _ in
            await gateway.publish([route(.instance(upstream))])
            let client = try await RawClient.connect(gateway.address.port)
            try await client.send(post())
            try await client.receive(upTo: "half")
            await gateway.beginShutdown()
            try await upstream.sendMore("half")
            #expect(try await client.rest() == "half")
        }
        await upstream.stop()
    }

    @Test func anUpgradedConnectionIsWaitedFor() async throws {
        let upstream = try await RawServer.start()
        try await withGateway { gateway, _ in
            await gateway.publish([
                route(.instance(InstanceID("raw"), address: "127.0.0.1", port: upstream.port))
            ])
            let client = try await RawClient.connect(gateway.address.port)
            try await client.send(
                "GET /upstream/churn/scorer/default/ HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
            let peer = try await upstream.peer()
            _ = try await peer.head()
            try await peer.send("HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
            #expect(try await client.response().status == 101)
            await gateway.beginShutdown()
            #expect(await !gateway.finished(timeout: .milliseconds(50)))
            try await client.send("still here")
            try await peer.receive(upTo: "still here")
            await peer.close()
            #expect(try await client.rest().isEmpty)
            await client.close()
            #expect(await gateway.finished(timeout: .seconds(60)))
        }
        await upstream.stop()
    }
}
