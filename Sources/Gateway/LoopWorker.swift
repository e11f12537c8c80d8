import ModelCore
import NIOCore
import Reconciler

/// Everything of the gateway that belongs to one event loop: its routes, its pools, its counters.
///
/// `@unchecked Sendable`: it is handed to other threads only to be reached through its event loop; every property that
/// changes is touched on that loop alone, and ``peers`` is set before the first connection is accepted.
final class LoopWorker: @unchecked Sendable {
    let eventLoop: any EventLoop
    /// Its number among the loops, from 0.
    let index: Int
    let shared: GatewayShared
    /// This loop's share of ``Limits/mostHeldCallers``.
    let mostHeldCallers: Int
    /// The workers of the other loops.
    var peers: [LoopWorker] = []

    /// What opens the gateway; `nil`: it is open to everybody.
    var tokens: BearerTokens?
    /// What the listener proves itself with; `nil`: it speaks plain HTTP.
    var certificate: ListenerCertificate?
    /// Every client's connection of this loop.
    var clients = ClientSet()

    var routes = RouteIndex()
    var ids = RequestIDSource()
    private(set) var isShuttingDown = false
    private var pools: [UpstreamKey: UpstreamPool] = [:]
    private var starvingElsewhere: [UpstreamKey: Int] = [:]
    /// An empty buffer of this loop's own. All of `ByteBuffer()` are one object, whose references all loops would count
    /// at once, each waiting for the other's processor.
    let empty = ByteBufferAllocator().buffer(capacity: 1)
    private var scratch: ByteBuffer
    private var requests = 0
    private var waiters: [DrainWaiter] = []

    init(_ eventLoop: any EventLoop, index: Int, of loops: Int, shared: GatewayShared) {
        self.eventLoop = eventLoop
        self.index = index
        self.shared = shared
        mostHeldCallers = max(1, Limits.mostHeldCallers / loops)
        scratch = empty
    }

    // MARK: Routes

    func apply(_ changes: [PreparedChange]) {
        eventLoop.preconditionInEventLoop()
        for change in changes {
            switch change {
            case .set(let prepared): set(prepared)
            case .remove(let key): remove(key)
            }
        }
    }

    private func set(_ prepared: PreparedRoute) {
        let entry: RouteEntry
        if let known = routes.entries[prepared.route.key] {
            entry = known
        } else {
            entry = RouteEntry(prepared)
            routes.insert(entry)
        }
        let old = [entry.primaryPool, entry.fallbackPool]
        entry.prepared = prepared
        entry.primaryPool = prepared.primary.map { pool(for: $0.key, prepared.keepAlive) }
        entry.fallbackPool = prepared.fallback.map { pool(for: $0.key, prepared.keepAlive) }
        for pool in old { release(pool) }
        if let bounds = AdmissionQueue.Bounds(prepared.route) { prepared.queue?.set(bounds) }
        entry.primaryPool?.limit(by: prepared.queue)
        for caller in entry.held.inOrder { caller.dispatch() }
        if case .cold = prepared.route.target {
            // Whoever is held on wants the model still, whatever has become of the first demand.
            if entry.held.count > 0 { shared.demand.demand(entry.key) }
        } else {
            entry.coldSince = nil
        }
    }

    private func remove(_ key: ModelKey) {
        guard let entry = routes.remove(key) else { return }
        entry.isRemoved = true
        for caller in entry.held.inOrder { caller.dispatch() }
        release(entry.primaryPool)
        release(entry.fallbackPool)
        entry.primaryPool = nil
        entry.fallbackPool = nil
    }

    // MARK: Pools

    private func pool(for key: UpstreamKey, _ keepAlive: TimeAmount) -> UpstreamPool {
        let pool: UpstreamPool
        if let known = pools[key] {
            pool = known
        } else {
            pool = UpstreamPool(key, worker: self, starvingElsewhere: starvingElsewhere[key] ?? 0)
            pools[key] = pool
        }
        // Whatever was published anew has not failed yet.
        if pool.routes == 0 { pool.breaker = Breaker() }
        pool.routes += 1
        pool.keepAlive = keepAlive
        return pool
    }

    private func release(_ pool: UpstreamPool?) {
        guard let pool else { return }
        pool.routes -= 1
        guard pool.routes == 0 else { return }
        pool.closeIdle()
        if pool.inFlight == 0 { discard(pool) }
    }

    private func discard(_ pool: UpstreamPool) {
        pool.retire()
        pools[pool.key] = nil
    }

    /// The last request in flight in a pool has ended.
    func becameIdle(_ pool: UpstreamPool) {
        if pool.routes == 0 { discard(pool) }
        if !waiters.isEmpty { checkWaiters() }
    }

