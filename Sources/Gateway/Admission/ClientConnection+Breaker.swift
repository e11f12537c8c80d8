import NIOCore

/// What is known of an instance that could not be reached, so that not every request has to find it out anew. Only
/// where there is a fallback: without one, every request tries.
extension ClientConnection {
    /// What is said against trying the instance now; `nil` where nothing is.
    func objection(to upstream: PreparedUpstream, _ pool: UpstreamPool, _ prepared: PreparedRoute) -> LocalReply? {
        guard prepared.fallback != nil, !pool.breaker.allowsTry(at: .now()) else { return nil }
        return failure(of: upstream, pool.breaker.fault)
    }

    /// The connection to the present upstream has come to nothing.
    /// - Parameter fault: words that follow the name of the upstream.
    func noteFailedTry(_ fault: String) {
        guard exchange.upstream?.servedBy == .instance else { return }
        exchange.pool?.breaker.noteFailure(fault, ofTryAt: exchange.sentAt, at: .now())
    }
}
