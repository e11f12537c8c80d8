import Glibc

/// A process that has nothing to do with modelet, a child of the test; killed and reaped with the last reference.
final class Stranger: Sendable {
    let pid: Int32

    struct SpawnError: Error {
        let code: Int32
    }

    init(_ command: String..., environment: [String] = []) throws {
        var child: pid_t = 0
        let arguments = command.map { strdup($0) } + [nil]
        let variables = environment.map { strdup($0) } + [nil]
        let code = posix_spawn(&child, command[0], nil, nil, arguments, variables)
        for text in arguments + variables { free(text) }
        if code != 0 { throw SpawnError(code: code) }
        pid = child
    }

    deinit {
        kill(pid, SIGKILL)
        waitpid(pid, nil, 0)
    }

    /// Waits for its end. Blocks.
    func wait() {
        var info = siginfo_t()
        while waitid(P_PID, id_t(pid), &info, WEXITED | WNOWAIT) < 0 && errno == EINTR {}
    }
}

/// A TCP socket of the test's own that listens on an address.
final class HeldPort: Sendable {
    let port: Int
    private let socket: Int32

    struct SocketError: Error {
        let code: Int32
    }

    /// - Parameters:
    ///   - address: numeric, IPv4 or IPv6.
    ///   - port: 0: any.
    init(_ address: String, port: Int = 0) throws {
        var v4 = sockaddr_in()
        var v6 = sockaddr_in6()
        if inet_pton(AF_INET, address, &v4.sin_addr) == 1 {
            v4.sin_family = sa_family_t(AF_INET)
            v4.sin_port = in_port_t(port).bigEndian
            socket = try Self.listen(AF_INET, v4)
        } else {
            guard inet_pton(AF_INET6, address, &v6.sin6_addr) == 1 else { throw SocketError(code: EINVAL) }
            v6.sin6_family = sa_family_t(AF_INET6)
            v6.sin6_port = in_port_t(port).bigEndian
            socket = try Self.listen(AF_INET6, v6)
        }
        let socket = socket
        var bound = sockaddr_in6()
        var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
        _ = withUnsafeMutablePointer(to: &bound) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(socket, $0, &length) }
        }
        // The port lies at the same place in both kinds of address.
        self.port = Int(in_port_t(bigEndian: bound.sin6_port))
    }

    private static func listen<Address>(_ family: Int32, _ address: Address) throws -> Int32 {
        let socket = Glibc.socket(family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var on: Int32 = 1
        setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        let isBound = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, socklen_t(MemoryLayout<Address>.size)) == 0
            }
        }
        guard isBound, Glibc.listen(socket, 8) == 0 else { throw SocketError(code: errno) }
        return socket
    }

    /// Connects to a server that closes first, so that its end of the connection lingers in TIME_WAIT.
    static func leaveTimeWait(port: Int) {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        inet_pton(AF_INET, "127.0.0.1", &address.sin_addr)
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(socket) }
        _ = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        let request = Array("GET / HTTP/1.1\r\nConnection: close\r\n\r\n".utf8)
        send(socket, request, request.count, Int32(MSG_NOSIGNAL))
        var buffer = [UInt8](repeating: 0, count: 4096)
        while recv(socket, &buffer, buffer.count, 0) > 0 {}
    }

    deinit {
        close(socket)
    }
}
