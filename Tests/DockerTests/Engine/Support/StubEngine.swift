import NIOCore
import NIOPosix
import Synchronization
import TestSupport

/// An engine that answers as a test says, on a real Unix socket. What it answers is written byte by byte, so that it can
/// also answer wrongly, in part, or never.
final class StubEngine: Sendable {
    struct Request: Sendable, Hashable {
        var method: String
        /// Path and query, as they came.
        var target: String
        /// By names in small letters.
        var headers: [String: String]
        var body: String

        var path: String { String(target.prefix { $0 != "?" }) }

        /// `/containers/…`, whatever the version.
        var unversioned: String {
            guard path.hasPrefix("/v1."), let slash = path.dropFirst().firstIndex(of: "/") else { return path }
            return String(path[slash...])
        }

        /// The parameters of the query, decoded.
        var query: [String: String] {
            let pairs = target.split(separator: "?", maxSplits: 1).dropFirst().first?.split(separator: "&") ?? []
            return Dictionary(
                pairs.map { pair in
                    let parts = pair.split(separator: "=", maxSplits: 1).map { decoded(String($0)) }
                    return (parts[0], parts.count > 1 ? parts[1] : "")
                }
            ) { first, _ in first }
        }
    }

    typealias Answer = @Sendable (Request, StubReply) async throws -> Void

    let socket: String
    private let directory: TemporaryDirectory
    private let state = Mutex(State())

    private struct State {
        var requests: [Request] = []
        var accepted = 0
        var open = 0
    }

    /// What it has been asked, in order.
    var requests: [Request] { state.withLock(\.requests) }
    /// Connections that were made to it.
    var accepted: Int { state.withLock(\.accepted) }
    /// Connections that are not closed by either side.
    var open: Int { state.withLock(\.open) }

    /// - Parameter directory: where its socket lies; one of its own where none is given.
    init(in directory: TemporaryDirectory? = nil) throws {
        self.directory = try directory ?? TemporaryDirectory()
        socket = self.directory.path("e.sock")
    }

    /// Listens while `body` runs, and hangs up on everyone afterwards.
    /// - Parameter answer: is cancelled when the caller hangs up, or at the end.
    func run<Result: Sendable>(
        answer: @escaping Answer, _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        // Plain channels, read from only once they are served: one that comes as the test ends is merely closed.
        let (connections, accepted) = AsyncStream<any Channel>.makeStream()
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { channel in
                accepted.yield(channel)
                return channel.eventLoop.makeSucceededVoidFuture()
            }
            .bind(unixDomainSocketPath: socket, cleanupExistingSocketFile: true).get()
        return try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask {
                await withDiscardingTaskGroup { serving in
                    for await connection in connections {
                        serving.addTask { await self.serve(connection, answer) }
                    }
                    serving.cancelAll()
                }
                try await listener.close()
                accepted.finish()
                for await connection in connections { connection.close(promise: nil) }
                return nil
            }
            group.addTask { try await body() }
            while let result = try await group.next() {
                guard let result else { continue }
                group.cancelAll()
                return result
            }
            throw CancellationError()
        }
    }

    private func serve(_ channel: any Channel, _ answer: @escaping Answer) async {
        state.withLock {
            $0.accepted += 1
            $0.open += 1
        }
        defer { state.withLock { $0.open -= 1 } }
        // Whatever goes wrong on a connection is what the other side sees of it.
        let wrapped = try? await channel.eventLoop.submit {
            try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
        }.get()
        guard let connection = wrapped else { return channel.close(promise: nil) }
        channel.setOption(.autoRead, value: true).whenComplete { _ in }
        try? await connection.executeThenClose { inbound, outbound in
            var received = ByteBuffer()
            var bytes = inbound.makeAsyncIterator()
            var parsed: Request?
            while parsed == nil {
                guard let more = try await bytes.next() else { return }
                received.writeImmutableBuffer(more)
                parsed = request(String(buffer: received))
            }
            guard let request = parsed else { return }
            self.state.withLock { $0.requests.append(request) }
            let reply = StubReply(channel: connection.channel, outbound: outbound)
            // Answers until it is done, or until the caller hangs up.
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await answer(request, reply) }
                let (closing, closed) = AsyncStream<Never>.makeStream()
                connection.channel.closeFuture.whenComplete { _ in closed.finish() }
                group.addTask { for await _ in closing {} }
                try await group.next()
                group.cancelAll()
            }
        }
    }
}

/// Where a stub writes its answer.
struct StubReply: Sendable {
    let channel: any Channel
    let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>

    func send(_ text: String) async throws { try await outbound.write(ByteBuffer(string: text)) }
    func send(_ bytes: [UInt8]) async throws { try await outbound.write(ByteBuffer(bytes: bytes)) }

    /// A whole answer.
    func answer(_ status: Int = 200, _ body: String = "", headers: String = "") async throws {
        try await send("HTTP/1.1 \(status) Whatever\r\n\(headers)Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
    }

    /// The head of an answer that comes bit by bit.
    func begin(_ status: Int = 200, headers: String = "") async throws {
        try await send("HTTP/1.1 \(status) Whatever\r\n\(headers)Transfer-Encoding: chunked\r\n\r\n")
    }

    func chunk(_ bytes: [UInt8]) async throws {
        try await send(Array("\(String(bytes.count, radix: 16))\r\n".utf8) + bytes + [13, 10])
    }

    func chunk(_ text: String) async throws { try await chunk(Array(text.utf8)) }

    func end() async throws { try await send("0\r\n\r\n") }

    /// Says nothing until the caller hangs up, or the test ends.
    func hang() async throws { try await Task.sleep(for: .seconds(3600)) }

    /// The answer to a ping of an engine that speaks this version.
    func pong(_ version: String = "1.41") async throws {
        try await answer(200, "OK", headers: "Api-Version: \(version)\r\n")
    }
}

/// A request, once it is there as a whole.
private func request(_ text: String) -> StubEngine.Request? {
    guard let end = text.firstRange(of: "\r\n\r\n") else { return nil }
    let lines = text[..<end.lowerBound].split(separator: "\r\n")
    let words = lines[0].split(separator: " ")
    let headers = lines.dropFirst().map { line in
        let parts = line.split(separator: ":", maxSplits: 1).map(String.init)
        return (parts[0].lowercased(), String((parts.count > 1 ? parts[1] : "").drop { $0 == " " }))
    }
    let fields = Dictionary(headers) { first, _ in first }
    let body = String(text[end.upperBound...])
    guard body.utf8.count >= fields["content-length"].flatMap({ Int($0) }) ?? 0 else { return nil }
    return StubEngine.Request(method: String(words[0]), target: String(words[1]), headers: fields, body: body)
}

private func decoded(_ text: String) -> String {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
        if byte == UInt8(ascii: "%"), let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) {
            bytes.append(value)
            rest = rest.dropFirst(2)
        } else {
            bytes.append(byte)
        }
    }
    return String(decoding: bytes, as: UTF8.self)
}
