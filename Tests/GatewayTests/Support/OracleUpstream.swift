import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// An upstream that reads requests with NIOHTTP1, which nobody here wrote, and answers each with an empty 200.
final class OracleUpstream: Sendable {
    struct Request: Sendable {
        var head: String
        var headers: [String: [String]]
        var body = 0
        var isWhole = false

        func values(_ name: String) -> [String] { headers[name.lowercased()] ?? [] }
    }

    struct Seen: Sendable {
        /// In the order in which they began.
        var requests: [Request] = []
        /// What was no HTTP.
        var faults: [String] = []
    }

    let port: Int
    private let group: MultiThreadedEventLoopGroup
    private let listener: any Channel
    private let seen: SeenRequests

    static func start() async throws -> OracleUpstream {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let seen = SeenRequests()
        let listener = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let decoder = ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes))
                    try channel.pipeline.syncOperations.addHandlers([decoder, OracleHandler(seen)])
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return OracleUpstream(group: group, listener: listener, seen: seen)
    }

    private init(group: MultiThreadedEventLoopGroup, listener: any Channel, seen: SeenRequests) {
        port = listener.localAddress?.port ?? 0
        self.group = group
        self.listener = listener
        self.seen = seen
    }

    /// Everything so far.
    var all: Seen { seen.state.withLock { $0 } }

    func stop() async { try? await group.shutdownGracefully() }
}

private final class SeenRequests: Sendable {
    let state = Mutex(OracleUpstream.Seen())
}

private final class OracleHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = ByteBuffer

    private let seen: SeenRequests
    private var index = 0
    private var switches = false

    init(_ seen: SeenRequests) { self.seen = seen }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            switches = head.headers.contains(name: "upgrade")
            let headers = Dictionary(grouping: head.headers, by: { $0.name.lowercased() }).mapValues { $0.map(\.value) }
            let request = OracleUpstream.Request(head: "\(head.method) \(head.uri)", headers: headers)
            index = seen.state.withLock { state in
                state.requests.append(request)
                return state.requests.count - 1
            }
        case .body(let bytes):
            seen.state.withLock { $0.requests[index].body += bytes.readableBytes }
        case .end:
            seen.state.withLock { $0.requests[index].isWhole = true }
            // Behind a request to switch protocols it reads no more HTTP.
            let close = switches ? "Connection: close\r\n" : ""
            let answer = ByteBuffer(string: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\(close)\r\n")
            context.writeAndFlush(wrapOutboundOut(answer), promise: nil)
            if switches { context.close(promise: nil) }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A request that ends in its middle is one that was broken off.
        if let error = error as? HTTPParserError, error != .invalidEOFState {
            seen.state.withLock { $0.faults.append("\(error)") }
        }
        context.close(promise: nil)
    }
}
