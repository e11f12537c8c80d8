import Glibc
import NIOCore
import NIOPosix
import NIOSSL
import Testing

/// A client that sends the bytes it is told to and sees every byte of the answer.
final class RawClient: Sendable {
    private let channel: any Channel
    private let inbox: Inbox

    private init(channel: any Channel, inbox: Inbox) {
        self.channel = channel
        self.inbox = inbox
    }

    static func connect(
        _ port: Int, receiveBuffer: Int32? = nil, autoRead: Bool = true, allowsHalfClosure: Bool = false,
        tls: NIOSSLContext? = nil
    ) async throws -> RawClient {
        let inbox = Inbox()
        var bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.autoRead, value: autoRead)
            .channelOption(.allowRemoteHalfClosure, value: allowsHalfClosure)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls {
                        let handler = try NIOSSLClientHandler(context: tls, serverHostname: "localhost")
                        try channel.pipeline.syncOperations.addHandler(handler)
                    }
                    try channel.pipeline.syncOperations.addHandler(InboxHandler(inbox))
                }
            }
        if !autoRead { bootstrap = bootstrap.channelOption(.recvAllocator, value: littleByLittle) }
        if let receiveBuffer {
            bootstrap = bootstrap.channelOption(.socketOption(.so_rcvbuf), value: .init(receiveBuffer))
        }
        let channel = try await bootstrap.connect(host: "127.0.0.1", port: port).get()
        return RawClient(channel: channel, inbox: inbox)
    }

    func send(_ text: String) async throws {
        try await channel.writeAndFlush(ByteBuffer(string: text)).get()
    }

    func send(_ bytes: ByteBuffer) async throws {
        try await channel.writeAndFlush(bytes).get()
    }

    /// Whether the connection ended with an error.
    var hasFailed: Bool { inbox.hasFailed }

    /// What has come and was not taken yet.
    var received: String { inbox.text }

    /// Reads once; for clients without `autoRead`.
    func read() { channel.read() }

    /// The next response, to a request that was no HEAD.
    func response() async throws -> RawResponse {
        try await within("a response") { try await self.inbox.next { RawResponse.take(from: &$0, isAtEnd: $1) } }
    }

    /// Everything up to the end of the connection.
    func rest() async throws -> String {
        try await within("the end of the connection") {
            try await self.inbox.next { text, isAtEnd in isAtEnd ? text : nil }
        }
    }

    /// Waits until something has come, and throws it away. Returns how many bytes that was.
    func discardSome() async throws -> Int {
        try await within("some bytes") { try await self.inbox.discardSome() }
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

    /// Sends nothing more, but still listens.
    func endOutput() async throws { try await channel.close(mode: .output).get() }

    func close() async {
        try? await channel.close().get()
    }

    /// Breaks the connection, so that the other side's next write fails.
    func reset() async throws {
        let provider = try #require(channel as? any SocketOptionProvider)
        try await provider.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
        try await channel.close().get()
    }
}

/// One response as it came.
struct RawResponse: Sendable {
    var status: Int
    var head: String
    var body: String

    /// The values of a header, in the order they came.
    func values(_ name: String) -> [String] {
        head.split(separator: "\r\n").dropFirst().compactMap { line in
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, parts[0].lowercased() == name.lowercased() else { return nil }
            return parts[1].trimmed
        }
    }

    func value(_ name: String) -> String? { values(name).first }

    /// Takes a whole response off the front of `text`; `nil` while it is not whole.
    static func take(from text: inout String, isAtEnd: Bool) -> RawResponse? {
        guard let (head, rest) = text.headAndRest else { return nil }
        let status = Int(head.split(separator: " ").dropFirst().first ?? "") ?? 0
        var response = RawResponse(status: status, head: head, body: "")
        var body = rest
        if status < 200 || status == 204 || status == 304 {
        } else if response.value("Transfer-Encoding") == "chunked" {
            guard let (content, after) = rest.unchunked else { return nil }
            response.body = content
            body = after
        } else if let length = response.value("Content-Length").flatMap(Int.init) {
            guard rest.utf8.count >= length else { return nil }
            response.body = String(decoding: rest.utf8.prefix(length), as: UTF8.self)
            body = String(decoding: rest.utf8.dropFirst(length), as: UTF8.self)
        } else {
            guard isAtEnd else { return nil }
            response.body = rest
            body = ""
        }
        text = body
        return response
    }
}

extension String {
    func range(of text: String) -> Range<Index>? {
        let all = Array(utf8)
        let part = Array(text.utf8)
        guard all.count >= part.count,
            let start = (0...(all.count - part.count)).first(where: { Array(all[$0..<($0 + part.count)]) == part })
        else { return nil }
        return utf8.index(startIndex, offsetBy: start)..<utf8.index(startIndex, offsetBy: start + part.count)
    }
}

extension StringProtocol {
    var trimmed: String {
        var bytes = Substring(self)
        while bytes.first == " " || bytes.first == "\t" { bytes.removeFirst() }
        while bytes.last == " " || bytes.last == "\t" { bytes.removeLast() }
        return String(bytes)
    }
}

extension String {
    /// The head, with the CRLF of its last line, and what follows the empty line.
    var headAndRest: (head: String, rest: String)? {
        let bytes = Array(utf8)
        let end = Array("\r\n\r\n".utf8)
        guard bytes.count >= 4,
            let index = (0...(bytes.count - 4)).first(where: { Array(bytes[$0..<($0 + 4)]) == end })
        else { return nil }
        return (
            String(decoding: bytes[..<(index + 2)], as: UTF8.self),
            String(decoding: bytes[(index + 4)...], as: UTF8.self)
        )
    }

    /// The content of a chunked body, and what follows it; `nil` while it is not whole. Trailers are dropped.
    var unchunked: (content: String, rest: String)? {
        var bytes = Array(utf8)[...]
        var content: [UInt8] = []
        func line() -> [UInt8]? {
            guard let feed = bytes.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
            defer { bytes = bytes[(feed + 1)...] }
            return Array(bytes[bytes.startIndex..<max(bytes.startIndex, feed - 1)])
        }
        while let size = line() {
            guard let count = Int(String(decoding: size.prefix { $0 != UInt8(ascii: ";") }, as: UTF8.self), radix: 16)
            else { return nil }
            if count == 0 {
                while let trailer = line() {
                    if trailer.isEmpty {
                        return (String(decoding: content, as: UTF8.self), String(decoding: bytes, as: UTF8.self))
                    }
                }
                return nil
            }
            guard bytes.count >= count + 2 else { return nil }
            content += bytes.prefix(count)
            bytes = bytes.dropFirst(count + 2)
        }
        return nil
    }
}

/// Runs `work`, and fails where it takes longer than any machine needs for it.
func within<T: Sendable>(
    _ what: String, seconds: Int = 60, _ work: @escaping @Sendable () async throws -> T
) async throws -> T {
    try await withThrowingTaskGroup(of: T.self) { group in
        group.addTask { try await work() }
        group.addTask {
            try await Task.sleep(for: .seconds(seconds))
            throw TimedOut(what: what)
        }
        defer { group.cancelAll() }
        guard let result = try await group.next() else { throw CancellationError() }
        return result
    }
}

struct TimedOut: Error, CustomStringConvertible {
    var what: String
    var description: String { "waited in vain for \(what)" }
}
