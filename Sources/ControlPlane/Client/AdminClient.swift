import FoundationEssentials
import NIOCore
import NIOHTTP1

/// Asks a running daemon through its Unix socket.
///
/// Holds nothing open between calls; each makes its own connection, so any number may run at once. A call that is
/// cancelled hangs up. The calls lie with their resources.
package struct AdminClient: Sendable {
    private let socket: String

    /// How long an answer may take that only waits for a record to be written.
    static let longestAction: Duration = .seconds(60)
    /// How long the manifests of a root may take to be read and accepted.
    static let longestApply: Duration = .seconds(300)
    /// The largest answer, in bytes: room for a diagnostic of each of ten thousand models.
    private static let largestReply = 16 * 1024 * 1024

    /// - Parameter socket: the path of the daemon's socket, however long.
    package init(socket: String) {
        self.socket = socket
    }

    func get<Reply: Decodable>(
        _ path: String, _ type: Reply.Type, within timeout: Duration = longestAction
    ) async throws(ClientError) -> Reply {
        try decode(type, from: try await exchange(.GET, path, body: nil, within: timeout))
    }

    func post<Reply: Decodable>(
        _ path: String, _ body: some AdminBody, _ type: Reply.Type, within timeout: Duration = longestAction
    ) async throws(ClientError) -> Reply {
        let bytes: ByteBuffer
        do {
            bytes = ByteBuffer(bytes: try JSONEncoder().encode(body))
        } catch {
            throw .transport("\(error)")
        }
        return try decode(type, from: try await exchange(.POST, path, body: bytes, within: timeout))
    }

    /// One exchange, whatever its status.
    func exchange(
        _ method: HTTPMethod, _ path: String, body: ByteBuffer?, within timeout: Duration
    ) async throws(ClientError) -> HTTPExchange.Reply {
        let location: SocketLocation
        do {
            location = try SocketLocation(socket)
        } catch {
            throw ClientError(error)
        }
        // The address is good only as long as its location is held.
        defer { withExtendedLifetime(location) {} }
        let host = location.address.utf8.map(percentEncoded).joined()
        let exchange = HTTPExchange(
            method: method, url: "http+unix://\(host)\(path)", body: body, timeout: timeout,
            largestReply: Self.largestReply)
        return try await exchange.perform()
    }

    private func decode<Reply: Decodable>(
        _ type: Reply.Type, from reply: HTTPExchange.Reply
    ) throws(ClientError) -> Reply {
        let data = Data(reply.body.readableBytesView)
        guard (200..<300).contains(reply.status) else {
            let error = try? JSONDecoder().decode(ErrorReply.self, from: data)
            throw .api(
                status: reply.status, code: error?.code ?? "unknown",
                message: error?.error ?? "the daemon answered with status \(reply.status)")
        }
        do {
            return try JSONDecoder().decode(type, from: data)
        } catch {
            throw .badReply("the daemon's answer is not understood: \(error)")
        }
    }
}

/// A byte of a path as the host of a URL spells it.
private func percentEncoded(_ byte: UInt8) -> String {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
        String(UnicodeScalar(byte))
    default:
        "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
    }
}

extension ClientError {
    init(_ error: SocketError) {
        if case .system(_, _, let code) = error {
            self = Self.of(errno: code, "\(error)")
        } else {
            self = .transport("\(error)")
        }
    }
}
