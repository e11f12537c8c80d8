import NIOCore

/// One connection to an upstream: reads its responses, and tells the client's connection what comes.
///
/// It belongs to a request from ``attach(_:isReused:)`` to the end of the response, and to its pool between requests.
/// Touched only on its event loop.
final class UpstreamConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum Stage { case idle, head, body, tunnel }

    /// The request that it serves; `nil` while idle. The client's connection takes itself out when it closes.
    private(set) var client: ClientConnection?
    /// Whether it had served a request before this one.
    private(set) var isReused = false
    /// Whether any byte of the answer has arrived.
    private(set) var hasReceived = false
    /// What went wrong on the connection, if anything.
    private(set) var failure: (any Error)?
    private(set) var isWritable = true
    private(set) var isClosed = false
    var pool: UpstreamPool?
    /// The time for which it has been idle; set by the pool.
    var idleSince = NIODeadline.distantPast
    /// Set while it is new and has answered nothing.
    var firstAnswer: FirstAnswer?

    private let isPlain: Bool
    private(set) var context: ChannelHandlerContext?
    private var outlet: Outlet?
    private var stage = Stage.idle
    private var parser = ResponseHeadParser()
    private var body = MessageBody.none
    private var buffer: ByteBuffer
    /// See ``LoopWorker/empty``.
    private let empty: ByteBuffer
    private var isReadOutstanding = false

    /// - Parameter isPlain: whether no TLS lies between the handler and the socket.
    init(isPlain: Bool, empty: ByteBuffer) {
        self.isPlain = isPlain
        self.empty = empty
        buffer = empty
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        outlet = Outlet(context, isPlain: isPlain)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        outlet = nil
    }

    /// Gives it to a request, which is then to be written.
    func attach(_ client: ClientConnection, isReused: Bool) {
        self.client = client
        self.isReused = isReused
        hasReceived = false
        stage = .head
        parser.reset()
        resume()
    }

    /// Takes it from its request.
    func detach() {
        client = nil
        stage = .idle
        buffer = empty
    }

    func send(_ bytes: ByteBuffer) {
        guard !isClosed else { return }
        outlet?.send(bytes)
    }

    func close() {
        context?.close(promise: nil)
    }

    /// Reads on, where reading had stopped because the client takes no more.
    func resume() {
        guard !isReadOutstanding, let context else { return }
        isReadOutstanding = true
        context.read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let client else { return close() }
        if !hasReceived {
            hasReceived = true
            pool?.answered(self)
        }
        var bytes = unwrapInboundIn(data)
        if buffer.readableBytes == 0 { buffer = bytes } else { buffer.writeBuffer(&bytes) }
        while self.client === client, advance(client) {}
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReadOutstanding = false
        if let client {
            client.flushResponse()
            if self.client != nil, !client.takesMore { return }
        }
        resume()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        isWritable = context.channel.isWritable
        if isWritable { client?.upstreamTakesMore() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // What follows the first one, follows from it.
        if failure == nil { failure = TLSFault(error, on: context.channel) ?? error }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        isClosed = true
        pool?.closed(self)
        guard client != nil else { return }
        // Later: it may be a write of this very client that has found the connection closed.
        context.eventLoop.assumeIsolated().execute { [self] in end() }
    }

    private func end() {
        guard let client else { return }
        if stage == .tunnel {
            detach()
            return client.tunnelClosed(self)
        }
        let isWhole = stage == .body && body.framing == .untilClose && failure == nil
        if isWhole {
            detach()
            client.responseEnded(self, isReusable: false)
        } else {
            detach()
            client.upstreamLost(self)
        }
    }

    /// Takes one step through ``buffer``. Returns whether there may be another.
    private func advance(_ client: ClientConnection) -> Bool {
        switch stage {
        case .idle: false
        case .head: readHead(client)
        case .body: readBody(client)
        case .tunnel: passOn(client)
        }
    }

    private func passOn(_ client: ClientConnection) -> Bool {
        guard buffer.readableBytes > 0 else { return false }
        client.append(buffer)
        buffer = empty
        return false
    }

    private func readHead(_ client: ClientConnection) -> Bool {
        switch buffer.withUnsafeReadableBytes({ parser.parse($0) }) {
        case .incomplete:
            return false
        case .malformed:
            detach()
            close()
            client.upstreamAnsweredMalformed(self)
            return false
        case .complete(let length):
            guard let bytes = buffer.readSlice(length: length) else { return false }
            if parser.head.status == 101 {
                guard client.exchange.passage.upgrades, parser.head.section.has(.upgrade) else {
                    detach()
                    close()
                    client.upstreamAnsweredMalformed(self)
                    return false
                }
                stage = .tunnel
                client.tunnelBegan(parser.head, bytes, to: self)
                return true
            }
            if parser.head.status < 200 {
                client.interim(parser.head, bytes)
                parser.reset()
                return true
            }
            let framing = parser.head.framing(toHead: client.parser.head.method == .head)
            body = MessageBody(framing)
            stage = .body
            client.responseBegan(parser.head, bytes, framing)
            if body.isComplete { finish(client) }
            return true
        }
    }

    private func readBody(_ client: ClientConnection) -> Bool {
        guard buffer.readableBytes > 0 else { return false }
        let taken: Int?
        if client.wantsContentOnly {
            var ranges: [Range<Int>] = []
            taken = buffer.withUnsafeReadableBytes { body.take($0) { ranges.append($0) } }
            // Taken out first: whoever finds the client gone while it is written to detaches, and empties the buffer.
            let piece = taken.flatMap { buffer.readSlice(length: $0) } ?? empty
            for range in ranges where self.client === client {
                guard let slice = piece.getSlice(at: range.lowerBound, length: range.count) else { continue }
                client.responseBytes(slice)
            }
        } else {
            taken = buffer.withUnsafeReadableBytes { body.take($0) }
            if let taken, taken > 0, let slice = buffer.readSlice(length: taken) { client.responseBytes(slice) }
        }
        guard taken != nil else {
            detach()
            close()
            client.upstreamLost(self)
            return false
        }
        if body.isComplete, self.client === client { finish(client) }
        return self.client === client
    }

    /// The response is whole. What follows it unasked makes the connection useless.
    private func finish(_ client: ClientConnection) {
        let isReusable = parser.head.keepsAlive && buffer.readableBytes == 0 && !isClosed
        detach()
        client.responseEnded(self, isReusable: isReusable)
    }
}
