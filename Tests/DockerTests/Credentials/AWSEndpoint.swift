import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// ECR's API as far as `GetAuthorizationToken` needs it: answers what the test says, in the form of AWS JSON 1.1.
final class AWSEndpoint: Sendable {
    struct Reply: Sendable {
        var status: HTTPResponseStatus
        var body: String
    }

    struct Request: Sendable, Hashable {
        /// `X-Amz-Target`: service, version and operation.
        var target: String
        /// The access key and the region that the request was signed for.
        var authorization: String
        var body: String
    }

    private struct State {
        var reply: Reply
        var requests: [Request] = []
    }

    private let state: Mutex<State>
    private let channel: any Channel

    var url: String { "http://127.0.0.1:\(channel.localAddress?.port ?? 0)" }
    var requests: [Request] { state.withLock(\.requests) }

    private init(channel: any Channel, state: consuming Mutex<State>) {
        self.channel = channel
        self.state = state
    }

    func answer(_ reply: Reply) { state.withLock { $0.reply = reply } }

    fileprivate func take(_ request: Request) -> Reply {
        state.withLock { state in
            state.requests.append(request)
            return state.reply
        }
    }

    /// Serves on a port of its own as long as `body` runs.
    static func run<Result>(
        _ reply: Reply, _ body: (AWSEndpoint) async throws -> Result
    ) async throws -> Result {
        let found = Found()
        let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Handler(found: found))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let endpoint = AWSEndpoint(channel: channel, state: Mutex(State(reply: reply)))
        found.endpoint.withLock { $0 = endpoint }
        do {
            let result = try await body(endpoint)
            try await channel.close()
            return result
        } catch {
            try await channel.close()
            throw error
        }
    }

    /// The endpoint, known only once it listens.
    private final class Found: Sendable {
        let endpoint = Mutex<AWSEndpoint?>(nil)
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let found: Found
        private var head: HTTPRequestHead?
        private var body = ""

        init(found: Found) { self.found = found }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head):
                self.head = head
                body = ""
            case .body(let bytes): body += String(buffer: bytes)
            case .end: reply(context)
            }
        }

        private func reply(_ context: ChannelHandlerContext) {
            guard let head, let endpoint = found.endpoint.withLock({ $0 }) else { return context.close(promise: nil) }
            let reply = endpoint.take(
                Request(
                    target: head.headers["X-Amz-Target"].joined(),
                    authorization: head.headers["Authorization"].joined(), body: body))
            let headers: HTTPHeaders = [
                "Content-Type": "application/x-amz-json-1.1", "Content-Length": "\(reply.body.utf8.count)",
                "x-amzn-RequestId": "0",
            ]
            let head2 = HTTPResponseHead(version: .http1_1, status: reply.status, headers: headers)
            context.write(wrapOutboundOut(.head(head2)), promise: nil)
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: reply.body)))), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
    }
}

extension AWSEndpoint.Reply {
    /// A token as ECR gives it.
    /// - Parameter expiresAt: seconds since 1970.
    static func token(_ password: String, expiresAt: Int64, registry: String) -> Self {
        Self(
            status: .ok,
            body: """
                {"authorizationData":[{"authorizationToken":"\(ToolBox.base64("AWS:\(password)"))",\
                "expiresAt":\(expiresAt).123,"proxyEndpoint":"https://\(registry)"}]}
                """)
    }

    /// An error in the form of AWS JSON 1.1.
    static func error(_ type: String, _ message: String, status: HTTPResponseStatus = .badRequest) -> Self {
        Self(status: status, body: #"{"__type":"\#(type)","message":"\#(message)"}"#)
    }
}
