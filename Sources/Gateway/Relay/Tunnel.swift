import Glibc
import NIOCore

/// Which sides of an upgraded connection have said that they send nothing more.
struct Tunnel {
    var clientHasEnded = false
    var upstreamHasEnded = false

    var isHalfClosed: Bool { clientHasEnded || upstreamHasEnded }

    /// Prepares one of the two connections: each direction ends by itself, and a peer that has vanished is noticed
    /// although nobody expects it to say anything.
    static func prepare(_ channel: any Channel) {
        let options = channel.syncOptions
        try? options?.setOption(.allowRemoteHalfClosure, value: true)
        try? options?.setOption(.socketOption(.so_keepalive), value: 1)
        for (name, value) in [
            (TCP_KEEPIDLE, Limits.keepAliveIdle), (TCP_KEEPINTVL, Limits.keepAliveInterval),
            (TCP_KEEPCNT, Limits.keepAliveProbes),
        ] {
            let option = ChannelOptions.Types.SocketOption(level: .tcp, name: .init(rawValue: name))
            try? options?.setOption(option, value: value)
        }
    }
}

/// An upgraded connection (RFC 9110 §7.8): both directions pass on what comes, each waits for the slower side, and each
/// ends by itself. It counts as one request in flight, and no clock bounds it.
extension ClientConnection {
    /// The upstream has agreed to switch protocols.
    func tunnelBegan(_ head: ResponseHead, _ bytes: ByteBuffer, to connection: UpstreamConnection) {
        guard let upstream = exchange.upstream, let context else { return }
        phase = .tunnel
        exchange.kept = worker.empty
        exchange.isReplayable = false
        deadline?.clear()
        Tunnel.prepare(context.channel)
        connection.prepareTunnel()
        let writer = ResponseWriter(
            head: head, framing: .none, mode: .asItCame, requestID: exchange.requestID, requestBytes: exchange.bytes,
            coldStart: exchange.coldStart, isHTTP11: true, keepsAlive: true)
        var answer = ByteBuffer()
        bytes.withUnsafeReadableBytes { writer.write(to: &answer, $0, for: upstream) }
        append(answer)
        pump()
        readOn()
    }

    /// Passes on what the client has sent.
    func moveTunnel() -> Bool {
        guard inbound.readableBytes > 0, let connection = exchange.connection else { return false }
        connection.send(inbound)
        inbound = worker.empty
        keepHalfOpen()
        return false
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed = event, phase == .tunnel, !exchange.tunnel.clientHasEnded else {
            return context.fireUserInboundEventTriggered(event)
        }
        exchange.tunnel.clientHasEnded = true
        keepHalfOpen()
        exchange.connection?.endOutput()
    }

    /// The upstream sends nothing more, but may still listen.
    func tunnelInputEnded() {
        guard phase == .tunnel, !exchange.tunnel.upstreamHasEnded, let context else { return }
        exchange.tunnel.upstreamHasEnded = true
        keepHalfOpen()
        flushResponse()
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.assumeIsolated().whenComplete { _ in context.close(mode: .output, promise: nil) }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: written)
    }

    /// The upstream's connection is closed.
    func tunnelClosed(_ connection: UpstreamConnection) {
        guard phase == .tunnel, connection.failure == nil else { return abort() }
        exchange.connection = nil
        leavePool(isAnswered: true)
        finish(keepsAlive: false, lingering: false)
    }

    /// What remains open once one side has ended is not left open for ever.
    func keepHalfOpen() {
        guard exchange.tunnel.isHalfClosed else { return }
        deadline?.move(to: .now() + Limits.clientIdle)
    }

    /// Closes the connection below TLS too, without the word that would make an end of it look orderly.
    func closeTransport(_ context: ChannelHandlerContext) {
        guard worker.certificate != nil, let below = ListenerCertificate.handler(of: context.channel) else {
            return context.close(promise: nil)
        }
        below.close(promise: nil)
    }
}

extension UpstreamConnection {
    func prepareTunnel() {
        guard let context else { return }
        Tunnel.prepare(context.channel)
    }

    /// Says that nothing more is sent, once everything is written.
    func endOutput() {
        afterWriting { $0.close(mode: .output, promise: nil) }
    }

    /// Closes the connection once everything is written, or after ``Limits/linger``.
    func closeWhenWritten() {
        afterWriting { $0.close(promise: nil) }
        context?.eventLoop.assumeIsolated().scheduleTask(in: Limits.linger) { [self] in close() }
    }

    private func afterWriting(_ next: @escaping (ChannelHandlerContext) -> Void) {
        guard let context else { return }
        let written = context.eventLoop.makePromise(of: Void.self)
        // To end the output of a connection whose input has ended closes it at once, with what is not written yet.
        written.futureResult.assumeIsolated().whenComplete { _ in next(context) }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: written)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed = event, let client else {
            return context.fireUserInboundEventTriggered(event)
        }
        client.tunnelInputEnded()
    }
}
