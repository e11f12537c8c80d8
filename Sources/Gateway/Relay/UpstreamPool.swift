import NIOCore
import NIOPosix
import NIOSSL

/// The connections of one event loop to one upstream. Touched only on that loop.
///
/// An idle connection is used again, the latest first, and closed after ``keepAlive``. A server that serves one
/// connection at a time lets all others wait as long as one stays open, even idle; so once a new connection has waited
/// for its first answer longer than is usual, idle ones are closed, on every loop, and finished ones are not kept.
final class UpstreamPool {
    let key: UpstreamKey
    /// Requests sent, or about to be sent, and not yet answered in full.
    private(set) var inFlight = 0
    /// How many of them hold a slot of their own.
    private var slotted = 0
    /// Slots of those that were in flight before there was a limit: the pool keeps them in their place.
    private var slotsOfOthers: [Slot] = []
    var breaker = Breaker()
    /// How many routes lead here; with none, no connection is kept.
    var routes = 0
    var keepAlive = TimeAmount.zero
    /// When the last response ended.
    private(set) var lastAnswer: NIODeadline?
    /// When something of a response was last passed on, or one was whole.
    var lastByte: NIODeadline?

    private unowned let worker: LoopWorker
    private var idle: [UpstreamConnection] = []
    private var expiry: MovingDeadline?
    private var starvationCheck: MovingDeadline?
    private var firstAnswers: [FirstAnswer] = []
    private var starvingHere = 0
    private var starvingElsewhere: Int
    /// A moving average of the time from sending a request to the first byte of its answer, in nanoseconds.
    private var usualAnswer: Int64 = 0

    init(_ key: UpstreamKey, worker: LoopWorker, starvingElsewhere: Int) {
        self.key = key
        self.worker = worker
        self.starvingElsewhere = starvingElsewhere
        expiry = MovingDeadline(worker.eventLoop) { [unowned self] in closeExpired() }
        starvationCheck = MovingDeadline(worker.eventLoop) { [unowned self] in checkStarvation() }
    }

    /// Counts a request as in flight, from before it is sent.
    func enter(hasSlot: Bool) {
        inFlight += 1
        if hasSlot { slotted += 1 }
    }

    func leave(hadSlot: Bool, isAnswered: Bool) {
        inFlight -= 1
        if hadSlot { slotted -= 1 } else if !slotsOfOthers.isEmpty { slotsOfOthers.removeLast() }
        let now = NIODeadline.now()
        lastAnswer = now
        if isAnswered { lastByte = now }
        if inFlight == 0 { worker.becameIdle(self) }
    }

    /// From now on requests hold a slot of `queue`, or none where that is `nil`. Those that are in flight at the
    /// instance already count against the limit as well.
    func limit(by queue: AdmissionQueue?) {
        guard case .instance = key else { return }
        guard let queue else { return slotsOfOthers.removeAll() }
        while slotsOfOthers.count < inFlight - slotted { slotsOfOthers.append(queue.slotBeyondLimit()) }
    }

    // MARK: Idle connections

    func takeIdle() -> UpstreamConnection? {
        while let connection = idle.popLast() {
            if !connection.isClosed { return connection }
        }
        return nil
    }

    /// Takes back a connection whose response has ended in good order.
    func keep(_ connection: UpstreamConnection) {
        guard routes > 0, starvingHere + starvingElsewhere == 0, keepAlive > .zero,
            idle.count < Limits.mostIdleConnections, !connection.isClosed
        else { return connection.close() }
        connection.idleSince = .now()
        idle.append(connection)
        if idle.count == 1 { expiry?.move(to: connection.idleSince + keepAlive) }
    }

    func closed(_ connection: UpstreamConnection) {
        if let index = idle.lastIndex(where: { $0 === connection }) { idle.remove(at: index) }
        if let wait = connection.firstAnswer {
            connection.firstAnswer = nil
            end(wait)
        }
    }

    func closeIdle() {
        let connections = idle
        idle.removeAll()
        for connection in connections { connection.close() }
    }

    /// Ends the pool's timers: it is not used any more.
    func retire() {
        closeIdle()
        expiry?.cancel()
        starvationCheck?.cancel()
    }

