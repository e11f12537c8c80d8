internal import Synchronization

/// Finds ports for instances.
package final class PortAllocator: Sendable {
    private let range: ClosedRange<Int>
    /// Where the next search begins: a port is not given again before all others were, so that clients of an ended
    /// instance do not reach another by accident.
    private let cursor: Mutex<Int>

    /// How long a port that is bound, but by nobody who listens, is waited for: it is the last moment of a shim.
    private static let patience = Duration.seconds(2)
    private static let pause = Duration.milliseconds(50)

    package init(range: ClosedRange<Int>) {
        self.range = range
        cursor = Mutex(Int.random(in: range))
    }

    /// Reserves the port that a manifest fixes, on every address of `host`.
    package func take(fixed port: Int, host: String) async throws(PortError) -> PortReservation {
        guard (1...65535).contains(port) else { throw .terminal("port \(port) is not between 1 and 65535") }
        let addresses = try await blocking { () throws(PortError) -> [SocketAddress] in
            try SocketAddress.resolve(host)
        }
        let deadline = ContinuousClock.now + Self.patience
        while true {
            let attempt = await blocking { Self.attempt(port, addresses) }
            switch attempt {
            case .success(let reservation):
                if !reservation.sockets.isEmpty { return reservation }
                throw .terminal("host \(host) is not an address of this machine; `host` is where the server listens")
            case .failure(.notOurs(let problem)): throw problem
            case .failure(.listener):
                let stranger = await blocking { holder(ofPort: port, on: addresses) }
                throw .retryable("port \(port) is already in use by \(stranger)")
            case .failure(.busy):
                if ContinuousClock.now >= deadline {
                    throw .retryable(
                        "port \(port) is still held by a socket that does not listen, such as a connection that an "
                            + "earlier server has not quite closed")
                }
                // Cancelled: the next try says what there is to say.
                try? await Task.sleep(for: Self.pause)
                if Task.isCancelled { throw .retryable("port \(port): cancelled while waiting for it") }
            }
        }
    }

    private static func attempt(
        _ port: Int, _ addresses: [SocketAddress]
    ) -> Result<PortReservation, PortReservation.Obstacle> {
        do throws(PortReservation.Obstacle) {
            return .success(try PortReservation.take(port, on: addresses, mayShare: true))
        } catch {
            return .failure(error)
        }
    }

    /// Reserves a port of the range that is neither leased nor in use on any address.
    package func take(leased: Set<Int>) async throws(PortError) -> PortReservation {
        let start = cursor.withLock { $0 }
        let found = await blocking { [range] in Self.firstFree(in: range, from: start, leased: leased) }
        guard let found else {
            throw .retryable("no port between \(range.lowerBound) and \(range.upperBound) is free; widen --port-range")
        }
        cursor.withLock { $0 = found.port == range.upperBound ? range.lowerBound : found.port + 1 }
        return found
    }

    private static func firstFree(in range: ClosedRange<Int>, from start: Int, leased: Set<Int>) -> PortReservation? {
        for step in 0..<range.count {
            let port = range.lowerBound + (start - range.lowerBound + step) % range.count
            if leased.contains(port) { continue }
            if let reservation = try? PortReservation.take(port, on: [.anyV4, .anyV6], mayShare: false) {
                return reservation
            }
        }
        return nil
    }
}
