import Gateway
import ModelCore
import Reconciler
import Testing

/// Servers that serve one connection at a time, as those of Python's standard library do.
@Suite struct OneThreadedTests {
    @Test func everyoneIsAnsweredByAServerOfOneConnection() async throws {
        let upstream = try await StubUpstream.start(isOneThreaded: true) { .ok($0.body) }
        try await withGateway { gateway, _ in
            // An idle connection kept this long would starve the others until their time is up.
            await gateway.publish([
                route(.instance(upstream)) {
                    $0.keepAlive = 3600
                    $0.timeout = 60
                }
            ])
            try await withThrowingTaskGroup(of: Void.self) { group in
                for caller in 0..<20 {
                    group.addTask {
                        let client = try await RawClient.connect(gateway.address.port)
                        for round in 0..<5 {
                            try await client.send(post("\(caller) \(round)"))
                            #expect(try await client.response().body == "\(caller) \(round)")
                        }
                        await client.close()
                    }
                }
                try await group.waitForAll()
            }
            #expect(upstream.requests.count == 100)
        }
        await upstream.stop()
    }

    /// The connection that idles belongs to another event loop than the one that waits.
    @Test func aConnectionOfAnotherLoopGivesWay() async throws {
        let upstream = try await StubUpstream.start(isOneThreaded: true) { .ok($0.body) }
        try await withGateway { gateway, _ in
            await gateway.publish([route(.instance(upstream)) { $0.keepAlive = 3600 }])
            var clients: [RawClient] = []
            for _ in 0..<4 { clients.append(try await RawClient.connect(gateway.address.port)) }
            for round in 0..<3 {
                for (index, client) in clients.enumerated() {
                    try await client.send(post("\(index) \(round)"))
                    #expect(try await client.response().body == "\(index) \(round)")
                }
            }
            for client in clients { await client.close() }
        }
        await upstream.stop()
    }

    /// A server that merely takes its time keeps its connections.
    @Test func aSlowServerKeepsItsConnections() async throws {
        let upstream = try await StubUpstream.start()
        try await withGateway(loops: 1) { gateway, _ in
            await gateway.publish([route(.instance(upstream))])
            var clients: [RawClient] = []
            for _ in 0..<4 { clients.append(try await RawClient.connect(gateway.address.port)) }
            for _ in 0..<20 {
                for client in clients {
                    try await client.send(post())
                    #expect(try await client.response().status == 200)
                }
            }
            #expect(upstream.connections < 20)
            for client in clients { await client.close() }
        }
        await upstream.stop()
    }
}
