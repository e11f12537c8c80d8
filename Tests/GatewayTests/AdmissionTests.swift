import Gateway
import ModelCore
import Reconciler
import TestSupport
import Testing

/// Models with `max_concurrency`: who is sent on, who waits, and who is refused.
@Suite struct AdmissionTests {
    private static let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    /// A route to `upstream` with a limit. No connection is kept, so that ``StubUpstream/sendMore(_:close:)`` reaches
    /// only those who wait for an answer.
    private func limited(
        _ upstream: StubUpstream, _ limit: Int?, queue: Int = 100, id: String = "instance-1", base: String? = nil,
        _ change: (inout Route) -> Void = { _ in }
    ) -> RouteChange {
        route(.instance(upstream, id: id), base: base) { route in
            route.maxConcurrency = limit.map { .count($0) } ?? .unlimited
            route.maxQueue = queue
            route.keepAlive = .zero
            change(&route)
        }
    }

    /// Callers who ask one after the other; the number of each is its body.
    private func callers(_ numbers: Range<Int>, _ gateway: Gateway, limit: Int) async throws -> [RawClient] {
        var clients: [RawClient] = []
        for number in numbers {
            clients.append(try await gateway.begin("\(number)"))
            try await gateway.load(becomes: min(number + 1, limit), waiting: max(0, number + 1 - limit))
        }
        return clients
    }

    @Test(arguments: [1, 2, 5])
    func noMoreThanTheLimitAreInFlightOverAllLoops(_ limit: Int) async throws {
        let upstream = try await StubUpstream.start { _ in .silence }
        try await withGateway(loops: 3) { gateway, _ in
            await gateway.publish([limited(upstream, limit)])
            let clients = try await callers(0..<12, gateway, limit: limit)
            var done = 0
            while done < clients.count {
                let expected = min(done + limit, clients.count)
                #expect(try await upstream.requests(expected).count == expected)
                #expect(await gateway.activity(of: InstanceID("instance-1")).inFlight == expected - done)
                try await upstream.sendMore(Self.answer)
                for client in clients[done..<expected] { #expect(try await client.response().status == 200) }
                done = expected
            }
            try await gateway.load(becomes: 0, waiting: 0)
            for client in clients { await client.close() }
        }
        await upstream.stop()
    }

    @Test func firstComeFirstServedWhicheverTheLoop() async throws {
        let upstream = try await StubUpstream.start { _ in .silence }
        try await withGateway(loops: 3) { gateway, _ in
            await gateway.publish([limited(upstream, 1)])
            let clients = try await callers(0..<12, gateway, limit: 1)
            for number in clients.indices {
                #expect(try await upstream.requests(number + 1).map(\.body) == (0...number).map(String.init))
                try await upstream.sendMore(Self.answer)
                #expect(try await clients[number].response().status == 200)
            }
            for client in clients { await client.close() }
        }
        await upstream.stop()
    }

    @Test func whoFindsTheQueueFullIsRefused() async throws {
        let upstream = try await StubUpstream.start { _ in .silence }
        let fallback = try await StubUpstream.start()
        try await withGateway { gateway, _ in
            // Another model's server is no way round the limit.
            await gateway.publish([limited(upstream, 1, queue: 1, base: "http://127.0.0.1:\(fallback.port)")])
            let clients = try await callers(0..<2, gateway, limit: 1)
            let answer = try await gateway.ask(post())
            #expect(answer.status == 429)
            let seconds = try #require(answer.value("Retry-After"))
            let id = try #require(answer.value("X-Request-Id"))
            #expect(
                answer.body == """
                    {"error":"the model is busy: max_concurrency (1) is reached, and max_queue (1) requests wait",\
                    "code":"queue_full","model":"churn/scorer/default","state":"ready","retry_after":\(seconds),\
                    "request_id":"\(id)"}

                    """)
            #expect(fallback.requests.isEmpty)
            try await gateway.load(becomes: 1, waiting: 1)
            for client in clients { await client.close() }
        }
        await upstream.stop()
        await fallback.stop()
    }

    @Test func withoutPlacesOnlyFreeSlotsCount() async throws {
        let upstream = try await StubUpstream.start { _ in .silence }
        try await withGateway { gateway, _ in
            await gateway.publish([limited(upstream, 2, queue: 0)])
            let clients = try await callers(0..<2, gateway, limit: 2)
            #expect(try await gateway.ask(post()).status == 429)
            for client in clients { await client.close() }
        }
        await upstream.stop()
    }

