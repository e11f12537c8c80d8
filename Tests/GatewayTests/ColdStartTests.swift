import Gateway
import ModelCore
import Reconciler
import Testing

@Suite struct ColdStartTests {
    @Test func everyHeldCallerIsAnsweredOnceTheModelIsThere() async throws {
        let upstream = try await StubUpstream.start { .ok($0.body) }
        try await withGateway { gateway, demand in
            await gateway.publish([route(.cold(state: .standby))])
            var clients: [RawClient] = []
            for index in 0..<100 {
                let client = try await RawClient.connect(gateway.address.port)
                try await client.send(post("caller \(index)"))
                clients.append(client)
            }
            try await demand.count(100)
            await gateway.publish([route(.cold(state: .starting))])
            await gateway.publish([route(.instance(upstream))])
            for (index, client) in clients.enumerated() {
                let answer = try await client.response()
                #expect(answer.status == 200 && answer.body == "caller \(index)")
                await client.close()
            }
            #expect(upstream.requests.count == 100)
            // Once a caller, and once a loop and change of the route; there is one load all the same.
            #expect((101...102).contains(demand.all.count) && Set(demand.all) == [scorer])
        }
        await upstream.stop()
    }

    /// An operator's `unload` may take a demand back before it has changed anything: the route stays as it is, so
    /// nobody tells the gateway.
    @Test func everyCallerAsksForTheLoad() async throws {
        let upstream = try await StubUpstream.start()
        try await withGateway(loops: 1) { gateway, demand in
            await gateway.publish([route(.cold(state: .standby))])
            var clients: [RawClient] = []
            for count in 1...3 {
                let client = try await RawClient.connect(gateway.address.port)
                try await client.send(post())
                clients.append(client)
                try await demand.count(count)
            }
            // A route that is still cold finds all of them still waiting.
            await gateway.publish([route(.cold(state: .starting))])
            try await demand.count(4)
            await gateway.publish([route(.instance(upstream))])
            for client in clients {
                #expect(try await client.response().status == 200)
                await client.close()
            }
            #expect(demand.all.count == 4)
        }
        await upstream.stop()
    }

    @Test func tellsHowLongTheLoadTook() async throws {
        let upstream = try await StubUpstream.start()
        try await withGateway { gateway, demand in
            await gateway.publish([route(.cold(state: .standby))])
            let client = try await RawClient.connect(gateway.address.port)
            try await client.send(post())
            #expect(try await demand.first() == scorer)
            await gateway.publish([route(.instance(upstream))])
            let cold = try await client.response()
            #expect(cold.value("X-Modelet-Cold-Start-Ms").flatMap(Int.init) != nil)
            #expect(cold.value("X-Modelet-Served-By") == "instance")
            try await client.send(post())
            #expect(try await client.response().value("X-Modelet-Cold-Start-Ms") == nil)
            await client.close()
        }
        await upstream.stop()
    }

    @Test func callersWhoLeaveAreForgotten() async throws {
        let upstream = try await StubUpstream.start { .ok($0.body) }
        try await withGateway { gateway, demand in
            await gateway.publish([route(.cold(state: .standby))])
            let leaver = try await RawClient.connect(gateway.address.port)
            try await leaver.send(post("leaver"))
            _ = try await demand.first()
            await leaver.close()
            #expect(await gateway.finished(timeout: .seconds(60)))
            let stayer = try await RawClient.connect(gateway.address.port)
            try await stayer.send(post("stayer"))
            await gateway.publish([route(.instance(upstream))])
            #expect(try await stayer.response().body == "stayer")
            #expect(upstream.requests.count == 1)
            await stayer.close()
        }
        await upstream.stop()
    }

    @Test func aLargeBodyWaitsWithItsSender() async throws {
        let upstream = try await StubUpstream.start { .ok("\($0.body.utf8.count)") }
        try await withGateway { gateway, demand in
            await gateway.publish([route(.cold(state: .standby))])
            let client = try await RawClient.connect(gateway.address.port)
            let sending = Task { try await client.send(post(String(repeating: "x", count: 20_000_000))) }
            _ = try await demand.first()
            await gateway.publish([route(.instance(upstream))])
            #expect(try await client.response().body == "20000000")
            try await sending.value
            await client.close()
        }
        await upstream.stop()
    }

