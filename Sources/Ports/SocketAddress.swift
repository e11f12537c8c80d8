internal import Glibc
internal import ProcFS

/// An address of this host on which a server may listen.
package enum SocketAddress: Hashable, Sendable {
    /// 4 bytes in network order.
    case v4([UInt8])
    /// 16 bytes in network order.
    case v6([UInt8])

    package static let anyV4 = SocketAddress.v4([UInt8](repeating: 0, count: 4))
    package static let anyV6 = SocketAddress.v6([UInt8](repeating: 0, count: 16))

    /// Every address that a name stands for, without duplicates. Blocks, where the name is no number, for as long as
    /// the resolver does.
    package static func resolve(_ host: String) throws(PortError) -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let failure = getaddrinfo(host, nil, &hints, &list)
        guard failure == 0 else {
            let message = "host \(host) cannot be resolved: \(String(cString: gai_strerror(failure)))"
            throw failure == EAI_AGAIN ? .retryable(message) : .terminal(message)
        }
        defer { freeaddrinfo(list) }
        var found: [SocketAddress] = []
        var next = list
        while let entry = next?.pointee {
            if let address = SocketAddress(entry), !found.contains(address) { found.append(address) }
            next = entry.ai_next
        }
        return found
    }

    private init?(_ entry: addrinfo) {
        guard let address = UnsafeRawPointer(entry.ai_addr) else { return nil }
        switch entry.ai_family {
        case AF_INET:
            let v4 = address.loadUnaligned(as: sockaddr_in.self)
            self = .v4(withUnsafeBytes(of: v4.sin_addr) { Array($0) })
        case AF_INET6:
            let v6 = address.loadUnaligned(as: sockaddr_in6.self)
            self = .v6(withUnsafeBytes(of: v6.sin6_addr) { Array($0) })
        default:
            return nil
        }
    }

    /// Whether a socket that listens as `listener` keeps others from this address.
    func isTaken(by listener: Listener) -> Bool {
        let isWildcard = listener.address.allSatisfy { $0 == 0 }
        switch self {
        case .v4(let bytes):
            // Unless it says otherwise, a socket on every IPv6 address has every IPv4 address, too.
            return listener.family == .v4
                ? isWildcard || listener.address == bytes || self == .anyV4 : isWildcard
        case .v6(let bytes):
            return listener.family == .v6 && (isWildcard || listener.address == bytes || self == .anyV6)
        }
    }

    /// A socket bound to the address and the port, close-on-exec; -1 and `errno` where that is impossible.
    /// - Parameter sharesWithEnded: take the port even where connections of an ended server linger (TIME_WAIT), as
    ///   the server itself will; others who do the same may then take it, too, until somebody listens.
    func bind(port: Int, sharesWithEnded: Bool) -> Int32 {
        switch self {
        case .v4(let bytes):
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = in_port_t(truncatingIfNeeded: port).bigEndian
            withUnsafeMutableBytes(of: &address.sin_addr) { $0.copyBytes(from: bytes) }
            return Self.bind(AF_INET, address, sharesWithEnded)
        case .v6(let bytes):
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = in_port_t(truncatingIfNeeded: port).bigEndian
            withUnsafeMutableBytes(of: &address.sin6_addr) { $0.copyBytes(from: bytes) }
            return Self.bind(AF_INET6, address, sharesWithEnded)
        }
    }

    private static func bind<Address>(_ family: Int32, _ address: Address, _ sharesWithEnded: Bool) -> Int32 {
        let socket = Glibc.socket(family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { return -1 }
        var on: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        if family == AF_INET6 { setsockopt(socket, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &on, size) }
        if sharesWithEnded { setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, size) }
        let isBound = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.bind(socket, $0, socklen_t(MemoryLayout<Address>.size)) == 0
            }
        }
        if isBound { return socket }
        let reason = errno
        close(socket)
        errno = reason
        return -1
    }
}