    @Test func aWaiterWhoLeavesFreesItsPlace() async throws {
        let upstream = try await StubUpstream.start { _ in .silence }
        try await withGateway { gateway, _ in
            await gateway.publish([limited(upstream, 1, queue: 2)])
            let clients = try await callers(0..<3, gateway, limit: 1)
            #expect(try await gateway.ask(post()).status == 429)
            await clients[1].close()
            try await gateway.load(becomes: 1, waiting: 1)
            let last = try await gateway.begin("3")
            try await gateway.load(becomes: 1, waiting: 2)
            for number in [0, 2, 3] {
                try await eventually("\(number) is asked") { upstream.requests.last?.body == "\(number)" }
                try await upstream.sendMore(Self.answer)
            }
            for client in [clients[0], clients[2], last] { #expect(try await client.response().status == 200) }
            #expect(upstream.requests.map(\.body) == ["0", "2", "3"])
        }
        await upstream.stop()
    }

    // MARK: The clocks

    @Test func noneWaitsLongerThanARequestMayBeHeld() async throws {
        let upstream = try await StubUpstream.start { _ in .silence }
        try await withGateway { gateway, _ in
            await gateway.publish([limited(upstream, 1) { $0.loadTimeout = Seconds(milliseconds: 50) }])
            let first = try await gateway.begin()
            _ = try await upstream.requests(1)
            let answer = try await gateway.ask(post())
            #expect(answer.status == 503 && answer.value("Retry-After") != nil)
            #expect(answer.body.contains("\"code\":\"queue_timeout\"") && answer.body.contains("\"state\":\"ready\""))
            try await gateway.load(becomes: 1, waiting: 0)
            await first.close()
            try await gateway.load(becomes: 0, waiting: 0)
        }
        await upstream.stop()
    }

    @Test func theFallbackTakesWhoHasWaitedTooLongAndHoldsNoSlot() async throws {
        let upstream = try await StubUpstream.start { _ in .silence }
        let fallback = try await StubUpstream.start { _ in .silence }
        try await withGateway { gateway, _ in
            await gateway.publish([
                limited(upstream, 1, base: "http://127.0.0.1:\(fallback.port)") {
                    $0.loadTimeout = Seconds(milliseconds: 50)
                }
            ])
            let first = try await gateway.begin()
            _ = try await upstream.requests(1)
            var others: [RawClient] = []
            for _ in 0..<3 { others.append(try await gateway.begin()) }
            _ = try await fallback.requests(3)
            #expect(gateway.admissionLoad(of: scorer) == AdmissionLoad(inFlight: 1, waiting: 0))
            try await fallback.sendMore(Self.answer)
            for client in others {
                #expect(try await client.response().value("X-Modelet-Served-By") == "fallback")
                await client.close()
            }
            await first.close()
        }
        await upstream.stop()
        await fallback.stop()
    }

    @Test func whoMovesOnToTheFallbackGivesItsSlotBack() async throws {
        let upstream = try await StubUpstream.start { _ in .bytesAndClose("") }
        let fallback = try await StubUpstream.start { _ in .silence }
        try await withGateway { gateway, _ in
            await gateway.publish([limited(upstream, 1, base: "http://127.0.0.1:\(fallback.port)")])
            var clients: [RawClient] = []
            for count in 1...3 {
                clients.append(try await gateway.begin())
                _ = try await fallback.requests(count)
                #expect(gateway.admissionLoad(of: scorer) == AdmissionLoad(inFlight: 0, waiting: 0))
            }
            for client in clients { await client.close() }
        }
        await upstream.stop()
        await fallback.stop()
    }

    /// The clock of a prediction starts when it is sent, not when it begins to wait.
    @Test func waitingIsNotPredicting() async throws {
        let upstream = try await StubUpstream.start { _ in .silence }
        try await withGateway { gateway, _ in
            await gateway.publish([limited(upstream, 1) { $0.timeout = Seconds(milliseconds: 400) }])
            let clients = try await callers(0..<2, gateway, limit: 1)
            // The first gives its slot back by its own timeout; only then the clock of the second begins.
            #expect(try await clients[0].response().status == 504)
            _ = try await upstream.requests(2)
            #expect(try await clients[1].response().status == 504)
            try await gateway.load(becomes: 0, waiting: 0)
            for client in clients { await client.close() }
        }
        await upstream.stop()
    }

    // MARK: Every end gives the slot back

    @Test func everyEndGivesTheSlotBack() async throws {
        let upstream = try await StubUpstream.start { request in
            switch request.body {
            case "dies": .bytesAndClose("")
            case "breaks": .bytesAndClose("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
            case "garbage": .bytes("garbage\r\n\r\n")
            case "silent": .silence
            default: .ok()
            }
        }
        let fallback = try await StubUpstream.start()
        try await withGateway { gateway, _ in
            for base in [nil, "http://127.0.0.1:\(fallback.port)"] {
                await gateway.publish([
                    limited(upstream, 1, base: base) { $0.timeout = Seconds(milliseconds: 200) }
                ])
                for body in ["fine", "dies", "breaks", "garbage", "silent", "leaves"] {
                    let client = try await gateway.begin(body == "leaves" ? "silent" : body)
                    if body == "leaves" {
                        try await gateway.load(becomes: 1, waiting: 0)
                        await client.close()
                    } else if body == "breaks" {
                        _ = try await client.rest()
                    } else {
                        _ = try await client.response()
                    }
                    try await gateway.load(becomes: 0, waiting: 0)
                    await client.close()
                }
                await gateway.publish([route(.cold(state: .standby)) { $0.maxConcurrency = .count(1) }])
            }
        }
        await upstream.stop()
        await fallback.stop()
    }
}
