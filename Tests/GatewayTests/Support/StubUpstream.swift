import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// A server on a real socket that records the requests it gets, byte for byte, and answers as it is told.
final class StubUpstream: Sendable {
    /// One request as it came.
    struct Request: Sendable {
        /// Counted over all connections, from 0.
        var index: Int
        var connection: Int
        /// Counted on its connection, from 0.
        var indexOnConnection: Int
        var head: String
        var body: String

        var line: String { String(head.split(separator: "\r\n").first ?? "") }

        func value(_ name: String) -> String? { values(name).first }

        func values(_ name: String) -> [String] { RawResponse(status: 0, head: head, body: "").values(name) }
    }

    enum Answer: Sendable {
        /// These bytes.
        case bytes(String)
        /// These bytes, then the end of the connection.
        case bytesAndClose(String)
        /// No answer, ever.
        case silence

        /// A whole answer of 200.
        static func ok(_ body: String = "ok", headers: String = "") -> Answer {
            .bytes("HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\(headers)\r\n\(body)")
        }
    }

    let port: Int
    private let listener: any Channel
    private let log: RequestLog

    /// - Parameter isOneThreaded: it serves one connection at a time, until that is closed.
    static func start(
        isOneThreaded: Bool = false, tls: NIOSSLContext? = nil,
        _ answer: @escaping @Sendable (Request) -> Answer = { _ in .ok() }
    ) async throws -> StubUpstream {
        let log = RequestLog(answer)
        let box = ListenerBox()
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.autoRead, value: !isOneThreaded)
            .serverChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelInitializer { channel in
                log.opened(channel)
                channel.closeFuture.whenComplete { _ in
                    log.closed(channel)
                    if isOneThreaded { box.acceptNext() }
                }
                return channel.eventLoop.makeCompletedFuture {
                    if let tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
                    try channel.pipeline.syncOperations.addHandler(StubHandler(log))
                }
            }
        let listener = try await bootstrap.bind(host: "127.0.0.1", port: 0).get()
        box.set(listener)
        if isOneThreaded { box.acceptNext() }
        return StubUpstream(port: listener.localAddress?.port ?? 0, listener: listener, log: log)
    }

    private init(port: Int, listener: any Channel, log: RequestLog) {
        self.port = port
        self.listener = listener
        self.log = log
    }

    var requests: [Request] { log.requests }
    /// Connections opened so far.
    var connections: Int { log.connections }
    /// Bytes received so far.
    var received: Int { log.received }

    /// Waits until so many requests have come.
    func requests(_ count: Int) async throws -> [Request] {
        try await within("\(count) requests upstream") { try await self.log.wait { $0.requests.count >= count } }
        return requests
    }

    /// Waits until no connection is open.
    func allClosed() async throws {
        try await within("the end of all connections") { try await self.log.wait { $0.open.isEmpty } }
    }

    /// Sends more on every open connection.
    func sendMore(_ text: String, close: Bool = false) async throws {
        for channel in log.channels {
            // It may be closed by now: a kept connection is, when it is told something unasked.
            try? await channel.writeAndFlush(ByteBuffer(string: text)).get()
            if close { try? await channel.close().get() }
        }
    }

    /// The channels of all open connections.
    var channels: [any Channel] { log.channels }

    /// Stops listening and breaks every connection.
    func stop() async {
        try? await listener.close().get()
        for channel in log.channels { try? await channel.close().get() }
    }
}

private final class ListenerBox: Sendable {
    private let listener = Mutex<(any Channel)?>(nil)

    func set(_ channel: any Channel) { listener.withLock { $0 = channel } }

    func acceptNext() { listener.withLock { $0 }?.read() }
}

/// What the connections of a stub have in common.
final class RequestLog: Sendable {
    struct State {
        var requests: [StubUpstream.Request] = []
        var connections = 0
        var received = 0
        var open: [ObjectIdentifier: any Channel] = [:]
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    let answer: @Sendable (StubUpstream.Request) -> StubUpstream.Answer
    private let state = Mutex(State())

    init(_ answer: @escaping @Sendable (StubUpstream.Request) -> StubUpstream.Answer) {
        self.answer = answer
    }

    var requests: [StubUpstream.Request] { state.withLock { $0.requests } }
    var connections: Int { state.withLock { $0.connections } }
    var received: Int { state.withLock { $0.received } }
    var channels: [any Channel] { state.withLock { Array($0.open.values) } }

    func opened(_ channel: any Channel) {
        update { state in
            state.connections += 1
            state.open[ObjectIdentifier(channel)] = channel
        }
    }

    func closed(_ channel: any Channel) {
        update { $0.open[ObjectIdentifier(channel)] = nil }
    }

    func received(_ count: Int) { update { $0.received += count } }

    func record(_ request: StubUpstream.Request) -> StubUpstream.Request {
        var request = request
        update { state in
            request.index = state.requests.count
            state.requests.append(request)
        }
        return request
    }

    func wait(_ condition: @Sendable (State) -> Bool) async throws {
        while !state.withLock({ condition($0) }) {
            try Task.checkCancellation()
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let isReady = state.withLock { state in
                        if condition(state) || Task.isCancelled { return true }
                        state.waiters.append(continuation)
                        return false
                    }
                    if isReady { continuation.resume() }
                }
            } onCancel: {
                update { _ in }
            }
        }
    }

    private func update(_ change: (inout State) -> Void) {
        let waiters = state.withLock { state in
            change(&state)
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }
}

private final class StubHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let log: RequestLog
    private var text = ""
    private var count = 0

    init(_ log: RequestLog) { self.log = log }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        log.received(bytes.readableBytes)
        text += String(buffer: bytes)
        while let request = takeRequest() {
            switch log.answer(log.record(request)) {
            case .bytes(let answer):
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: answer)), promise: nil)
            case .bytesAndClose(let answer):
                let channel = context.channel
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: answer))).whenComplete { _ in
                    channel.close(promise: nil)
                }
            case .silence:
                break
            }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func takeRequest() -> StubUpstream.Request? {
        guard let (head, rest) = text.headAndRest else { return nil }
        var request = StubUpstream.Request(
            index: 0, connection: log.connections, indexOnConnection: count, head: head, body: "")
        if request.value("Transfer-Encoding") == "chunked" {
            guard let (content, after) = rest.unchunked else { return nil }
            request.body = content
            text = after
        } else {
            let length = request.value("Content-Length").flatMap(Int.init) ?? 0
            guard rest.utf8.count >= length else { return nil }
            request.body = String(decoding: rest.utf8.prefix(length), as: UTF8.self)
            text = String(decoding: rest.utf8.dropFirst(length), as: UTF8.self)
        }
        count += 1
        return request
    }
}