    /// Tells the other loops that one connection more, or fewer, starves here.
    func tellPeers(starving delta: Int, _ key: UpstreamKey) {
        for peer in peers { peer.eventLoop.execute { peer.starvingChanged(by: delta, key) } }
    }

    private func starvingChanged(by delta: Int, _ key: UpstreamKey) {
        let count = (starvingElsewhere[key] ?? 0) + delta
        starvingElsewhere[key] = count == 0 ? nil : count
        pools[key]?.starvingElsewhere(is: count)
    }

    // MARK: Counting

    func requestBegan() { requests += 1 }

    func requestEnded() {
        requests -= 1
        if requests == 0, !waiters.isEmpty { checkWaiters() }
    }

    /// A client's connection is closed.
    func left(_ client: ClientConnection) {
        clients.remove(client)
        if requests == 0, !waiters.isEmpty { checkWaiters() }
    }

    /// Requests in flight at an instance; where there is none, those of all clients, an answer that is not written yet
    /// among them.
    private func inFlight(_ instance: InstanceID?) -> Int {
        guard let instance else { return requests > 0 ? requests : clients.unwritten == nil ? 0 : 1 }
        return pools.values.reduce(0) { $0 + ($1.isOf(instance) ? $1.inFlight : 0) }
    }

    /// Whether nothing is in flight, now or at the latest after `timeout`.
    /// - Parameter drain: the number with which ``giveUp(drain:)`` ends the wait.
    func drained(_ instance: InstanceID?, timeout: TimeAmount, drain: UInt64) -> EventLoopFuture<Bool> {
        let promise = eventLoop.makePromise(of: Bool.self)
        guard inFlight(instance) > 0 else {
            promise.succeed(true)
            return promise.futureResult
        }
        let waiter = DrainWaiter(drain: drain, instance: instance, promise: promise)
        waiters.append(waiter)
        waiter.timeout = eventLoop.assumeIsolated().scheduleTask(in: timeout) { [self] in
            waiters.removeAll { $0 === waiter }
            promise.succeed(false)
        }
        checkWhenWritten()
        return promise.futureResult
    }

    /// Nobody waits for that drain any more.
    func giveUp(drain: UInt64) {
        for waiter in waiters where waiter.drain == drain {
            waiter.timeout?.cancel()
            waiter.promise.succeed(false)
        }
        waiters.removeAll { $0.drain == drain }
    }

    private func checkWaiters() {
        for waiter in waiters where inFlight(waiter.instance) == 0 {
            waiters.removeAll { $0 === waiter }
            waiter.timeout?.cancel()
            waiter.promise.succeed(true)
        }
        checkWhenWritten()
    }

    /// Looks again once the next answer is written, where somebody waits for that.
    private func checkWhenWritten() {
        guard requests == 0, waiters.contains(where: { $0.instance == nil }) else { return }
        clients.unwritten?.whenWritten { [self] in checkWaiters() }
    }

    /// What is known of an instance here: requests in flight, when the last one ended, and when it last sent anything.
    func activity(of instance: InstanceID) -> (inFlight: Int, lastAnswer: NIODeadline?, lastByte: NIODeadline?) {
        let pools = pools.values.filter { $0.isOf(instance) }
        return (inFlight(instance), pools.compactMap(\.lastAnswer).max(), pools.compactMap(\.lastByte).max())
    }

    func beginShutdown() {
        isShuttingDown = true
        for entry in routes.entries.values {
            for caller in entry.held.inOrder { caller.reply(.shuttingDown) }
        }
        for client in clients.all where client.hasServed { client.closeIfIdle() }
    }

    /// Nothing more is waited for: the loop is about to end.
    func close() {
        for waiter in waiters {
            waiter.timeout?.cancel()
            waiter.promise.succeed(inFlight(waiter.instance) == 0)
        }
        waiters.removeAll()
        for pool in pools.values { pool.retire() }
    }

    // MARK: Memory

    /// An empty buffer to compose a message in, for the present turn of the loop.
    func takeScratch() -> ByteBuffer {
        guard scratch.capacity > empty.capacity else { return ByteBufferAllocator().buffer(capacity: 1024) }
        let buffer = scratch
        scratch = empty
        return buffer
    }

    /// Gives its memory back to be used again; where it is still being written, it is left alone.
    func giveBack(_ buffer: consuming ByteBuffer) {
        guard buffer.capacity <= Limits.coalesced * 2 else { return }
        buffer.clear()
        scratch = buffer
    }
}

extension UpstreamPool {
    fileprivate func isOf(_ instance: InstanceID) -> Bool {
        if case .instance(instance, _, _) = key { true } else { false }
    }
}
