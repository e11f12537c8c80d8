import NIOCore
import NIOPosix
import Synchronization

/// A server on a real socket that does nothing by itself: the test speaks for every connection.
final class RawServer: Sendable {
    let port: Int
    private let listener: any Channel
    private let peers: AsyncStream<RawPeer>
    private let accepted: Mutex<[RawPeer]>

    /// - Parameter autoRead: otherwise a peer receives what ``RawPeer/read()`` asks for.
    static func start(autoRead: Bool = true) async throws -> RawServer {
        let (peers, continuation) = AsyncStream<RawPeer>.makeStream()
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.autoRead, value: autoRead)
            .childChannelInitializer { channel in
                let inbox = Inbox()
                let announcer = Announcer { continuation.yield(RawPeer(channel: channel, inbox: inbox)) }
                return channel.pipeline.addHandlers([InboxHandler(inbox), announcer])
            }
        if !autoRead { _ = bootstrap.childChannelOption(.recvAllocator, value: littleByLittle) }
        let listener = try await bootstrap.bind(host: "127.0.0.1", port: 0).get()
        return RawServer(listener: listener, peers: peers)
    }

    private init(listener: any Channel, peers: AsyncStream<RawPeer>) {
        port = listener.localAddress?.port ?? 0
        self.listener = listener
        self.peers = peers
        accepted = Mutex([])
    }

    /// The next connection.
    func peer() async throws -> RawPeer {
        let peer = try await within("a connection") {
            for await peer in self.peers { return peer }
            throw CancellationError()
        }
        accepted.withLock { $0.append(peer) }
        return peer
    }

    /// Stops listening and breaks every connection.
    func stop() async {
        try? await listener.close().get()
        for peer in accepted.withLock({ $0 }) { await peer.close() }
    }
}

/// Tells of a connection once it can be used: what is asked of it before, such as a read, may be lost.
private final class Announcer: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer
    private let announce: @Sendable () -> Void

    init(_ announce: @escaping @Sendable () -> Void) { self.announce = announce }

    func channelActive(context: ChannelHandlerContext) {
        announce()
        context.fireChannelActive()
    }
}

/// For whoever has to read more slowly than anybody writes.
let littleByLittle = FixedSizeRecvByteBufferAllocator(capacity: 4096)

/// One connection of a ``RawServer``.
final class RawPeer: Sendable {
    private let channel: any Channel
    private let inbox: Inbox

    init(channel: any Channel, inbox: Inbox) {
        self.channel = channel
        self.inbox = inbox
    }

    func send(_ text: String) async throws {
        try await send(ByteBuffer(string: text))
    }

    func send(_ bytes: ByteBuffer) async throws {
        try await channel.writeAndFlush(bytes).get()
    }

    /// Reads once; for servers without `autoRead`.
    func read() { channel.read() }

    /// The next message head.
    func head() async throws -> String {
        try await within("a head") {
            try await self.inbox.next { text, _ -> String? in
                guard let (head, rest) = text.headAndRest else { return nil }
                text = rest
                return head
            }
        }
    }

    /// Waits until `text` has come, and throws away what came up to its end.
    func receive(upTo text: String) async throws {
        try await within("`\(text)`") {
            try await self.inbox.next { all, _ -> Void? in
                guard let range = all.range(of: text) else { return nil }
                all = String(all[range.upperBound...])
                return ()
            }
        }
    }

    /// Everything up to the end of what the other side sends.
    func rest() async throws -> String {
        try await within("the end of the connection") {
            try await self.inbox.next { text, isAtEnd in isAtEnd ? text : nil }
        }
    }

    /// Waits until something has come, and throws it away. Returns how many bytes that was.
    func discardSome() async throws -> Int {
        try await within("some bytes") { try await self.inbox.discardSome() }
    }

    /// Sends nothing more, but still listens.
    func endOutput() async throws { try await channel.close(mode: .output).get() }

    func close() async { try? await channel.close().get() }
}
