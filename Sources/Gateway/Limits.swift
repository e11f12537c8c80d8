import NIOCore

/// The bounds of the data plane.
enum Limits {
    /// Bytes of a request target; what servers commonly take.
    static let longestTarget = 8 * 1024
    /// Bytes of a message head, its first line included.
    static let longestHead = 64 * 1024
    /// Header fields of one message: far more than any program sends, few enough to go through one by one.
    static let mostFields = 256
    /// Names in all `Connection` fields of one message. Every field is compared with every one of them, so that a long
    /// list would cost a thousand times what it costs to send.
    static let mostConnectionOptions = 64
    /// Bytes of one chunk's extensions, which nobody uses and a flood of which would be work for nothing.
    static let longestChunkExtension = 256
    /// Bytes of all trailers of one body.
    static let longestTrailers = 8 * 1024
    /// Bytes of a client's `X-Request-Id`; a longer one is replaced.
    static let longestRequestID = 128

    /// Bytes of a request body kept so that it can be sent again, and read ahead while a request is held.
    static let keptBody = 64 * 1024
    /// Bytes of a request's body read and thrown away after its answer, so that the connection can go on; where more is
    /// to come it is closed instead, since that alone stops the client.
    static let discardedBody = 1024 * 1024
    /// Bytes read ahead of the next, pipelined request.
    static let pipelinedAhead = 64 * 1024
    /// Pieces up to this many bytes are copied behind one another and written with one call.
    static let coalesced = 16 * 1024
    /// Bytes written and not yet taken by the peer, above which its source is read no more, and below which it is again.
    static let writeBuffer = ChannelOptions.Types.WriteBufferWaterMark(low: 32 * 1024, high: 128 * 1024)

    /// From a connection's first byte, or from the first of a further request, to the end of the head.
    static let headTimeout = TimeAmount.seconds(15)
    /// How long a client's connection may idle between two requests; longer than common load balancers keep theirs.
    static let clientIdle = TimeAmount.seconds(75)
    /// How long the rest of a request is read and thrown away: before the next one, or so that the client sees the
    /// answer and no reset.
    static let linger = TimeAmount.seconds(2)
    /// How long connecting to an upstream may take; a shorter `timeout` ends it before.
    static let connectTimeout = TimeAmount.seconds(10)

    /// Callers held for one model, over all event loops: each costs a connection and up to ``keptBody`` bytes.
    static let mostHeldCallers = 1024
    /// Connections waiting to be accepted by this program.
    static let backlog: Int32 = 1024
    /// Idle connections that one event loop keeps to one upstream.
    static let mostIdleConnections = 256
    /// How long a new connection is without an answer before the idle ones to the same upstream are closed: a server
    /// that serves one connection at a time answers none as long as another stays open. Where answers usually take
    /// longer, four times their usual time counts instead.
    static let starvation = TimeAmount.milliseconds(20)

    /// Of a TCP connection that only passes bytes on: seconds of silence before its peer is asked whether it is still
    /// there, seconds between two such questions, and how many go unanswered before it counts as gone.
    static let keepAliveIdle = 60
    static let keepAliveInterval = 15
    static let keepAliveProbes = 4

    /// Clients' connections where nobody says how many: each may take a connection to an upstream as well.
    static let mostConnections = 10_000
    /// How long a client's connection has idled before it may have to make room for another.
    static let leastIdle = TimeAmount.seconds(1)
    /// How often room is looked for while no more connections can be accepted.
    static let roomInterval = TimeAmount.milliseconds(250)

    /// `Retry-After` for a model whose load time has never been measured, in seconds.
    static let unknownRetryAfter = 5
    /// `Retry-After` while the manifests are read for the first time, in seconds.
    static let startRetryAfter = 1
}
