import ModelCore
import NIOCore
import Reconciler
import TestSupport
import Testing

@testable import Gateway

@Suite struct BreakerTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    @Test func itOpensWithTheFirstFailureAndClosesWithTheFirstAnswer() {
        var breaker = Breaker()
        #expect(breaker.isClosed && breaker.allowsTry(at: start))
        breaker.noteFailure("refused", ofTryAt: start, at: start)
        #expect(!breaker.isClosed && !breaker.allowsTry(at: start) && breaker.fault == "refused")
        breaker.noteAnswer()
        #expect(breaker.isClosed && breaker.allowsTry(at: start))
    }

    @Test func oneTrialAPauseAndThePauseGrows() {
        var breaker = Breaker()
        var now = start
        breaker.noteFailure("refused", ofTryAt: now, at: now)
        for milliseconds: Int64 in [100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000] {
            let pause = TimeAmount.milliseconds(milliseconds)
            #expect(!breaker.allowsTry(at: now + pause - .nanoseconds(1)))
            now = now + pause
            #expect(breaker.allowsTry(at: now))
            breaker.noteTry(at: now)
            #expect(!breaker.allowsTry(at: now))
            breaker.noteFailure("refused", ofTryAt: now, at: now)
        }
    }

    /// A trial whose client leaves, or that hangs, says nothing; the next one may find out.
    @Test func aTrialThatSaysNothingIsFollowedByAnother() {
        var breaker = Breaker()
        breaker.noteFailure("refused", ofTryAt: start, at: start)
        breaker.noteTry(at: start + .milliseconds(100))
        #expect(!breaker.allowsTry(at: start + .milliseconds(199)))
        #expect(breaker.allowsTry(at: start + .milliseconds(200)))
    }

    @Test func whatFailsTogetherCountsOnce() {
        var breaker = Breaker()
        for index: Int64 in 0..<50 {
            breaker.noteFailure("refused", ofTryAt: start, at: start + .milliseconds(1 + index))
        }
        #expect(breaker.allowsTry(at: start + .milliseconds(101)))
    }
}

/// The breaker in the gateway. An instance that accepts and closes stands for one that refuses: it can count.
@Suite struct BreakerRouteTests {
    private func change(_ upstream: StubUpstream, _ fallback: StubUpstream?, id: String = "instance-1") -> RouteChange {
        route(.instance(upstream, id: id), base: fallback.map { "http://127.0.0.1:\($0.port)" })
    }

    @Test func notEveryRequestPaysForTheTry() async throws {
        let upstream = try await StubUpstream.start { _ in .bytesAndClose("") }
        let fallback = try await StubUpstream.start { .ok($0.body) }
        try await withGateway(loops: 1) { gateway, _ in
            await gateway.publish([change(upstream, fallback)])
            for index in 0..<60 {
                let answer = try await gateway.ask(post("\(index)"))
                #expect(answer.status == 200 && answer.body == "\(index)")
                #expect(answer.value("X-Modelet-Served-By") == "fallback")
            }
            // One, and a few trials in the time that this takes on a slow machine.
            #expect((1...20).contains(upstream.requests.count))
        }
        await upstream.stop()
        await fallback.stop()
    }

