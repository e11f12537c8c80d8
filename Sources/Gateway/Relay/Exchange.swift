import NIOCore

/// One request and what has become of it; a new one for each request of a connection.
struct Exchange {
    /// The bytes of the client's head.
    var bytes: ByteBuffer
    var query = 0..<0
    var passage = Passage()
    var requestID = RequestID.made(0, 0)
    /// What is still to come of the client's body.
    var body = MessageBody.none
    /// The body so far, as long as all of it fits ``Limits/keptBody``: to be sent, or sent again.
    var kept: ByteBuffer
    /// Whether ``kept`` is all of the body so far.
    var isReplayable = true
    /// Whether the client has been told to send its body.
    var hasContinued = false

    var entry: RouteEntry?
    /// The route as it was when the request was last sent.
    var prepared: PreparedRoute?
    var upstream: PreparedUpstream?
    /// The pool that counts the request as in flight.
    var pool: UpstreamPool?
    /// The right to be in flight at a model with a limit.
    var slot: Slot?
    var connection: UpstreamConnection?
    var pending: PendingConnection?
    var sentAt = NIODeadline.distantPast
    /// Whether it has been sent again because a reused connection had been closed.
    var hasRetried = false
    /// What would have been answered without a fallback; set while the fallback is tried.
    var failure: LocalReply?
    /// Whether the clock of the prediction runs.
    var isTimed = false

    /// When the request began to be held, for the load or for a slot, and its ticket among those that are.
    var heldSince: NIODeadline?
    var ticket: UInt64?
    /// When it began to wait for the load; `nil` where it does not.
    var coldSince: NIODeadline?
    /// Where it waits for a slot.
    var place: QueuePlace?
    /// Milliseconds that it was held, once it no longer is.
    var coldStart: Int64?

    /// Which sides of an upgraded connection have ended.
    var tunnel = Tunnel()

    var mode = ResponseMode.asItCame
    var keepsAlive = true

    /// - Parameter empty: see ``LoopWorker/empty``.
    init(_ empty: ByteBuffer) {
        bytes = empty
        kept = empty
    }
}
