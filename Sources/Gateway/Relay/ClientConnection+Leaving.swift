import Glibc
import NIOCore

/// The connection itself: when it takes more, and how it ends.
extension ClientConnection {
    func channelWritabilityChanged(context: ChannelHandlerContext) {
        isWritable = context.channel.isWritable
        guard isWritable else { return }
        stalledBytes = nil
        exchange.connection?.resume()
        pump()
        readOn()
    }

    /// The upstream takes more of the body.
    func upstreamTakesMore() {
        pump()
        readOn()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        leave()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        leave()
        self.context = nil
    }

    /// The client is gone: its request is forgotten, and what was asked upstream is broken off.
    func leave() {
        guard phase != .closed else { return }
        let wasBusy = phase == .held || phase == .sending || phase == .relaying || phase == .tunnel
        phase = .closed
        outlet = nil
        worker.left(self)
        deadline?.cancel()
        releaseHold()
        dropUpstream()
        inbound = worker.empty
        out = worker.empty
        exchange = Exchange(worker.empty)
        if wasBusy { worker.requestEnded() }
    }

    /// Bytes of answers that the client has not taken yet, and that its socket does not hold.
    var unwrittenBytes: Int { (try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0 }

    /// Calls `next` once everything is written that has been given to the channel; not at all where it is closed before.
    func whenWritten(_ next: @escaping () -> Void) {
        guard let context else { return }
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.assumeIsolated().whenSuccess(next)
        context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: written)
    }

    /// Breaks the connection, so that the client cannot take what it has for all of the answer.
    func abort() {
        guard let context, phase != .closed else { return }
        // A reset rather than an orderly end: to a client of HTTP/1.0 an end would look like the whole answer.
        let provider = context.channel as? any SocketOptionProvider
        _ = provider?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
        closeTransport(context)
    }
}
