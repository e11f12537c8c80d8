internal import Glibc
internal import ProcFS

/// A numeric IP address.
struct HostAddress: Hashable, Sendable {
    let family: Listener.Family
    /// In network order: 4 or 16.
    let bytes: [UInt8]
    /// As the gateway connects to it: `127.0.0.1`, `::1`.
    let text: String

    static let loopbackV4 = HostAddress(family: .v4, bytes: [127, 0, 0, 1], text: "127.0.0.1")
    static let loopbackV6 = HostAddress(
        family: .v6, bytes: [UInt8](repeating: 0, count: 15) + [1], text: "::1")

    private init(family: Listener.Family, bytes: [UInt8], text: String) {
        self.family = family
        self.bytes = bytes
        self.text = text
    }

    /// `nil` where `text` is no numeric address.
    init?(_ text: String) {
        if let bytes = Self.parse(text, family: AF_INET, length: 4) {
            self.init(family: .v4, bytes: bytes)
        } else if let bytes = Self.parse(text, family: AF_INET6, length: 16) {
            self.init(family: .v6, bytes: bytes)
        } else {
            return nil
        }
    }

    init(family: Listener.Family, bytes: [UInt8]) {
        self.init(family: family, bytes: bytes, text: Self.print(family == .v4 ? AF_INET : AF_INET6, bytes))
    }

    fileprivate init?(_ socketAddress: UnsafePointer<sockaddr>) {
        let raw = UnsafeRawPointer(socketAddress)
        switch Int32(socketAddress.pointee.sa_family) {
        case AF_INET:
            let address = raw.loadUnaligned(as: sockaddr_in.self).sin_addr
            self.init(family: .v4, bytes: withUnsafeBytes(of: address, Array.init))
        case AF_INET6:
            let address = raw.loadUnaligned(as: sockaddr_in6.self).sin6_addr
            self.init(family: .v6, bytes: withUnsafeBytes(of: address, Array.init))
        default: return nil
        }
    }

    /// With a port, as people and URLs write it.
    func endpoint(_ port: Int) -> String { family == .v4 ? "\(text):\(port)" : "[\(text)]:\(port)" }

    /// `0.0.0.0` or `::`: every address of this host.
    var isUnspecified: Bool { bytes.allSatisfy { $0 == 0 } }

    private static func parse(_ text: String, family: Int32, length: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: length)
        return inet_pton(family, text, &bytes) == 1 ? bytes : nil
    }

    private static func print(_ family: Int32, _ bytes: [UInt8]) -> String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        inet_ntop(family, bytes, &text, socklen_t(text.count))
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

extension HostAddress {
    /// What a host stands for without asking anybody: a numeric address, or `localhost`, which is the loopback
    /// addresses by definition (RFC 6761). A server that is told to listen everywhere is asked at the loopback.
    static func known(_ host: String) -> [HostAddress]? {
        if host.lowercased() == "localhost" { return [.loopbackV4, .loopbackV6] }
        guard let address = HostAddress(host) else { return nil }
        guard address.isUnspecified else { return [address] }
        return address.family == .v4 ? [.loopbackV4] : [.loopbackV6, .loopbackV4]
    }

    /// Asks the system's resolver. Blocks, for as long as its name servers take.
    static func resolved(_ host: String) throws(ResolutionError) -> [HostAddress] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, nil, &hints, &list)
        guard code == 0 else { throw ResolutionError(reason: String(cString: gai_strerror(code))) }
        defer { freeaddrinfo(list) }
        var found: [HostAddress] = []
        var next = list
        while let entry = next {
            if let raw = entry.pointee.ai_addr, let address = HostAddress(UnsafePointer(raw)), !found.contains(address)
            {
                found.append(address)
            }
            next = entry.pointee.ai_next
        }
        return found
    }
}

struct ResolutionError: Error, Hashable, Sendable {
    let reason: String
}
