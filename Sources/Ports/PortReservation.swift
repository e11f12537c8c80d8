internal import Glibc
internal import ProcFS
internal import Synchronization

/// Bound sockets that keep other programs from a port, until the last process that holds them closes them.
///
/// They never listen, so nobody can connect to them by mistake.
package final class PortReservation: Sendable {
    package let port: Int
    private let open: Mutex<[Int32]>

    private init(port: Int, sockets: [Int32]) {
        self.port = port
        open = Mutex(sockets)
    }

    deinit {
        give()
    }

    /// The sockets, as long as they are open. The caller keeps others from ``give()`` while he uses them.
    package var sockets: [Int32] { open.withLock { $0 } }

    /// Closes our sockets at once, whoever still refers to this object.
    package func give() {
        let sockets = open.withLock { sockets in
            defer { sockets = [] }
            return sockets
        }
        for socket in sockets { close(socket) }
    }

    enum Obstacle: Error {
        /// A socket listens there.
        case listener
        /// No socket listens, yet it cannot be bound: a socket that only is bound, for the moment.
        case busy
        case notOurs(PortError)
    }

    /// Takes `port` on all `addresses` that this host has.
    /// - Parameter mayShare: where connections of an ended server linger, take the port all the same.
    static func take(
        _ port: Int, on addresses: [SocketAddress], mayShare: Bool
    ) throws(Obstacle) -> PortReservation {
        var sockets: [Int32] = []
        do throws(Obstacle) {
            for address in addresses {
                if let socket = try bind(port, address, mayShare: mayShare) { sockets.append(socket) }
            }
        } catch {
            for socket in sockets { close(socket) }
            throw error
        }
        return PortReservation(port: port, sockets: sockets)
    }

    /// `nil`: this host does not have the address.
    private static func bind(_ port: Int, _ address: SocketAddress, mayShare: Bool) throws(Obstacle) -> Int32? {
        let socket = address.bind(port: port, sharesWithEnded: false)
        if socket >= 0 { return socket }
        switch errno {
        case EADDRINUSE: break
        case EADDRNOTAVAIL, EAFNOSUPPORT: return nil
        case EACCES:
            throw .notOurs(.terminal("port \(port) may be opened by root only; choose one above 1023"))
        case let code:
            throw .notOurs(.retryable("port \(port) cannot be reserved: \(systemMessage(code))"))
        }
        guard mayShare else { throw .listener }
        let listeners = (try? ProcFS.listeners(onPort: port)) ?? []
        if listeners.contains(where: address.isTaken) { throw .listener }
        let shared = address.bind(port: port, sharesWithEnded: true)
        guard shared >= 0 else { throw .busy }
        return shared
    }
}
