import Gateway
import ModelCore
import Reconciler
import Testing

/// What becomes of those who wait for a slot when the route changes.
@Suite struct AdmissionRouteTests {
    private static let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    private func change(_ target: Route.Target, _ limit: Limit = .count(1), base: String? = nil) -> RouteChange {
        route(target, base: base) { route in
            route.maxConcurrency = limit
            route.keepAlive = .zero
        }
    }

    /// One request is in flight and two wait; `body` changes the route.
    private func withWaiters(
        _ body: (Gateway, RecordedDemand, StubUpstream, _ waiters: [RawClient]) async throws -> Void
    ) async throws {
        let upstream = try await StubUpstream.start { _ in .silence }
        try await withGateway { gateway, demand in
            await gateway.publish([change(.instance(upstream))])
            var clients: [RawClient] = []
            for number in 0..<3 {
                clients.append(try await gateway.begin("\(number)"))
                try await gateway.load(becomes: 1, waiting: number)
            }
            try await body(gateway, demand, upstream, Array(clients.dropFirst()))
            for client in clients { await client.close() }
        }
        await upstream.stop()
    }

    @Test func theyFollowToTheNextInstance() async throws {
        let next = try await StubUpstream.start { .ok($0.body) }
        try await withWaiters { gateway, _, upstream, waiters in
            await gateway.publish([change(.instance(next, id: "instance-2"))])
            // The one at the old instance is still in flight at the model.
            #expect(gateway.admissionLoad(of: scorer) == AdmissionLoad(inFlight: 1, waiting: 2))
            try await upstream.sendMore(Self.answer)
            for (index, client) in waiters.enumerated() {
                #expect(try await client.response().body == "\(index + 1)")
            }
            #expect(next.requests.map(\.body) == ["1", "2"])
        }
        await next.stop()
    }

    @Test func theyAreHeldWhereTheInstanceIsGone() async throws {
        let next = try await StubUpstream.start { .ok($0.body) }
        try await withWaiters { gateway, demand, _, waiters in
            await gateway.publish([change(.cold(state: .standby))])
            #expect(gateway.admissionLoad(of: scorer) == AdmissionLoad(inFlight: 1, waiting: 0))
            _ = try await demand.first()
            await gateway.publish([change(.instance(next, id: "instance-2"), .count(2))])
            for (index, client) in waiters.enumerated() {
                let answer = try await client.response()
                #expect(answer.body == "\(index + 1)" && answer.value("X-Modelet-Cold-Start-Ms") != nil)
            }
        }
        await next.stop()
    }

    @Test func theyAreAnsweredWhereNothingCanServe() async throws {
        let failed = Unavailability(code: "model_unhealthy", state: .unhealthy, message: "liveness probe fails")
        try await withWaiters { gateway, _, _, waiters in
            await gateway.publish([change(.unavailable(failed))])
            for client in waiters {
                let answer = try await client.response()
                #expect(answer.status == 503 && answer.body.contains("model_unhealthy"))
            }
            #expect(gateway.admissionLoad(of: scorer) == AdmissionLoad(inFlight: 1, waiting: 0))
        }
    }

    @Test func theyAreToldOfTheRemoval() async throws {
        try await withWaiters { gateway, _, upstream, waiters in
            await gateway.publish([.remove(scorer)])
            for client in waiters {
                let answer = try await client.response()
                #expect(answer.status == 404)
            }
            #expect(upstream.requests.count == 1)
        }
    }

    @Test func theyAreToldOfTheShutdown() async throws {
        try await withWaiters { gateway, _, _, waiters in
            await gateway.beginShutdown()
            for client in waiters {
                let answer = try await client.response()
                #expect(answer.status == 503 && answer.body.contains("shutting_down"))
            }
            try await gateway.load(becomes: 1, waiting: 0)
        }
    }

    // MARK: Edits

