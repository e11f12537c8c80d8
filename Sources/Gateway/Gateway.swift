import Glibc
package import Logging
package import ModelCore
import NIOCore
import NIOPosix
import NIOSSL
package import Reconciler
import Synchronization

/// The data plane: takes predictions from clients and forwards them to whatever serves their models.
///
/// Every event loop owns its own routes, connections and counters; what is published is posted to each of them.
package final class Gateway: RouteTable, Sendable {
    private let group: MultiThreadedEventLoopGroup
    private let workers: [LoopWorker]
    private let shared: GatewayShared
    private let tls: TLSContexts
    /// Held while a change is posted, so that two concurrent changes reach all loops in the same order.
    private let state = Mutex(State())

    private struct State {
        var listener: (any Channel)?
        var address: Address?
        var isClosed = false
        var lastDrain: UInt64 = 0
    }

    /// Makes a gateway that does not listen yet: what is published first is what its first client meets.
    /// ``close()`` must be called in the end.
    /// - Parameters:
    ///   - demand: who is told that a cold model is wanted.
    ///   - loops: event loops, one thread each; `nil`: one a core.
    ///   - trustedAuthorities: a PEM file of authorities that HTTPS upstreams may also be vouched for by; `nil`: the
    ///     system's alone.
    package init(demand: any DemandSink, log: Logger, loops: Int? = nil, trustedAuthorities: String? = nil) {
        let loops = max(1, loops ?? System.coreCount)
        group = MultiThreadedEventLoopGroup(numberOfThreads: loops)
        let shared = GatewayShared(demand: demand, log: log)
        self.shared = shared
        workers = group.makeIterator().enumerated().map { index, eventLoop in
            LoopWorker(eventLoop, index: index, of: loops, shared: shared)
        }
        tls = TLSContexts(authorities: trustedAuthorities)
        for worker in workers { worker.peers = workers.filter { $0 !== worker } }
    }

    /// Where it listens, once it does.
    package var listeningAddress: Address? { state.withLock(\.address) }

    /// Begins to listen. A model that was not published is unknown, and until ``completeRoutes()`` it is answered that it
    /// may yet come; until ``setReadiness(_:)`` the gateway is not ready.
    /// - Parameters:
    ///   - host: a name or a numeric address.
    ///   - port: 0 for any free one.
    ///   - maxConnections: how many clients may be connected; further ones wait to be accepted. `nil`:
    ///     ``Limits/mostConnections``.
    package func listen(
        host: String, port: Int, maxConnections: Int? = nil
    ) async throws(GatewayError) -> Address {
        do {
            let most = maxConnections ?? Limits.mostConnections
            let listener = try await Self.bootstrap(group, workers, most: most).bind(host: host, port: port).get()
            let local = listener.localAddress
            let address = Address(host: local?.ipAddress ?? host, port: local?.port ?? port)
            state.withLock { state in
                state.listener = listener
                state.address = address
            }
            return address
        } catch {
            throw Self.fault(error, host: host, port: port)
        }
    }

    private static func bootstrap(
        _ group: MultiThreadedEventLoopGroup, _ workers: [LoopWorker], most: Int
    ) -> ServerBootstrap {
        let byLoop = Dictionary(uniqueKeysWithValues: workers.map { (ObjectIdentifier($0.eventLoop), $0) })
        return ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: Limits.backlog)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let gate = AcceptGate(most: most) { count in
                        let share = (count + workers.count - 1) / workers.count
                        for worker in workers { worker.eventLoop.execute { worker.closeLongestIdle(share) } }
                    }
                    try channel.pipeline.syncOperations.addHandler(gate)
                }
            }
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
            .childChannelOption(.writeBufferWaterMark, value: Limits.writeBuffer)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let worker = byLoop[ObjectIdentifier(channel.eventLoop)] else { throw ChannelError.eof }
                    let pipeline = channel.pipeline.syncOperations
                    if let certificate = worker.certificate {
                        try pipeline.addHandler(NIOSSLServerHandler(context: certificate.context))
                    }
                    try pipeline.addHandler(ClientConnection(worker: worker))
                }
            }
    }

    private static func fault(_ error: any Error, host: String, port: Int) -> GatewayError {
        switch (error as? IOError)?.errnoCode {
        case EADDRINUSE: .addressInUse(host: host, port: port)
        case EACCES: .notPermitted(host: host, port: port)
        default: .cannotListen("cannot listen on \(host):\(port): \(error)")
        }
    }

    // MARK: RouteTable

    package func publish(_ changes: [RouteChange]) async {
        // A copy for each loop: all cores would count references of the same objects with every request else.
        let prepared = workers.map { _ in changes.map(prepare) }
        for case .set(let route) in prepared[0] { warn(of: route) }
        await post { $0.apply(prepared[$0.index]) }
    }

    /// Says that every model there is has been published: what is not known from now on does not exist.
    package func completeRoutes() async {
        await post { $0.routes.isComplete = true }
    }

    package func drained(_ instance: InstanceID, timeout: Duration) async -> Bool {
        await allDrained(instance, timeout)
    }

    private func prepare(_ change: RouteChange) -> PreparedChange {
        switch change {
        case .remove(let key):
            shared.queues.remove(key)
            return .remove(key)
        case .set(let route):
            return .set(PreparedRoute(route, queue: shared.queues.queue(for: route)) { try tls.context() })
        }
    }

    private func warn(of prepared: PreparedRoute) {
        let key = prepared.route.key
        if let fault = prepared.baseURLFault {
            shared.log.warning(
                "base_url cannot be used", metadata: ["model.key": "\(key)", "error.message": "\(fault)"])
        }
        if !prepared.overrides.refused.isEmpty {
            shared.log.warning(
                "headers of the manifest are left out",
                metadata: [
                    "model.key": "\(key)", "http.headers": "\(prepared.overrides.refused.joined(separator: ", "))",
                ])
        }
    }

    // MARK: Life

    /// Sets what `/v2/health/ready` answers.
    package func setReadiness(_ readiness: Readiness) {
        shared.readiness = readiness
    }

    /// Opens the gateway to whoever bears one of these tokens alone; `nil` opens it to everybody. Health endpoints stay
    /// open either way.
    package func setTokens(_ tokens: BearerTokens?) async {
        await post { $0.tokens = tokens }
    }

    /// Sets what connections accepted from now on are proved with; `nil`: plain HTTP is spoken. Whether it is `nil` is
    /// for all of the gateway's life.
    package func setCertificate(_ certificate: ListenerCertificate?) async {
        await post { $0.certificate = certificate }
    }

    package func activity(of instances: [InstanceID]) async -> [InstanceID: InstanceActivity] {
        var found: [InstanceID: InstanceActivity] = [:]
        for worker in workers where !instances.isEmpty {
            let parts = try? await worker.eventLoop.submit { instances.map { ($0, worker.activity(of: $0)) } }.get()
            for (instance, part) in parts ?? [] {
                var activity = found[instance] ?? InstanceActivity()
                activity.inFlight += part.inFlight
                activity.sinceLastAnswer = Self.shorter(activity.sinceLastAnswer, part.lastAnswer)
                activity.sinceLastByte = Self.shorter(activity.sinceLastByte, part.lastByte)
                found[instance] = activity
            }
        }
        return found
    }

    private static func shorter(_ span: Duration?, _ time: NIODeadline?) -> Duration? {
        guard let time else { return span }
        let since = Duration(NIODeadline.now() - time)
        return min(span ?? since, since)
    }

    /// How many requests are in flight at a model with `max_concurrency`, and how many wait; `nil` where it has none.
    package func admissionLoad(of key: ModelKey) -> AdmissionLoad? { shared.queues.load(of: key) }

    /// How many clients are connected.
    package func openConnections() async -> Int {
        var count = 0
        for worker in workers { count += (try? await worker.eventLoop.submit { worker.clients.count }.get()) ?? 0 }
        return count
    }

    /// From now on new predictions, and those still held for a load, are answered 503 `shutting_down`; those in
    /// flight go on.
    package func beginShutdown() async {
        await post { $0.beginShutdown() }
    }

    /// Waits until no client's request is in flight, or `timeout` has passed, or the task is cancelled. Returns whether
    /// none is.
    package func finished(timeout: Duration) async -> Bool {
        await allDrained(nil, timeout)
    }

    /// Stops listening, breaks off what is still in flight, and ends the event loops. Idempotent.
    package func close() async {
        let (isFirst, listener) = state.withLock { state in
            defer { state.isClosed = true }
            return (!state.isClosed, state.listener)
        }
        guard isFirst else { return }
        try? await listener?.close().get()
        shared.queues.close()
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
        let done = state.withLock { state -> [EventLoopFuture<Void>] in
            guard !state.isClosed else { return [] }
            return workers.map { worker in worker.eventLoop.submit { work(worker) } }
        }
        for future in done { try? await future.get() }
    }

    private func allDrained(_ instance: InstanceID?, _ timeout: Duration) async -> Bool {
        let (drain, parts) = state.withLock { state -> (UInt64, [EventLoopFuture<Bool>]) in
            state.lastDrain += 1
            guard !state.isClosed else { return (state.lastDrain, []) }
            let drain = state.lastDrain
            let parts = workers.map { worker in
                worker.eventLoop.flatSubmit { worker.drained(instance, timeout: TimeAmount(timeout), drain: drain) }
            }
            return (drain, parts)
        }
        // A future knows nothing of cancellation. The waiters are posted by now, so giving up cannot overtake them.
        return await withTaskCancellationHandler {
            var isDrained = true
            for part in parts { isDrained = ((try? await part.get()) ?? true) && isDrained }
            return isDrained
        } onCancel: {
            giveUp(drain)
        }
    }

    private func giveUp(_ drain: UInt64) {
        state.withLock { state in
            // Closing answers all who wait, and what is posted to a loop that has ended is an error.
            guard !state.isClosed else { return }
            for worker in workers { worker.eventLoop.execute { worker.giveUp(drain: drain) } }
        }
    }
}