    @Test func aLoadThatTakesTooLongIs503() async throws {
        try await withGateway { gateway, _ in
            await gateway.publish([
                route(.cold(state: .starting)) {
                    $0.loadTimeout = Seconds(milliseconds: 50)
                    $0.expectedLoad = Seconds(milliseconds: 60_000)
                }
            ])
            let answer = try await gateway.ask(post())
            #expect(answer.status == 503)
            #expect(answer.body.contains("\"code\":\"model_loading\""))
            #expect(answer.body.contains("\"state\":\"starting\",\"retry_after\":"))
            let retryAfter = try #require(answer.value("Retry-After").flatMap(Int.init))
            #expect((1...60).contains(retryAfter))
        }
    }

    @Test func aLoadThatTakesTooLongGoesToTheFallback() async throws {
        let fallback = try await StubUpstream.start { .ok($0.body) }
        try await withGateway { gateway, demand in
            await gateway.publish([
                route(.cold(state: .standby), base: "http://localhost:\(fallback.port)") {
                    $0.loadTimeout = Seconds(milliseconds: 50)
                }
            ])
            let answer = try await gateway.ask(post("payload"))
            #expect(answer.body == "payload" && answer.value("X-Modelet-Served-By") == "fallback")
            #expect(demand.all == [scorer])
        }
        await fallback.stop()
    }

    @Test func aFailedLoadIsToldWithItsLog() async throws {
        try await withGateway { gateway, demand in
            await gateway.publish([route(.cold(state: .standby))])
            let client = try await RawClient.connect(gateway.address.port)
            try await client.send(post())
            _ = try await demand.first()
            let failed = Unavailability(
                code: "model_backoff", state: .backoff, message: "the server exited with code 3",
                log: ["Traceback", "boom"], retryAfter: Seconds(milliseconds: 3100))
            await gateway.publish([route(.unavailable(failed))])
            let answer = try await client.response()
            #expect(answer.status == 503 && answer.value("Retry-After") == "4")
            let id = try #require(answer.value("X-Request-Id"))
            #expect(
                answer.body == """
                    {"error":"the server exited with code 3","code":"model_backoff","model":"churn/scorer/default",\
                    "state":"backoff","retry_after":4,"request_id":"\(id)","log":["Traceback","boom"]}

                    """)
            await client.close()
        }
    }

    @Test func aFailedLoadGoesToTheFallbackAtOnce() async throws {
        let fallback = try await StubUpstream.start { .ok($0.body) }
        try await withGateway { gateway, demand in
            let base = "http://localhost:\(fallback.port)/api"
            await gateway.publish([route(.cold(state: .standby), base: base)])
            let held = try await RawClient.connect(gateway.address.port)
            try await held.send(post("held"))
            _ = try await demand.first()
            let failed = Unavailability(code: "model_failed", state: .failed, message: "no such file")
            await gateway.publish([route(.unavailable(failed), base: base)])
            #expect(try await held.response().body == "held")
            let answer = try await gateway.ask(post("next"))
            #expect(answer.body == "next" && answer.value("X-Modelet-Served-By") == "fallback")
            #expect(fallback.requests.allSatisfy { $0.line == "POST /api/predict HTTP/1.1" })
            await held.close()
        }
        await fallback.stop()
    }

    @Test func aRemovedModelIs404ForThoseWhoWait() async throws {
        try await withGateway { gateway, demand in
            await gateway.publish([route(.cold(state: .standby))])
            let client = try await RawClient.connect(gateway.address.port)
            try await client.send(post())
            _ = try await demand.first()
            await gateway.publish([.remove(scorer)])
            #expect(try await client.response().status == 404)
            #expect(try await gateway.ask(post()).status == 404)
            await client.close()
        }
    }

    @Test func noMoreCallersAreHeldThanTheBound() async throws {
        try await withGateway(loops: 1) { gateway, _ in
            await gateway.publish([route(.cold(state: .standby))])
            var clients: [RawClient] = []
            for _ in 0..<1024 {
                let client = try await RawClient.connect(gateway.address.port)
                try await client.send(post())
                clients.append(client)
            }
            // Those before may still be under way; the one too many is whoever comes last.
            let last = try await RawClient.connect(gateway.address.port)
            try await last.send(post())
            clients.append(last)
            let answer = try await withThrowingTaskGroup(of: RawResponse.self) { group in
                for client in clients { group.addTask { try await client.response() } }
                defer { group.cancelAll() }
                return try #require(try await group.next())
            }
            #expect(answer.status == 429 && answer.value("Retry-After") != nil)
            for client in clients { await client.close() }
        }
    }
}