    @Test func aWiderLimitLetsThemGo() async throws {
        try await withWaiters { gateway, _, upstream, waiters in
            await gateway.publish([change(.instance(upstream), .count(2))])
            _ = try await upstream.requests(2)
            #expect(gateway.admissionLoad(of: scorer) == AdmissionLoad(inFlight: 2, waiting: 1))
            await gateway.publish([change(.instance(upstream), .unlimited)])
            _ = try await upstream.requests(3)
            try await upstream.sendMore(Self.answer)
            for client in waiters { #expect(try await client.response().status == 200) }
            // Slots from before count until they are given back.
            try await gateway.load(becomes: 0, waiting: 0)
        }
    }

    @Test func aNewLimitCountsWhatIsInFlightAlready() async throws {
        let upstream = try await StubUpstream.start { _ in .silence }
        try await withGateway(loops: 3) { gateway, _ in
            await gateway.publish([change(.instance(upstream), .unlimited)])
            var clients: [RawClient] = []
            for _ in 0..<6 { clients.append(try await gateway.begin()) }
            _ = try await upstream.requests(6)
            await gateway.publish([change(.instance(upstream), .count(2))])
            #expect(gateway.admissionLoad(of: scorer) == AdmissionLoad(inFlight: 6, waiting: 0))
            clients.append(try await gateway.begin())
            try await gateway.load(becomes: 6, waiting: 1)
            // Four of them more than the limit: each end is one less, and only the fifth makes room.
            for count in [5, 4, 3, 2] {
                await clients.removeFirst().close()
                try await gateway.load(becomes: count, waiting: 1)
            }
            await clients.removeFirst().close()
            try await gateway.load(becomes: 2, waiting: 0)
            #expect(try await upstream.requests(7).count == 7)
            for client in clients { await client.close() }
            try await gateway.load(becomes: 0, waiting: 0)
        }
        await upstream.stop()
    }

    /// Nothing is counted twice, and nothing is left over.
    @Test func aLimitThatComesAndGoes() async throws {
        let upstream = try await StubUpstream.start { _ in .silence }
        try await withGateway(loops: 3) { gateway, _ in
            var clients: [RawClient] = []
            for (count, limit) in [Limit.unlimited, .count(9), .unlimited, .count(8), .count(9)].enumerated() {
                await gateway.publish([change(.instance(upstream), limit)])
                if limit != .unlimited { try await gateway.load(becomes: count, waiting: 0) }
                clients.append(try await gateway.begin())
                _ = try await upstream.requests(count + 1)
            }
            try await gateway.load(becomes: 5, waiting: 0)
            for client in clients { await client.close() }
            try await gateway.load(becomes: 0, waiting: 0)
        }
        await upstream.stop()
    }

    // MARK: Cold starts

    /// Whoever was held for the load has been accepted: all are served, in the order of their coming.
    @Test func heldCallersAreServedHoweverShortTheQueue() async throws {
        let upstream = try await StubUpstream.start { _ in .silence }
        try await withGateway { gateway, demand in
            let limits = { (route: inout Route) in
                route.maxConcurrency = .count(1)
                route.maxQueue = 3
                route.keepAlive = .zero
            }
            await gateway.publish([route(.cold(state: .standby), limits)])
            var clients: [RawClient] = []
            for number in 0..<20 {
                clients.append(try await gateway.begin("\(number)"))
                try await demand.count(number + 1)
            }
            await gateway.publish([route(.instance(upstream), limits)])
            #expect(gateway.admissionLoad(of: scorer) == AdmissionLoad(inFlight: 1, waiting: 19))
            #expect(try await gateway.ask(post("late")).status == 429)
            for count in 1...20 {
                _ = try await upstream.requests(count)
                try await upstream.sendMore(Self.answer)
            }
            for client in clients {
                let answer = try await client.response()
                #expect(answer.status == 200 && answer.value("X-Modelet-Cold-Start-Ms") != nil)
                await client.close()
            }
            let order = upstream.requests.compactMap { Int($0.body) }
            // Which loop hears first of the route is chance; from the second on it is the order of their coming.
            #expect(Array(order.dropFirst()) == order.dropFirst().sorted() && Set(order) == Set(0..<20))
        }
        await upstream.stop()
    }

    @Test func waitingForASlotIsNoColdStart() async throws {
        try await withWaiters { gateway, _, upstream, waiters in
            for count in 1...3 {
                _ = try await upstream.requests(count)
                try await upstream.sendMore(Self.answer)
            }
            for client in waiters {
                let answer = try await client.response()
                #expect(answer.status == 200 && answer.value("X-Modelet-Cold-Start-Ms") == nil)
            }
        }
    }
}
