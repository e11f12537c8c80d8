import NIOCore
import NIOPosix
import Synchronization

/// A server on a real socket that counts what it receives, and sends what it is told to, on its one connection.
final class StubSink: Sendable {
    let port: Int
    private let listener: any Channel
    private let handler: SinkHandler

    static func start() async throws -> StubSink {
        let handler = SinkHandler()
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.socketOption(.so_sndbuf), value: 65536)
            .childChannelInitializer { $0.pipeline.addHandler(handler) }
            .bind(host: "127.0.0.1", port: 0).get()
        return StubSink(port: listener.localAddress?.port ?? 0, listener: listener, handler: handler)
    }

    private init(port: Int, listener: any Channel, handler: SinkHandler) {
        self.port = port
        self.listener = listener
        self.handler = handler
    }

    /// Bytes received so far, heads included.
    var received: Int { handler.state.withLock { $0.received } }

    func wait(for count: Int) async throws {
        while received < count {
            try Task.checkCancellation()
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let isReady = handler.state.withLock { state in
                        if state.received >= count || Task.isCancelled { return true }
                        state.waiter = continuation
                        return false
                    }
                    if isReady { continuation.resume() }
                }
            } onCancel: {
                handler.received(0)
            }
        }
    }

    func send(_ text: String) async throws { try await send(ByteBuffer(string: text)) }

    func send(_ bytes: ByteBuffer) async throws {
        let channel = handler.state.withLock { $0.channel }
        try await channel?.writeAndFlush(bytes).get()
    }

    func stop() async {
        try? await listener.close().get()
        try? await handler.state.withLock({ $0.channel })?.close().get()
    }
}

private final class SinkHandler: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer

    struct State {
        var received = 0
        var channel: (any Channel)?
        var waiter: CheckedContinuation<Void, Never>?
    }

    let state = Mutex(State())

    func channelActive(context: ChannelHandlerContext) {
        let channel = context.channel
        state.withLock { $0.channel = channel }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received(unwrapInboundIn(data).readableBytes)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func received(_ count: Int) {
        let waiter = state.withLock { state in
            state.received += count
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }
}
