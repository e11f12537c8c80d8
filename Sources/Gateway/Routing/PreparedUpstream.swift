import ModelCore
import NIOCore
import NIOSSL

/// Who is at the other end of a pool of connections.
enum UpstreamKey: Hashable, Sendable {
    case instance(InstanceID, address: String, port: Int)
    case origin(isTLS: Bool, host: String, port: Int)
}

/// Who answered, in the words of `X-Modelet-Served-By`.
enum ServedBy: String, Sendable {
    case instance, fallback, remote
}

/// One upstream of a route, with everything about it that is the same for every request already written out.
final class PreparedUpstream: Sendable {
    let key: UpstreamKey
    let servedBy: ServedBy
    /// The numeric address; `nil` where ``host`` has to be resolved.
    let address: SocketAddress?
    let host: String
    let port: Int
    let tls: NIOSSLContext?
    /// `POST /path`.
    let requestStart: [UInt8]
    /// Whether that path has a query already.
    let hasQuery: Bool
    /// What the path of a request to the model's own API is put behind: the prefix of a `base_url`.
    let apiPrefix: [UInt8]
    /// ` HTTP/1.1`, the `Host` and the manifest's own headers.
    let requestLines: [UInt8]
    /// `X-Modelet-Model` and `X-Modelet-Served-By`.
    let replyLines: [UInt8]

    init(
        key: UpstreamKey, servedBy: ServedBy, model: ModelKey, host: String, port: Int, authority: String,
        path: String, apiPrefix: String = "", overrides: HeaderOverrides, tls: NIOSSLContext? = nil
    ) {
        self.key = key
        self.servedBy = servedBy
        self.host = host
        self.port = port
        self.tls = tls
        address = try? SocketAddress(ipAddress: host, port: port)
        hasQuery = path.utf8.contains(UInt8(ascii: "?"))
        requestStart = Array("POST ".utf8) + Self.escaped(path)
        self.apiPrefix = Self.escaped(apiPrefix)
        requestLines = Array(" HTTP/1.1\r\nHost: \(overrides.host ?? authority)\r\n".utf8) + overrides.lines
        replyLines = Array("X-Modelet-Model: \(model)\r\nX-Modelet-Served-By: \(servedBy.rawValue)\r\n".utf8)
    }

    /// `path` with every byte that may not stand in a request line percent-encoded.
    private static func escaped(_ path: String) -> [UInt8] {
        let digits = Array("0123456789ABCDEF".utf8)
        return path.utf8.flatMap { byte -> [UInt8] in
            if ByteClass.isVisible(byte), byte != UInt8(ascii: "#") { return [byte] }
            return [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
    }

    /// What people call it: an address, or the URL of its origin.
    var description: String {
        switch key {
        case .instance(let id, let address, let port): "instance \(id) at \(address):\(port)"
        case .origin(let isTLS, let host, let port): "\(isTLS ? "https" : "http")://\(host):\(port)"
        }
    }
}
