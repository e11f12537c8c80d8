import ModelCore
import NIOCore
import Reconciler

/// The way of a request to an upstream, up to the head of the answer.
extension ClientConnection {
    /// When the request was sent.
    var sentAt: NIODeadline { exchange.sentAt }

    /// Sends the request, on an idle connection if there is one.
    func send(
        to upstream: PreparedUpstream, _ pool: UpstreamPool, _ prepared: PreparedRoute, isFresh: Bool = false
    ) {
        phase = .sending
        exchange.upstream = upstream
        exchange.prepared = prepared
        // A slot is for the model itself.
        let slot = upstream.servedBy == .fallback ? nil : exchange.slot
        // In this order: sent again to the same instance, it is in flight there without a gap.
        pool.enter(hasSlot: slot != nil)
        leavePool()
        exchange.pool = pool
        exchange.slot = slot
        exchange.sentAt = .now()
        if !exchange.isTimed {
            exchange.isTimed = true
            deadline?.move(to: exchange.sentAt + prepared.timeout)
        }
        if !isFresh, let connection = pool.takeIdle() {
            transmit(on: connection, isReused: true)
        } else {
            exchange.pending = pool.connect(to: upstream, for: self)
        }
    }

    /// The connection that was opened for the request is there.
    func connected(_ connection: UpstreamConnection) {
        exchange.pending = nil
        transmit(on: connection, isReused: false)
    }

    private func transmit(on connection: UpstreamConnection, isReused: Bool) {
        guard let upstream = exchange.upstream, let prepared = exchange.prepared else { return }
        exchange.connection = connection
        connection.attach(self, isReused: isReused)
        let writer = RequestWriter(
            head: parser.head, bytes: exchange.bytes, query: exchange.query, requestID: exchange.requestID,
            client: address, passage: exchange.passage, tokens: worker.tokens,
            isSecure: worker.certificate != nil)
        var scratch = worker.takeScratch()
        writer.write(to: &scratch, for: upstream, overrides: prepared.overrides)
        if exchange.kept.readableBytes <= Limits.coalesced {
            scratch.writeImmutableBuffer(exchange.kept)
            connection.send(scratch)
        } else {
            connection.send(scratch)
            connection.send(exchange.kept)
        }
        worker.giveBack(scratch)
        if parser.head.expectsContinue, !exchange.hasContinued, !exchange.body.isComplete {
            exchange.hasContinued = true
            outlet?.send(ByteBuffer(staticString: "HTTP/1.1 100 Continue\r\n\r\n"))
        }
        // What had to wait because it could not be kept.
        pump()
        readOn()
    }

    // MARK: What can go wrong

    /// No connection could be opened; nothing has been sent.
    func connectFailed(_ error: any Error) {
        exchange.pending = nil
        guard let upstream = exchange.upstream else { return }
        let fault = ConnectFault(error).sentence
        noteFailedTry(fault)
        tryElsewhere(else: failure(of: upstream, fault))
    }

    /// The connection ended before the answer did.
    func upstreamLost(_ connection: UpstreamConnection) {
        exchange.connection = nil
        guard phase == .sending, let upstream = exchange.upstream, let prepared = exchange.prepared else {
            return abort()
        }
        let detail = connection.failure.map { ": \($0)" } ?? ""
        if connection.hasReceived {
            return reply(failure(of: upstream, "broke off its answer\(detail)"))
        }
        let mayRepeat = exchange.isReplayable && prepared.route.retry && exchange.passage.mayRepeat(parser.head.method)
        // A connection that had idled may have been closed by the server at the very moment it was used again.
        if connection.isReused, !exchange.hasRetried, mayRepeat, let pool = exchange.pool {
            exchange.hasRetried = true
            return send(to: upstream, pool, prepared, isFresh: true)
        }
        let fault =
            (connection.failure as? TLSFault)?.sentence ?? "closed the connection without an answer\(detail)"
        noteFailedTry(fault)
        let failure = failure(of: upstream, fault)
        if mayRepeat { tryElsewhere(else: failure) } else { reply(failure) }
    }

    func upstreamAnsweredMalformed(_ connection: UpstreamConnection) {
        exchange.connection = nil
        guard let upstream = exchange.upstream else { return abort() }
        reply(failure(of: upstream, "sent an answer that is not valid HTTP/1.1"))
    }

    /// Sends the request to the fallback, within the time it has left, if there is one and the body is still at hand.
    private func tryElsewhere(else failure: LocalReply) {
        // As it is now, and not when the request was sent: a pool is of one upstream alone.
        guard exchange.upstream?.servedBy == .instance, exchange.isReplayable, let entry = exchange.entry,
            let fallback = entry.prepared.fallback, let pool = entry.fallbackPool
        else { return reply(failure) }
        let prepared = entry.prepared
        exchange.hasRetried = false
        exchange.failure = failure
        send(to: fallback, pool, prepared)
    }

    /// The prediction took longer than its timeout.
    func predictionExpired() {
        if !exchange.body.isComplete, inbound.readableBytes == 0, exchange.connection?.isWritable ?? false {
            var late = LocalReply(408, "request_timeout", "the body of the request did not arrive in time")
            late.closes = true
            return reply(late)
        }
        let what = "did not answer within \(exchange.prepared?.route.timeout ?? .zero)"
        if let upstream = exchange.upstream, exchange.failure != nil {
            reply(failure(of: upstream, what, status: 504))
        } else {
            reply(LocalReply(504, "prediction_timeout", "the model \(what)"))
        }
    }

    /// What is answered because an upstream has failed. Where that was the fallback, why the model itself could not
    /// serve comes first: it is what has to be mended, and what `state`, `log` and `retry_after` are about.
    /// - Parameter what: what the upstream did, in words that follow its name.
    func failure(of upstream: PreparedUpstream, _ what: String, status: Int = 502) -> LocalReply {
        guard var failure = exchange.failure else {
            return LocalReply(status, "upstream_failed", "\(upstream.description) \(what)")
        }
        failure.status = status
        failure.code = "fallback_failed"
        failure.message += "; and its fallback \(upstream.description) \(what)"
        return failure
    }

    /// Breaks off whatever has been asked upstream.
    func dropUpstream() {
        exchange.pending?.client = nil
        exchange.pending = nil
        if let connection = exchange.connection {
            exchange.connection = nil
            connection.detach()
            if exchange.tunnel.isHalfClosed { connection.closeWhenWritten() } else { connection.close() }
        }
        leavePool()
    }

    /// The request is in flight upstream no more.
    func leavePool(isAnswered: Bool = false) {
        guard let pool = exchange.pool else { return }
        exchange.pool = nil
        pool.leave(hadSlot: exchange.slot != nil, isAnswered: isAnswered)
    }
}
