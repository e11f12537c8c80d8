import ModelCore
import NIOCore
import Reconciler

/// The way of a request to a slot, where its model has a limit.
extension ClientConnection: SlotCaller {
    /// Whether the request may go to the model now; where not, it waits for a slot, or has been refused.
    ///
    /// Whoever was held for the load has been accepted, and is not refused for being one of many.
    func hasSlot(_ entry: RouteEntry, _ prepared: PreparedRoute) -> Bool {
        guard let queue = prepared.queue, exchange.slot == nil else { return true }
        guard exchange.place == nil else { return false }
        let now = NIODeadline.now()
        let admission = queue.admit(
            self, on: worker.eventLoop, since: exchange.heldSince ?? now, isAccepted: exchange.heldSince != nil)
        switch admission {
        case .slot(let slot):
            exchange.slot = slot
            return true
        case .place(let place):
            exchange.place = place
            wait(entry, since: now)
            return false
        case .full(let patience):
            refuse(prepared, patience)
            return false
        }
    }

    func called(with slot: Slot, at place: QueuePlace) {
        guard exchange.place === place else { return }
        exchange.place = nil
        exchange.slot = slot
        dispatch()
    }

    /// Gives up the place in the queue, if there is one.
    func leaveQueue() {
        guard let place = exchange.place else { return }
        exchange.place = nil
        place.leave()
    }

    private func refuse(_ prepared: PreparedRoute, _ patience: TimeAmount?) {
        let limit = prepared.route.maxConcurrency
        let count = if case .count(let count) = limit { count } else { 0 }
        var full = LocalReply(
            429, "queue_full",
            "the model is busy: max_concurrency (\(count)) is reached, "
                + "and max_queue (\(prepared.route.maxQueue)) requests wait")
        full.state = prepared.route.servingState
        full.retryAfter = patience?.retryAfter ?? Limits.unknownRetryAfter
        reply(full)
    }

    /// What is answered where no slot came free for as long as a request may be held.
    func busyForTooLong(_ prepared: PreparedRoute) -> LocalReply {
        var busy = LocalReply(
            503, "queue_timeout",
            "the model was busy with other requests for \(prepared.route.loadTimeout) (load_timeout)")
        busy.state = prepared.route.servingState
        busy.retryAfter = prepared.queue?.patience?.retryAfter ?? Limits.unknownRetryAfter
        return busy
    }
}

extension TimeAmount {
    fileprivate var retryAfter: Int { Seconds(milliseconds: nanoseconds / 1_000_000).retryAfter }
}

extension Route {
    /// The state of a model whose requests are sent on.
    fileprivate var servingState: ModelState {
        if case .remote = target { .remote } else { .ready }
    }
}
