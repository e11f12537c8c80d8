import NIOCore

/// The client connections of one event loop.
struct ClientSet {
    private var clients: [ObjectIdentifier: ClientConnection] = [:]

    mutating func insert(_ client: ClientConnection) { clients[ObjectIdentifier(client)] = client }

    mutating func remove(_ client: ClientConnection) { clients[ObjectIdentifier(client)] = nil }

    var count: Int { clients.count }

    var all: [ClientConnection] { Array(clients.values) }

    /// One to whom something is still to be written, if there is any.
    var unwritten: ClientConnection? { clients.values.first { $0.unwrittenBytes > 0 } }

    /// Those that have idled for at least ``Limits/leastIdle``, the longest first, up to `count`.
    func longestIdle(_ count: Int) -> [ClientConnection] {
        let latest = NIODeadline.now() - Limits.leastIdle
        let idle = clients.values.compactMap { client in
            client.idleSince.flatMap { $0 <= latest ? (client: client, since: $0) : nil }
        }
        return idle.sorted { $0.since < $1.since }.prefix(count).map(\.client)
    }
}

extension ClientConnection {
    /// Since when it has been without a request; `nil` while it has one, or part of one.
    var idleSince: NIODeadline? {
        guard phase == .head, inbound.readableBytes == 0, let end = deadline?.deadline else { return nil }
        return end - (hasServed ? Limits.clientIdle : Limits.headTimeout)
    }

    /// Closes it if it has no request, nor part of one, once its last answer is written.
    func closeIfIdle() {
        guard phase == .head, inbound.readableBytes == 0 else { return }
        close(lingering: false)
    }
}

extension LoopWorker {
    /// Makes room for other clients.
    func closeLongestIdle(_ count: Int) {
        for client in clients.longestIdle(count) { client.closeIfIdle() }
    }
}
