import NIOCore

/// Hands a connection over once it is open, and closes it where nobody takes connections any more.
///
/// Not earlier: a connection that is closed by halves before its event loop knows it trips NIO's assertions.
final class ArrivalHandler: ChannelInboundHandler {
    typealias InboundIn = NIOAny

    private let arrivals: AsyncStream<any Channel>.Continuation

    init(_ arrivals: AsyncStream<any Channel>.Continuation) {
        self.arrivals = arrivals
    }

    func channelActive(context: ChannelHandlerContext) {
        if case .terminated = arrivals.yield(context.channel) { context.close(promise: nil) }
        context.fireChannelActive()
    }
}