    @Test func theInstanceComesBackByItself() async throws {
        let upstream = try await StubUpstream.start { $0.index < 2 ? .bytesAndClose("") : .ok("back") }
        let fallback = try await StubUpstream.start()
        try await withGateway(loops: 1) { gateway, _ in
            await gateway.publish([change(upstream, fallback)])
            #expect(try await gateway.ask(post()).value("X-Modelet-Served-By") == "fallback")
            try await eventually("the instance serves again") { try await gateway.ask(post()).body == "back" }
            // From the first answer on it is closed.
            for _ in 0..<5 { #expect(try await gateway.ask(post()).body == "back") }
        }
        await upstream.stop()
        await fallback.stop()
    }

    @Test func withoutAFallbackEveryRequestTries() async throws {
        let upstream = try await StubUpstream.start { _ in .bytesAndClose("") }
        try await withGateway(loops: 1) { gateway, _ in
            await gateway.publish([change(upstream, nil)])
            for _ in 0..<10 {
                let answer = try await gateway.ask(post())
                #expect(answer.status == 502)
            }
            #expect(upstream.requests.count == 10)
        }
        await upstream.stop()
    }

    @Test func aNewInstanceStartsClosed() async throws {
        let dead = try await StubUpstream.start { $0.body == "silent" ? .silence : .bytesAndClose("") }
        let alive = try await StubUpstream.start()
        let fallback = try await StubUpstream.start()
        try await withGateway(loops: 1) { gateway, _ in
            for round in 0..<5 {
                await gateway.publish([change(dead, fallback, id: "dead-\(round)")])
                _ = try await gateway.ask(post())
                #expect(dead.requests.count == round + 1)
                await gateway.publish([change(alive, fallback, id: "alive-\(round)")])
                #expect(try await gateway.ask(post()).value("X-Modelet-Served-By") == "instance")
            }
            // The same one, after it was taken out of the route and put back, with a request in flight all the while.
            await gateway.publish([change(dead, fallback)])
            let silent = try await gateway.begin("silent")
            _ = try await dead.requests(6)
            for round in 0..<5 {
                let sick = Unavailability(code: "model_unhealthy", state: .unhealthy, message: "sick")
                await gateway.publish([route(.unavailable(sick), base: "http://127.0.0.1:\(fallback.port)")])
                await gateway.publish([change(dead, fallback)])
                _ = try await gateway.ask(post())
                #expect(dead.requests.count == 6 + round + 1)
            }
            await silent.close()
        }
        for upstream in [dead, alive, fallback] { await upstream.stop() }
    }

    @Test func anErrorOfAHealthyModelOpensNothing() async throws {
        let upstream = try await StubUpstream.start { request in
            .bytes("HTTP/1.1 \(request.index % 2 == 0 ? 404 : 500) X\r\nContent-Length: 0\r\n\r\n")
        }
        let fallback = try await StubUpstream.start()
        try await withGateway(loops: 1) { gateway, _ in
            await gateway.publish([change(upstream, fallback)])
            for index in 0..<6 {
                let answer = try await gateway.ask(post())
                #expect(answer.status == (index % 2 == 0 ? 404 : 500))
                #expect(answer.value("X-Modelet-Served-By") == "instance")
            }
            #expect(fallback.requests.isEmpty)
        }
        await upstream.stop()
        await fallback.stop()
    }

    /// Where the fallback fails as well, why the model could not serve comes first.
    @Test func bothFaultsAreTold() async throws {
        let upstream = try await StubUpstream.start { _ in .bytesAndClose("") }
        let fallback = try await StubUpstream.start()
        await fallback.stop()
        try await withGateway(loops: 1) { gateway, _ in
            await gateway.publish([change(upstream, fallback)])
            for _ in 0..<3 {
                let answer = try await gateway.ask(post())
                #expect(answer.status == 502 && answer.body.contains("\"code\":\"fallback_failed\""))
                #expect(answer.body.contains("instance instance-1 at 127.0.0.1:\(upstream.port) closed the connection"))
            }
        }
        await upstream.stop()
    }

    /// With the breaker open, those who wait for a slot need none.
    @Test func waitersGoToTheFallbackToo() async throws {
        let upstream = try await StubUpstream.start { $0.body == "first" ? .silence : .bytesAndClose("") }
        let fallback = try await StubUpstream.start()
        try await withGateway(loops: 1) { gateway, _ in
            await gateway.publish([
                route(.instance(upstream), base: "http://127.0.0.1:\(fallback.port)") { $0.maxConcurrency = .count(1) }
            ])
            let first = try await gateway.begin("first")
            try await gateway.load(becomes: 1, waiting: 0)
            var clients: [RawClient] = []
            for count in 1...5 {
                clients.append(try await gateway.begin())
                try await gateway.load(becomes: 1, waiting: count)
            }
            await first.close()
            for client in clients {
                #expect(try await client.response().value("X-Modelet-Served-By") == "fallback")
                await client.close()
            }
            try await gateway.load(becomes: 0, waiting: 0)
        }
        await upstream.stop()
        await fallback.stop()
    }
}
