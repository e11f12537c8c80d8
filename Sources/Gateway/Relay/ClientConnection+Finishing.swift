import NIOCore

/// The end of a request, and the way to the next one on the same connection.
extension ClientConnection {
    /// The answer is written as far as this handler is concerned: goes on to the next request, or closes.
    /// - Parameter lingering: how it closes, where it does.
    func finish(keepsAlive: Bool, lingering: Bool) {
        sendOut()
        guard phase != .closed else { return }
        worker.requestEnded()
        guard keepsAlive, mayReachNextRequest else { return close(lingering: lingering) }
        if exchange.body.isComplete { goOn() } else { beginToDiscard() }
    }

    private func goOn() {
        exchange = Exchange(worker.empty)
        parser.reset()
        if inbound.readableBytes == 0 { inbound = worker.empty }
        phase = .head
        sendOut()
        guard phase == .head else { return }
        hasServed = true
        deadline?.move(to: .now() + Limits.clientIdle)
        pump()
        readOn()
        if worker.isShuttingDown { closeIfIdle() }
    }

    // MARK: Bodies that nobody wanted

    /// Whether it is possible, and worth it, to read on up to the next request. A client that was never told to go on
    /// may leave its body out: what comes next on its connection cannot be told.
    var mayReachNextRequest: Bool {
        if exchange.body.isComplete { return true }
        guard !parser.head.expectsContinue || exchange.hasContinued else { return false }
        return exchange.body.remainingLength.map { $0 <= Limits.discardedBody } ?? true
    }

    /// An answer may come before the request is whole. Without a word of closing in it, the client will use the
    /// connection again: closed, its next request would be lost.
    private func beginToDiscard() {
        phase = .discarding
        let body = exchange.body
        exchange = Exchange(worker.empty)
        exchange.body = body
        discarded = 0
        sendOut()
        guard phase == .discarding else { return }
        deadline?.move(to: .now() + Limits.linger)
        pump()
        readOn()
    }

    /// Throws away what has arrived of the body. Returns whether the next request may be looked for.
    func discardBody() -> Bool {
        let taken = inbound.withUnsafeReadableBytes { exchange.body.take($0) }
        guard let taken, discarded + taken <= Limits.discardedBody else {
            close(lingering: true)
            return false
        }
        discarded += taken
        inbound.moveReaderIndex(forwardBy: taken)
        guard exchange.body.isComplete else { return false }
        goOn()
        return true
    }

    // MARK: Closing

    /// Closes the connection once the answer is with the client.
    /// - Parameter lingering: the client is still sending: it must be able to read the answer before its connection
    ///   is reset, so what it sends is thrown away for a while.
    func close(lingering: Bool) {
        guard let context, phase != .closed else { return }
        phase = .closing
        inbound = worker.empty
        exchange = Exchange(worker.empty)
        deadline?.move(to: .now() + Limits.clientIdle)
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.assumeIsolated().whenComplete { [self] _ in
            guard lingering, phase == .closing else { return context.close(promise: nil) }
            context.close(mode: .output, promise: nil)
            deadline?.move(to: .now() + Limits.linger)
            readOn()
        }
        let last = out
        out = worker.empty
        context.writeAndFlush(wrapOutboundOut(last), promise: written)
    }
}
