import ModelCore
import NIOCore
import Reconciler

/// What may be done with a request, once its head is read: where it goes, and whether it goes now.
extension ClientConnection {
    /// Decides about the request whose head has just been read.
    func admit() {
        let (destination, requestID, target) = exchange.bytes.withUnsafeReadableBytes { bytes in
            let id = worker.ids.id(for: parser.head, in: bytes)
            guard let target = RequestTarget(bytes, parser.head.target) else {
                return (Destination.withoutPath(parser.head, in: bytes), id, RequestTarget?.none)
            }
            let path = UnsafeRawBufferPointer(rebasing: bytes[target.path])
            return (worker.routes.destination(parser.head.method, path), id, target)
        }
        exchange.requestID = requestID
        exchange.query = target?.query ?? 0..<0
        worker.requestBegan()
        phase = .sending
        let isTrusted = mayPass()
        switch destination {
        case .health(let health):
            answer(health, isTrusted: isTrusted)
        case _ where !isTrusted:
            reply(.unauthorized)
        case .model(let entry):
            forward(to: entry)
        case .api(let entry, let offset):
            forward(toOwnAPIOf: entry, path: target?.path.dropFirst(offset))
        case .refused(let refused):
            reply(refused)
        case .metadata(let entry):
            describe(entry)
        case .options:
            answerOptions()
        }
    }

    /// Forwards the request, as soon as its model can serve it.
    func forward(to entry: RouteEntry) {
        exchange.entry = entry
        guard !worker.isShuttingDown else { return reply(.shuttingDown) }
        // What has come of the body goes out together with the head.
        while phase == .sending, moveBody() {}
        if phase == .sending { dispatch() }
    }

    /// Sends the request where its model's route leads now; called again when the route of a held one changes.
    func dispatch() {
        guard let entry = exchange.entry else { return }
        let prepared = entry.prepared
        guard !entry.isRemoved else {
            return reply(LocalReply(404, "model_not_found", "the model has been removed"))
        }
        switch prepared.reach {
        case .served:
            guard let upstream = prepared.primary, let pool = entry.primaryPool else {
                return reply(unusable(prepared))
            }
            endCold()
            if !pool.breaker.isClosed, let objection = objection(to: upstream, pool, prepared) {
                return fallBack(prepared, entry, else: objection)
            }
            guard hasSlot(entry, prepared) else { return }
            releaseHold()
            if !pool.breaker.isClosed { pool.breaker.noteTry(at: .now()) }
            send(to: upstream, pool, prepared)
        case .cold:
            hold(entry)
        case .unavailable:
            guard case .unavailable(let unavailability) = prepared.route.target else { return }
            fallBack(prepared, entry, else: reply(for: unavailability))
        }
    }

    func unusable(_ prepared: PreparedRoute) -> LocalReply {
        LocalReply(502, "upstream_failed", prepared.baseURLFault ?? "the model has no upstream")
    }

    private func reply(for unavailability: Unavailability) -> LocalReply {
        var reply = LocalReply(503, unavailability.code, unavailability.message)
        reply.state = unavailability.state
        reply.retryAfter = unavailability.retryAfter?.retryAfter ?? Limits.unknownRetryAfter
        reply.log = unavailability.log
        return reply
    }

    /// Sends a request that no instance can serve to the fallback, with the whole of its timeout; without one it gets
    /// `failure`.
    private func fallBack(_ prepared: PreparedRoute, _ entry: RouteEntry, else failure: LocalReply) {
        releaseHold()
        if let fallback = prepared.fallback, let pool = entry.fallbackPool {
            exchange.failure = failure
            send(to: fallback, pool, prepared)
        } else {
            reply(failure)
        }
    }

    // MARK: Holding

    /// Holds the request until its model is loaded, and sees to it that somebody loads it.
    ///
    /// Every caller asks for the load. To remember here that it was asked for would be wrong as soon as somebody takes
    /// the demand back: the route is the same before and after that, and an equal route is not published again.
    private func hold(_ entry: RouteEntry) {
        let now = NIODeadline.now()
        exchange.coldSince = exchange.coldSince ?? now
        leaveQueue()
        guard exchange.ticket == nil else { return }
        worker.shared.demand.demand(entry.key)
        guard entry.held.count < worker.mostHeldCallers else {
            var full = LocalReply(429, "queue_full", "too many requests wait for the model to be loaded")
            full.state = state(of: entry)
            full.retryAfter = retryAfter(entry)
            return reply(full)
        }
        if entry.coldSince == nil { entry.coldSince = now }
        wait(entry, since: now)
    }

    /// Holds the request, for the load or for a slot; all in all no longer than `load_timeout`.
    func wait(_ entry: RouteEntry, since now: NIODeadline) {
        phase = .held
        guard exchange.ticket == nil else { return }
        exchange.heldSince = now
        exchange.ticket = entry.held.add(self)
        deadline?.move(to: now + entry.prepared.loadTimeout)
    }

    /// The request has been held for as long as it may be.
    func holdExpired() {
        guard let entry = exchange.entry else { return }
        if exchange.place != nil {
            return fallBack(entry.prepared, entry, else: busyForTooLong(entry.prepared))
        }
        var loading = LocalReply(
            503, "model_loading", "the model is still being loaded after \(entry.prepared.route.loadTimeout)")
        loading.state = state(of: entry)
        loading.retryAfter = retryAfter(entry)
        fallBack(entry.prepared, entry, else: loading)
    }

    /// The model is there: remembers how long that took.
    private func endCold() {
        guard let since = exchange.coldSince else { return }
        exchange.coldSince = nil
        exchange.coldStart = (NIODeadline.now() - since).nanoseconds / 1_000_000
    }

    /// Gives up its place among the held callers, if it has one.
    func releaseHold() {
        leaveQueue()
        guard let ticket = exchange.ticket, let entry = exchange.entry else { return }
        exchange.ticket = nil
        entry.held.remove(ticket)
        if phase == .held { phase = .sending }
    }

    private func state(of entry: RouteEntry) -> ModelState? {
        if case .cold(let state) = entry.prepared.route.target { state } else { nil }
    }

    /// What is left of the load if it takes as long as the last one, in seconds.
    private func retryAfter(_ entry: RouteEntry) -> Int {
        guard let expected = entry.prepared.route.expectedLoad else { return Limits.unknownRetryAfter }
        let since = entry.coldSince.map { (NIODeadline.now() - $0).nanoseconds / 1_000_000 } ?? 0
        let left = Seconds(milliseconds: expected.milliseconds - since)
        return (left > .zero ? left : expected).retryAfter
    }
}