    private func closeExpired() {
        let now = NIODeadline.now()
        while let oldest = idle.first, oldest.idleSince + keepAlive <= now {
            idle.removeFirst()
            oldest.close()
        }
        if let oldest = idle.first { expiry?.move(to: oldest.idleSince + keepAlive) }
    }

    // MARK: New connections

    /// Opens a connection; the client is told how that went, unless it has left by then.
    func connect(to upstream: PreparedUpstream, for client: ClientConnection) -> PendingConnection {
        let wait = FirstAnswer(since: .now())
        firstAnswers.append(wait)
        starvationCheck?.move(to: wait.since + patience)
        let pending = PendingConnection(client)
        let bootstrap = Self.bootstrap(worker, upstream)
        let future =
            upstream.address.map { bootstrap.connect(to: $0) }
            ?? bootstrap.connect(host: upstream.host, port: upstream.port)
        future.assumeIsolated().whenComplete { [self] result in
            connected(pending, wait, result)
        }
        return pending
    }

    private static func bootstrap(_ worker: LoopWorker, _ upstream: PreparedUpstream) -> ClientBootstrap {
        let empty = worker.empty
        return ClientBootstrap(group: worker.eventLoop)
            .connectTimeout(Limits.connectTimeout)
            .channelOption(.autoRead, value: false)
            .channelOption(.writeBufferWaterMark, value: Limits.writeBuffer)
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let tls = upstream.tls {
                        let name = upstream.address == nil ? upstream.host : nil
                        try pipeline.addHandler(NIOSSLClientHandler(context: tls, serverHostname: name))
                    }
                    try pipeline.addHandler(UpstreamConnection(isPlain: upstream.tls == nil, empty: empty))
                }
            }
    }

    private func connected(_ pending: PendingConnection, _ wait: FirstAnswer, _ result: Result<any Channel, any Error>)
    {
        do {
            let channel = try result.get()
            let connection = try channel.pipeline.syncOperations.handler(type: UpstreamConnection.self)
            guard let client = pending.client, !connection.isClosed else {
                end(wait)
                connection.close()
                if let client = pending.client { client.connectFailed(ChannelError.eof) }
                return
            }
            connection.pool = self
            connection.firstAnswer = wait
            client.connected(connection)
        } catch {
            end(wait)
            pending.client?.connectFailed(error)
        }
    }

    // MARK: Servers that serve one connection at a time

    /// The first byte of an answer has arrived.
    func answered(_ connection: UpstreamConnection) {
        breaker.noteAnswer()
        if let wait = connection.firstAnswer {
            connection.firstAnswer = nil
            end(wait)
            if wait.isStarving { return }
        }
        guard let sentAt = connection.client?.sentAt else { return }
        let sample = (NIODeadline.now() - sentAt).nanoseconds
        usualAnswer = usualAnswer == 0 ? sample : usualAnswer + (sample - usualAnswer) / 8
    }

    /// How long a new connection may wait for its first answer before it counts as starving.
    private var patience: TimeAmount { max(Limits.starvation, .nanoseconds(4 * usualAnswer)) }

    private func checkStarvation() {
        let now = NIODeadline.now()
        let patience = patience
        var next: NIODeadline?
        var hasNew = false
        for wait in firstAnswers where !wait.isStarving {
            guard wait.since + patience <= now else {
                next = min(next ?? .distantFuture, wait.since + patience)
                continue
            }
            wait.isStarving = true
            starvingHere += 1
            worker.tellPeers(starving: 1, key)
            hasNew = true
        }
        if hasNew { closeIdle() }
        if let next { starvationCheck?.move(to: next) }
    }

    private func end(_ wait: FirstAnswer) {
        firstAnswers.removeAll { $0 === wait }
        guard wait.isStarving else { return }
        starvingHere -= 1
        worker.tellPeers(starving: -1, key)
    }

    /// Another loop has more, or fewer, connections starving for the same upstream.
    func starvingElsewhere(is count: Int) {
        starvingElsewhere = count
        if count > 0 { closeIdle() }
    }
}
