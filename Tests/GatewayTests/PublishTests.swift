import Gateway
import Logging
import ModelCore
import Reconciler
import Testing

@Suite struct PublishTests {
    @Test func aPublishedRouteIsUsedByEveryLaterRequest() async throws {
        let upstreams = [
            try await StubUpstream.start { _ in .ok("old") }, try await StubUpstream.start { _ in .ok("new") },
        ]
        try await withGateway { gateway, _ in
            var clients: [RawClient] = []
            for _ in 0..<4 { clients.append(try await RawClient.connect(gateway.address.port)) }
            for round in 0..<20 {
                let upstream = upstreams[round % 2]
                await gateway.publish([route(.instance(upstream, id: "instance-\(round % 2)"))])
                for client in clients {
                    try await client.send(post())
                    #expect(try await client.response().body == (round % 2 == 0 ? "old" : "new"))
                }
            }
            for client in clients { await client.close() }
        }
        for upstream in upstreams { await upstream.stop() }
    }

    @Test func concurrentPublishesAgreeOnEveryLoop() async throws {
        let upstreams = [
            try await StubUpstream.start { _ in .ok("a") }, try await StubUpstream.start { _ in .ok("b") },
        ]
        try await withGateway { gateway, _ in
            var clients: [RawClient] = []
            for _ in 0..<4 { clients.append(try await RawClient.connect(gateway.address.port)) }
            for _ in 0..<20 {
                async let first: Void = gateway.publish([route(.instance(upstreams[0], id: "a"))])
                async let second: Void = gateway.publish([route(.instance(upstreams[1], id: "b"))])
                _ = await (first, second)
                var answers: Set<String> = []
                for client in clients {
                    try await client.send(post())
                    answers.insert(try await client.response().body)
                }
                #expect(answers.count == 1)
            }
            for client in clients { await client.close() }
        }
        for upstream in upstreams { await upstream.stop() }
    }

    @Test func drainedWaitsForWhatIsInFlight() async throws {
        let upstream = try await StubUpstream.start { _ in .silence }
        try await withGateway { gateway, _ in
            let id = InstanceID("instance-1")
            #expect(await gateway.drained(id, timeout: .zero))
            await gateway.publish([route(.instance(upstream))])
            var clients: [RawClient] = []
            for _ in 0..<4 {
                let client = try await RawClient.connect(gateway.address.port)
                try await client.send(post())
                clients.append(client)
            }
            _ = try await upstream.requests(4)
            #expect(await gateway.activity(of: id).inFlight == 4)
            await gateway.publish([route(.cold(state: .draining))])
            #expect(await !gateway.drained(id, timeout: .milliseconds(20)))

            async let drained = gateway.drained(id, timeout: .seconds(60))
            try await upstream.sendMore("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            for client in clients { #expect(try await client.response().body == "ok") }
            #expect(await drained)
            // No connection is kept to what no route leads to.
            try await upstream.allClosed()
            for client in clients { await client.close() }
        }
        await upstream.stop()
    }

    @Test func shutdownLetsFinishWhatHasBegun() async throws {
        let upstream = try await StubUpstream.start { _ in .silence }
        try await withGateway { gateway, demand in
            let cold = ModelKey(domain: "churn", source: "cold", model: "default")
            await gateway.publish([route(.instance(upstream)), route(.cold(state: .standby), key: cold)])
            gateway.setReadiness(.ready)
            let running = try await RawClient.connect(gateway.address.port)
            try await running.send(post())
            let held = try await RawClient.connect(gateway.address.port)
            try await held.send(post(path: "/orchestrator/churn/cold"))
            let idle = try await RawClient.connect(gateway.address.port)
            _ = try await upstream.requests(1)
            _ = try await demand.first()

            await gateway.beginShutdown()
            let refusedHeld = try await held.response()
            #expect(refusedHeld.status == 503 && refusedHeld.body.contains("shutting_down"))
            try await idle.send(post())
            let refused = try await idle.response()
            #expect(refused.status == 503 && refused.value("Connection") == "close")
            #expect(refused.body.contains("\"code\":\"shutting_down\""))
            #expect(try await gateway.ask("GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n").status == 503)
            #expect(try await gateway.ask("GET /livez HTTP/1.1\r\nHost: a\r\n\r\n").status == 200)

            async let finished = gateway.finished(timeout: .seconds(60))
            try await upstream.sendMore("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            let answer = try await running.response()
            #expect(answer.body == "ok" && answer.value("Connection") == "close")
            #expect(await finished)
        }
        await upstream.stop()
    }

    @Test func aPortInUseIsSaid() async throws {
        try await withGateway { gateway, demand in
            let second = Gateway(demand: demand, log: Logger(label: "gateway.tests"), loops: 1)
            await #expect(throws: GatewayError.addressInUse(host: "127.0.0.1", port: gateway.address.port)) {
                _ = try await second.listen(host: "127.0.0.1", port: gateway.address.port)
            }
            await second.close()
        }
    }

    @Test func afterTheEndNothingIsWaitedFor() async throws {
        try await withGateway { gateway, _ in
            await gateway.close()
            await gateway.publish([route(.cold(state: .standby))])
            #expect(await gateway.drained(InstanceID("x"), timeout: .seconds(60)))
            await gateway.close()
        }
    }
}
