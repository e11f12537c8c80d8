import Glibc
import Logging
package import ModelCore
import NIOCore
import NIOPosix
package import Reconciler
import Synchronization

/// The data plane: takes predictions from clients and forwards them to whatever serves their models.
///
/// Every event loop owns its own routes, connections and counters; what is published is posted to each of them.
package final class Gateway: RouteTable, Sendable {
    package let address: Address
    private let group: MultiThreadedEventLoopGroup
    private let listener: any Channel
    private let workers: [LoopWorker]
    private let shared: GatewayShared
    private let tls: TLSContexts
    /// Held while a change is posted, so that two concurrent changes reach all loops in the same order.
    private let posting = Mutex(State())

    private struct State {
        var isClosed = false
    }

    private init(
        group: MultiThreadedEventLoopGroup, listener: any Channel, address: Address, workers: [LoopWorker],
        shared: GatewayShared, tls: TLSContexts
    ) {
        self.group = group
        self.listener = listener
        self.address = address
        self.workers = workers
        self.shared = shared
        self.tls = tls
    }

    /// Begins to listen. Until something is published every model is unknown, and until ``setReadiness(_:)`` the
    /// gateway is not ready.
    package static func start(_ configuration: Configuration) async throws(GatewayError) -> Gateway {
        let loops = max(1, configuration.loops ?? System.coreCount)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: loops)
        let shared = GatewayShared(demand: configuration.demand, log: configuration.log)
        let workers = group.makeIterator().map { LoopWorker($0, shared: shared, loops: loops) }
        for worker in workers { worker.peers = workers.filter { $0 !== worker } }
        do {
            let listener = try await bootstrap(group, workers)
                .bind(host: configuration.host, port: configuration.port).get()
            let local = listener.localAddress
            let address = Address(
                host: local?.ipAddress ?? configuration.host, port: local?.port ?? configuration.port)
            return Gateway(
                group: group, listener: listener, address: address, workers: workers, shared: shared,
                tls: TLSContexts(authorities: configuration.trustedAuthorities))
        } catch {
            try? await group.shutdownGracefully()
            throw Self.fault(error, configuration)
        }
    }

    /// One listener, whose connections are dealt out to the loops in turn. SO_REUSEPORT would let a second program
    /// share the port unnoticed, and deals by a hash: unevenly, where connections are few.
    private static func bootstrap(_ group: MultiThreadedEventLoopGroup, _ workers: [LoopWorker]) -> ServerBootstrap {
        let byLoop = Dictionary(uniqueKeysWithValues: workers.map { (ObjectIdentifier($0.eventLoop), $0) })
        return ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: Limits.backlog)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
            .childChannelOption(.writeBufferWaterMark, value: Limits.writeBuffer)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let worker = byLoop[ObjectIdentifier(channel.eventLoop)] else { throw ChannelError.eof }
                    try channel.pipeline.syncOperations.addHandler(ClientConnection(worker: worker))
                }
            }
    }

    private static func fault(_ error: any Error, _ configuration: Configuration) -> GatewayError {
        switch (error as? IOError)?.errnoCode {
        case EADDRINUSE: .addressInUse(host: configuration.host, port: configuration.port)
        case EACCES: .notPermitted(host: configuration.host, port: configuration.port)
        default: .cannotListen("cannot listen on \(configuration.host):\(configuration.port): \(error)")
        }
    }

    // MARK: RouteTable

    package func publish(_ changes: [RouteChange]) async {
        let prepared = changes.map(prepare)
        await post { $0.apply(prepared) }
    }

    package func drained(_ instance: InstanceID, timeout: Duration) async -> Bool {
        await allDrained(instance, timeout)
    }

    private func prepare(_ change: RouteChange) -> PreparedChange {
        switch change {
        case .remove(let key):
            return .remove(key)
        case .set(let route):
            let prepared = PreparedRoute(route) { try tls.context() }
            if let fault = prepared.baseURLFault {
                shared.log.warning(
                    "base_url cannot be used",
                    metadata: ["model.key": "\(route.key)", "error.message": "\(fault)"])
            }
            if !prepared.overrides.refused.isEmpty {
                shared.log.warning(
                    "headers of the manifest are left out",
                    metadata: [
                        "model.key": "\(route.key)",
                        "http.headers": "\(prepared.overrides.refused.joined(separator: ", "))",
                    ])
            }
            return .set(prepared)
        }
    }

    // MARK: Life

    /// Sets what `/v2/health/ready` answers.
    package func setReadiness(_ readiness: Readiness) {
        shared.readiness = readiness
    }

    /// How busy an instance is. A completed prediction counts as a successful probe, and resets the idle time.
    package func activity(of instance: InstanceID) async -> InstanceActivity {
        var activity = InstanceActivity(inFlight: 0, sinceLastAnswer: nil)
        for worker in workers {
            guard let part = try? await worker.eventLoop.submit({ worker.activity(of: instance) }).get() else {
                continue
            }
            activity.inFlight += part.inFlight
            guard let last = part.lastAnswer else { continue }
            let since = Duration(NIODeadline.now() - last)
            activity.sinceLastAnswer = min(activity.sinceLastAnswer ?? since, since)
        }
        return activity
    }

    /// From now on new predictions, and those still held for a load, are answered 503 `shutting_down`; those in
    /// flight go on.
    package func beginShutdown() async {
        await post { $0.beginShutdown() }
    }

    /// Waits until no client's request is in flight, or `timeout` has passed. Returns whether none is.
    package func finished(timeout: Duration) async -> Bool {
        await allDrained(nil, timeout)
    }

    /// Stops listening, breaks off what is still in flight, and ends the event loops. Idempotent.
    package func close() async {
        let isFirst = posting.withLock { state in
            defer { state.isClosed = true }
            return !state.isClosed
        }
        guard isFirst else { return }
        try? await listener.close().get()
        for worker in workers { try? await worker.eventLoop.submit { worker.close() }.get() }
        do {
            try await group.shutdownGracefully()
        } catch {
            shared.log.error("event loops did not end", metadata: ["error.message": "\(error)"])
        }
    }

    // MARK: Posting

    /// Runs `work` once on every loop, and returns when all have. After ``close()`` it does nothing.
    private func post(_ work: @escaping @Sendable (LoopWorker) -> Void) async {
        let done = posting.withLock { state -> [EventLoopFuture<Void>] in
            guard !state.isClosed else { return [] }
            return workers.map { worker in worker.eventLoop.submit { work(worker) } }
        }
        for future in done { try? await future.get() }
    }

    private func allDrained(_ instance: InstanceID?, _ timeout: Duration) async -> Bool {
        let parts = posting.withLock { state -> [EventLoopFuture<Bool>] in
            guard !state.isClosed else { return [] }
            return workers.map { worker in
                worker.eventLoop.flatSubmit { worker.drained(instance, timeout: TimeAmount(timeout)) }
            }
        }
        var isDrained = true
        for part in parts { isDrained = ((try? await part.get()) ?? true) && isDrained }
        return isDrained
    }
}
