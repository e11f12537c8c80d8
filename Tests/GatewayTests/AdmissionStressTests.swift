import Gateway
import ModelCore
import Reconciler
import Testing

/// Callers who leave when they like, upstreams that fail in every way, and a route that changes all the while: in the
/// end no slot is taken and nobody waits.
@Suite struct AdmissionStressTests {
    @Test(arguments: [1, 2, 3])
    func everySlotComesBack(_ seed: UInt64) async throws {
        let upstreams = [try await StubUpstream.start(Self.answer), try await StubUpstream.start(Self.answer)]
        let fallback = try await StubUpstream.start(Self.answer)
        try await withGateway(loops: 3) { gateway, _ in
            await gateway.publish([Self.calm(upstreams[0])])
            try await withThrowingTaskGroup(of: Int.self) { group in
                for caller in 0..<16 {
                    group.addTask { try await Self.call(gateway, seed: seed * 100 + UInt64(caller)) }
                }
                group.addTask {
                    var random = SeededGenerator(seed: seed)
                    for _ in 0..<150 {
                        await gateway.publish([Self.anyRoute(upstreams, fallback, &random)])
                        for _ in 0..<Int.random(in: 0..<50, using: &random) { await Task.yield() }
                    }
                    await gateway.publish([Self.calm(upstreams[0])])
                    return 0
                }
                let answered = try await group.reduce(0, +)
                #expect(answered > 0)
            }
            try await gateway.load(becomes: 0, waiting: 0)
            #expect(await gateway.finished(timeout: .seconds(60)))
            #expect(try await gateway.ask(post("fine")).status == 200)
        }
        for upstream in upstreams + [fallback] { await upstream.stop() }
    }

    /// Who is not answered gives up after this long.
    private static let timeout = Seconds(milliseconds: 100)

    private static func calm(_ upstream: StubUpstream) -> RouteChange {
        route(.instance(upstream)) { route in
            route.maxConcurrency = .count(2)
            route.timeout = timeout
        }
    }

    private static func anyRoute(
        _ upstreams: [StubUpstream], _ fallback: StubUpstream, _ random: inout SeededGenerator
    ) -> RouteChange {
        let which = Int.random(in: 0..<8, using: &random)
        let target: Route.Target =
            switch which {
            case 0: .cold(state: .starting)
            case 1: .unavailable(Unavailability(code: "model_unhealthy", state: .unhealthy, message: "sick"))
            default: .instance(upstreams[which % 2], id: "instance-\(which % 2)")
            }
        let limit = Int.random(in: 0..<5, using: &random)
        let hasFallback = Bool.random(using: &random)
        let queue = Int.random(in: 0..<20, using: &random)
        return route(target, base: hasFallback ? "http://127.0.0.1:\(fallback.port)" : nil) { route in
            route.maxConcurrency = limit == 0 ? .unlimited : .count(limit)
            route.maxQueue = queue
            route.timeout = timeout
            route.loadTimeout = timeout
        }
    }

    @Sendable private static func answer(_ request: StubUpstream.Request) -> StubUpstream.Answer {
        switch request.body {
        case "dies": .bytesAndClose("")
        case "breaks": .bytesAndClose("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        case "garbage": .bytes("garbage\r\n\r\n")
        case "silent": .silence
        default: .ok()
        }
    }

    /// Asks again and again, and leaves now and then without waiting for the answer. Returns how often it was answered.
    private static func call(_ gateway: Gateway, seed: UInt64) async throws -> Int {
        var random = SeededGenerator(seed: seed)
        var answered = 0
        for _ in 0..<40 {
            let body = ["fine", "fine", "fine", "dies", "breaks", "garbage", "silent"].randomElement(using: &random)
            let client = try await gateway.begin(body ?? "fine")
            if Int.random(in: 0..<3, using: &random) == 0 {
                for _ in 0..<Int.random(in: 0..<30, using: &random) { await Task.yield() }
            } else if body == "breaks" {
                // Its answer is a broken one, or the gateway's own, which leaves the connection open.
                _ = try await client.discardSome()
                answered += 1
            } else {
                _ = try await client.response()
                answered += 1
            }
            await client.close()
        }
        return answered
    }
}
