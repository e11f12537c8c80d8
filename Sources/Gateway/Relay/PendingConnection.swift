import NIOCore

/// A new connection's wait for its first answer, from the moment it is opened.
final class FirstAnswer {
    let since: NIODeadline
    /// Whether it has lasted so long that the server may be busy with another connection.
    var isStarving = false

    init(since: NIODeadline) { self.since = since }
}

/// A connection that is being opened for a request.
final class PendingConnection {
    /// `nil` once the request is no longer interested.
    var client: ClientConnection?

    init(_ client: ClientConnection) { self.client = client }
}
