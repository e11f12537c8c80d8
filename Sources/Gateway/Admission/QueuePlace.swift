import NIOCore

/// Who waits for a slot. Touched only on its event loop.
protocol SlotCaller: AnyObject {
    /// Its turn has come. A slot that it does not keep goes to the next.
    /// - Parameter place: where it waited; not its place any more where it has left meanwhile.
    func called(with slot: Slot, at place: QueuePlace)
}

/// A request's place in the queue of its model.
///
/// `@unchecked Sendable`: the queue only orders places by what never changes; ``caller`` is touched on ``eventLoop``
/// alone.
final class QueuePlace: @unchecked Sendable {
    /// Since when the request has been waiting, be it for the load or for a slot.
    let since: NIODeadline
    private let queue: AdmissionQueue
    private let eventLoop: any EventLoop
    private var caller: (any SlotCaller)?

    init(of caller: any SlotCaller, in queue: AdmissionQueue, on eventLoop: any EventLoop, since: NIODeadline) {
        self.queue = queue
        self.caller = caller
        self.eventLoop = eventLoop
        self.since = since
    }

    /// Hands a slot over, from any thread.
    func call(with slot: Slot) {
        eventLoop.execute { [self] in
            let caller = caller
            self.caller = nil
            caller?.called(with: slot, at: self)
        }
    }

    /// The caller has left, or waits for something else now. Where it has just been called, the slot goes to the next.
    func leave() {
        caller = nil
        queue.remove(self)
    }
}
