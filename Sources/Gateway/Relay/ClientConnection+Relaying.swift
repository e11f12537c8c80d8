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
        exchange.kept = worker.empty
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
        finish(keepsAlive: exchange.keepsAlive, lingering: !isWhole)
    }

    /// Writes what has been gathered; called once everything that arrived together has been seen.
    func flushResponse() {
        guard phase == .relaying || phase == .sending || phase == .tunnel else { return }
        sendOut()
        guard phase == .relaying || phase == .tunnel else { return }
        let now = NIODeadline.now()
        exchange.pool?.lastByte = now
        if phase == .relaying, let timeout = exchange.prepared?.timeout { deadline?.move(to: now + timeout) }
    }

    // MARK: Writing

    /// Gathers small pieces, and writes large ones behind what has been gathered.
    func append(_ bytes: ByteBuffer) {
        if out.readableBytes + bytes.readableBytes <= Limits.coalesced {
            out.writeImmutableBuffer(bytes)
        } else {
            sendOut()
            outlet?.send(bytes)
        }
    }

    func sendOut() {
        guard out.readableBytes > 0 else { return }
        let gathered = out
        out = worker.empty
        outlet?.send(gathered)
        worker.giveBack(gathered)
    }

    // MARK: Time

    func expired() {
        switch phase {
        case .head:
            guard !stillTakes() else { return }
            let idles = inbound.readableBytes == 0
            if idles { context?.close(promise: nil) } else { headExpired() }
        case .held: holdExpired()
        case .sending: predictionExpired()
        case .relaying: relayExpired()
        case .discarding: close(lingering: true)
        case .tunnel: abort()
        case .closing: if !stillTakes() { context?.close(promise: nil) }
        case .closed: break
        }
    }

    private func headExpired() {
        var late = LocalReply(408, "request_timeout", "the head of the request did not arrive in time")
        late.closes = true
        reply(late)
    }

    /// Nothing has moved for as long as a prediction may take. A client that is merely slow is no fault of the model.
    private func relayExpired() {
        guard isWritable || !stillTakes() else { return }
        abort()
    }

    /// Whether a slow client has taken something of its answer since this was asked last: it is given time as long as it
    /// takes anything at all.
    private func stillTakes() -> Bool {
        let unwritten = unwrittenBytes
        guard unwritten > 0 else { return false }
        // What the socket holds may shrink for long before it takes any more.
        let waiting = unwritten + (outlet?.bytesInSocket ?? 0)
        guard stalledBytes != waiting else { return false }
        stalledBytes = waiting
        deadline?.move(to: .now() + Limits.clientIdle)
        return true
    }
}
