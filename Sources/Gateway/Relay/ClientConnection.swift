import NIOCore

/// One client's connection: takes its requests one after the other, and answers each.
///
/// It owns the request from the first byte of its head to the last byte of its answer; the extensions of this class
/// hold one part each: reading (here), admission, sending upstream, relaying the answer, answering itself.
/// Touched only on its event loop.
final class ClientConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum Phase {
        /// Waits for a request, or reads its head.
        case head
        /// The model is not loaded yet.
        case held
        /// The request is sent, or about to be; nothing of the answer has come.
        case sending
        /// The answer's head is written.
        case relaying
        /// The answer is written; the rest of the request's body is thrown away to get at the next request.
        case discarding
        /// Both sides have switched to another protocol: bytes are passed on as they come.
        case tunnel
        /// The last answer is being written; what still arrives is thrown away.
        case closing
        case closed
    }

    let worker: LoopWorker
    var context: ChannelHandlerContext?
    /// `nil` once the connection is closed.
    var outlet: Outlet?
    var phase = Phase.head
    var parser = RequestHeadParser()
    var exchange: Exchange
    /// Received and not yet used.
    var inbound: ByteBuffer
    /// To be written to the client with the next flush.
    var out: ByteBuffer
    var deadline: MovingDeadline?
    /// The client's numeric address.
    var address: [UInt8] = []
    var isWritable = true
    /// Bytes waiting to be written when the client was last found not to take any.
    var stalledBytes: Int?

    /// Bytes of the present body that were thrown away.
    var discarded = 0
    /// Whether a request has been answered on it.
    var hasServed = false

    private var isReadOutstanding = false
    private var isPumping = false

    init(worker: LoopWorker) {
        self.worker = worker
        exchange = Exchange(worker.empty)
        inbound = worker.empty
        out = worker.empty
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        outlet = Outlet(context, isPlain: worker.certificate == nil)
        deadline = MovingDeadline(worker.eventLoop) { [unowned self] in expired() }
        if context.channel.isActive { begin(context) }
    }

    func channelActive(context: ChannelHandlerContext) { begin(context) }

    private func begin(_ context: ChannelHandlerContext) {
        guard !isReadOutstanding else { return }
        worker.clients.insert(self)
        address = Array((context.remoteAddress?.ipAddress ?? "unknown").utf8)
        deadline?.move(to: .now() + Limits.headTimeout)
        readOn()
    }

    // MARK: Reading

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard phase != .closing, phase != .closed else { return }
        var bytes = unwrapInboundIn(data)
        if inbound.readableBytes == 0 { inbound = bytes } else { inbound.writeBuffer(&bytes) }
        pump()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReadOutstanding = false
        readOn()
    }

    /// Asks for more of the client's bytes, if there is room for them.
    func readOn() {
        guard !isReadOutstanding, wantsBytes, let context else { return }
        isReadOutstanding = true
        context.read()
    }

    private var wantsBytes: Bool {
        switch phase {
        case .closed: return false
        case .closing, .discarding: return true
        case .head: return inbound.readableBytes < Limits.longestHead + Limits.pipelinedAhead
        case .held, .sending, .relaying:
            if exchange.body.isComplete { return inbound.readableBytes < Limits.pipelinedAhead }
            return inbound.readableBytes == 0 && roomForBody > 0
        case .tunnel: return exchange.connection?.isWritable ?? false
        }
    }

    /// How many bytes of the body can be taken now.
    private var roomForBody: Int {
        if let connection = exchange.connection { return connection.isWritable ? Int.max : 0 }
        return Limits.keptBody - exchange.kept.readableBytes
    }

    /// Does what the received bytes allow: reads a head, moves the body on.
    func pump() {
        // Called again from within, the outer loop goes round once more.
        guard !isPumping else { return }
        isPumping = true
        var goesOn = true
        while goesOn {
            switch phase {
            case .head: goesOn = readHead()
            case .held, .sending, .relaying: goesOn = moveBody()
            case .discarding: goesOn = discardBody()
            case .tunnel: goesOn = moveTunnel()
            case .closing, .closed: goesOn = false
            }
        }
        isPumping = false
    }

    private func readHead() -> Bool {
        // A client that takes no answers is sent none.
        guard inbound.readableBytes > 0, isWritable else { return false }
        switch inbound.withUnsafeReadableBytes({ parser.parse($0) }) {
        case .incomplete:
            if !isTimingHead { startHeadClock() }
            return false
        case .refused(let refusal):
            exchange.requestID = .made(worker.ids.next(), worker.ids.next())
            reply(LocalReply(refusal))
            return false
        case .complete(let length):
            guard let bytes = inbound.readSlice(length: length) else { return false }
            isTimingHead = false
            exchange.bytes = bytes
            exchange.body = MessageBody(parser.head.framing)
            admit()
            return true
        }
    }

    private var isTimingHead = false

    private func startHeadClock() {
        isTimingHead = true
        deadline?.move(to: .now() + Limits.headTimeout)
    }

    /// Moves bytes of the body to where they can go. Returns whether any were moved.
    @discardableResult
    func moveBody() -> Bool {
        guard !exchange.body.isComplete, inbound.readableBytes > 0 else { return false }
        let room = roomForBody
        guard room > 0 else { return false }
        let taken = inbound.withUnsafeReadableBytes { bytes in
            exchange.body.take(UnsafeRawBufferPointer(rebasing: bytes.prefix(room)))
        }
        guard let taken, let piece = inbound.readSlice(length: taken) else {
            bodyMalformed()
            return false
        }
        keep(piece)
        exchange.connection?.send(piece)
        return taken > 0
    }

    private func keep(_ piece: ByteBuffer) {
        guard exchange.isReplayable else { return }
        if exchange.kept.readableBytes + piece.readableBytes > Limits.keptBody {
            exchange.isReplayable = false
            exchange.kept = worker.empty
        } else if exchange.kept.readableBytes == 0 {
            exchange.kept = piece
        } else {
            exchange.kept.writeImmutableBuffer(piece)
        }
    }

    private func bodyMalformed() {
        if phase == .relaying { return abort() }
        var refused = LocalReply(400, "bad_request", "the chunked body is malformed")
        refused.closes = true
        reply(refused)
    }
}
