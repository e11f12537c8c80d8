import NIOCore

/// The way of an answer from the upstream to the client.
extension ClientConnection {
    /// Whether the client takes more; the upstream is not read while it does not.
    var takesMore: Bool { isWritable }

    /// Whether chunks have to be taken apart because the client does not know them.
    var wantsContentOnly: Bool { exchange.mode == .untilClose }

    /// An interim answer has come: passed on to whoever may know it, except `100 Continue`, which is ours to give.
    func interim(_ head: ResponseHead, _ bytes: ByteBuffer) {
        guard parser.head.isHTTP11, head.status != 100 else { return }
        append(bytes)
    }

    func responseBegan(_ head: ResponseHead, _ bytes: ByteBuffer, _ framing: MessageBody.Framing) {
        guard let upstream = exchange.upstream else { return }
        phase = .relaying
        exchange.kept = ByteBuffer()
        exchange.isReplayable = false
        let mode = ResponseMode(framing, isHTTP11: parser.head.isHTTP11)
        exchange.mode = mode
        exchange.keepsAlive = parser.head.keepsAlive && mode != .untilClose && !worker.isShuttingDown
        let writer = ResponseWriter(
            head: head, framing: framing, mode: mode, requestID: exchange.requestID, requestBytes: exchange.bytes,
            coldStart: exchange.coldStart, isHTTP11: parser.head.isHTTP11, keepsAlive: exchange.keepsAlive)
        if out.readableBytes == 0 { out = worker.takeScratch() }
        bytes.withUnsafeReadableBytes { writer.write(to: &out, $0, for: upstream) }
    }

    func responseBytes(_ bytes: ByteBuffer) {
        guard exchange.mode == .chunked else { return append(bytes) }
        append(ByteBuffer(string: String(bytes.readableBytes, radix: 16) + "\r\n"))
        append(bytes)
        append(ByteBuffer(staticString: "\r\n"))
    }

    /// The answer is whole.
    func responseEnded(_ connection: UpstreamConnection, isReusable: Bool) {
        if exchange.mode == .chunked { append(ByteBuffer(staticString: "0\r\n\r\n")) }
        let isWhole = exchange.body.isComplete
        exchange.connection = nil
        if isReusable, isWhole { exchange.pool?.keep(connection) } else { connection.close() }
        leavePool(isAnswered: true)
        finish(keepsAlive: exchange.keepsAlive && isWhole, hasUnreadBody: !isWhole)
    }

    /// Writes what has been gathered; called once everything that arrived together has been seen.
    func flushResponse() {
        guard phase == .relaying || phase == .sending else { return }
        writeOut()
        context?.flush()
        guard phase == .relaying, let timeout = exchange.prepared?.timeout else { return }
        let now = NIODeadline.now()
        exchange.pool?.lastByte = now
        deadline?.move(to: now + timeout)
    }

    // MARK: Writing

    /// Gathers small pieces, and writes large ones behind what has been gathered.
    func append(_ bytes: ByteBuffer) {
        if out.readableBytes + bytes.readableBytes <= Limits.coalesced {
            out.writeImmutableBuffer(bytes)
        } else {
            writeOut()
            write(bytes)
        }
    }

    func write(_ bytes: ByteBuffer) {
        context?.write(wrapOutboundOut(bytes), promise: nil)
    }

    private func writeOut() {
        guard out.readableBytes > 0 else { return }
        write(out)
        out = ByteBuffer()
    }

    // MARK: The end of a request

    /// The answer is written as far as this handler is concerned: goes on to the next request, or closes.
    func finish(keepsAlive: Bool, hasUnreadBody: Bool) {
        worker.requestEnded()
        guard keepsAlive else { return close(lingering: hasUnreadBody) }
        let last = out
        out = ByteBuffer()
        exchange = Exchange()
        parser.reset()
        if inbound.readableBytes == 0 { inbound = ByteBuffer() }
        phase = .head
        if last.readableBytes > 0 { write(last) }
        context?.flush()
        worker.giveBack(last)
        guard phase == .head else { return }
        deadline?.move(to: .now() + Limits.clientIdle)
        pump()
        readOn()
    }

    /// Closes the connection once the answer is with the client.
    /// - Parameter lingering: the client is still sending: it must be able to read the answer before its connection
    ///   is reset, so what it sends is thrown away for a while.
    private func close(lingering: Bool) {
        guard let context, phase != .closed else { return }
        phase = .closing
        inbound = ByteBuffer()
        exchange = Exchange()
        deadline?.move(to: .now() + Limits.clientIdle)
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.assumeIsolated().whenComplete { [self] _ in
            guard lingering, phase == .closing else { return context.close(promise: nil) }
            context.close(mode: .output, promise: nil)
            deadline?.move(to: .now() + Limits.linger)
            readOn()
        }
        let last = out
        out = ByteBuffer()
        context.writeAndFlush(wrapOutboundOut(last), promise: written)
    }

    // MARK: Time

    func expired() {
        switch phase {
        case .head:
            let idles = inbound.readableBytes == 0
            if idles { context?.close(promise: nil) } else { headExpired() }
        case .held: holdExpired()
        case .sending: predictionExpired()
        case .relaying: relayExpired()
        case .closing: context?.close(promise: nil)
        case .closed: break
        }
    }

    private func headExpired() {
        var late = LocalReply(408, "request_timeout", "the head of the request did not arrive in time")
        late.closes = true
        reply(late)
    }

    /// Nothing has moved for as long as a prediction may take. A client that is merely slow is no fault of the model:
    /// it is given time as long as it takes anything at all.
    private func relayExpired() {
        guard !isWritable else { return abort() }
        let waiting = (try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        guard stalledBytes != waiting else { return abort() }
        stalledBytes = waiting
        deadline?.move(to: .now() + Limits.clientIdle)
    }
}
