import Logging
import ModelCore
import NIOCore
import NIOPosix
import Reconciler
import Synchronization
import TestSupport
import Testing

@testable import Gateway

/// However a connection ends, nothing keeps it in memory.
@Suite struct ReleaseTests {
    @Test func noConnectionOutlivesItsEnd() async throws {
        let upstream = try await StubUpstream.start { request in
            switch request.body {
            case "wait": .silence
            case "die": .bytesAndClose("")
            case "break": .bytesAndClose("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
            default: request.value("Upgrade") == nil ? .ok() : .bytes(Self.switching)
            }
        }
        let demand = RecordedDemand()
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let shared = GatewayShared(
            demand: demand, log: Logger(label: "gateway.tests") { _ in SwiftLogNoOpLogHandler() })
        let worker = LoopWorker(group.next(), index: 0, of: 1, shared: shared)
        let connections = WeakConnections()
        let listener = try await ServerBootstrap(group: group)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let connection = ClientConnection(worker: worker)
                    connections.add(connection)
                    try channel.pipeline.syncOperations.addHandler(connection)
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let queue = AdmissionQueue(.init(concurrency: 1, places: 10))
        let routes = [
            Self.prepared(route(.instance(upstream))),
            Self.prepared(route(.cold(state: .standby), key: .init(domain: "a", source: "cold", model: "default"))),
            Self.prepared(
                route(.instance(upstream, id: "limited"), key: .init(domain: "a", source: "limited", model: "default"))
                {
                    $0.maxConcurrency = .count(1)
                }, queue),
        ].compactMap(\.self)
        try await worker.eventLoop.submit { worker.apply(routes) }.get()
        let port = listener.localAddress?.port ?? 0

        // Each of them is left open until all have got as far as they can.
        var clients: [RawClient] = []
        for request in [
            post(), post("wait"), post("die"), post("break"), post(path: "/orchestrator/a/cold"),
            post("wait", path: "/orchestrator/a/limited"), post("wait", path: "/orchestrator/a/limited"),
            post(path: "/nowhere"), "nonsense\r\n\r\n", "POST /",
            "POST /orchestrator/churn/scorer HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n",
            "POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n",
            "POST /orchestrator/churn/scorer HTTP/1.0\r\nContent-Length: 1\r\n\r\nx",
            "GET /upstream/churn/scorer/default/ HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        ] {
            let client = try await RawClient.connect(port)
            try await client.send(request)
            clients.append(client)
        }
        _ = try await upstream.requests(7)
        _ = try await demand.first()
        try await eventually("a place in the queue") { queue.load == AdmissionLoad(inFlight: 1, waiting: 1) }
        #expect(connections.count == clients.count)
        for (index, client) in clients.enumerated() {
            if index.isMultiple(of: 2) { await client.close() } else { try? await client.reset() }
        }
        try await eventually("the release of all connections") { connections.alive == 0 }
        #expect(queue.load == AdmissionLoad(inFlight: 0, waiting: 0))
        try await worker.eventLoop.submit { worker.close() }.get()
        try await listener.close().get()
        try await group.shutdownGracefully()
        await upstream.stop()
    }

    private static let switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"

    private static func prepared(_ change: RouteChange, _ queue: AdmissionQueue? = nil) -> PreparedChange? {
        guard case .set(let route) = change else { return nil }
        return .set(PreparedRoute(route, queue: queue) { throw ChannelError.eof })
    }
}

/// Remembers connections without keeping them.
///
/// `@unchecked Sendable`: all that other threads learn is whether a reference is gone.
private final class WeakConnections: @unchecked Sendable {
    private struct Reference { weak var connection: ClientConnection? }
    private var references: [Reference] = []
    private let lock = Mutex(())

    func add(_ connection: ClientConnection) {
        lock.withLock { _ in references.append(Reference(connection: connection)) }
    }

    var count: Int { lock.withLock { _ in references.count } }
    var alive: Int { lock.withLock { _ in references.count { $0.connection != nil } } }
}
