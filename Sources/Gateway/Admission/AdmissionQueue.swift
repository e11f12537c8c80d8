import NIOCore
import Synchronization

/// The one queue of a model with `max_concurrency`, shared by all event loops.
///
/// A request is in flight at the model for as long as its ``Slot`` lives. Whoever finds none free takes a place, and is
/// called on its own loop when its turn has come: first come, first served, by the time since when it has been waiting,
/// whichever loop it is on. The lock is held for a few instructions, and never while anybody is called.
final class AdmissionQueue: Sendable {
    struct Bounds: Hashable, Sendable {
        /// Slots.
        var concurrency: Int
        /// Places for those who come while no slot is free.
        var places: Int
    }

    enum Admission {
        case slot(Slot)
        case place(QueuePlace)
        /// Every place is taken; see ``AdmissionQueue/patience``.
        case full(patience: TimeAmount?)
    }

    fileprivate struct State {
        var bounds: Bounds
        /// Slots that live, and those on their way to a caller.
        var taken = 0
        var waiting = CircularBuffer<QueuePlace>()
        var isClosed = false
        /// A moving average of how long a slot is kept, in nanoseconds.
        var usualTime: Int64 = 0
    }

    private let state: Mutex<State>

    init(_ bounds: Bounds) { state = Mutex(State(bounds: bounds)) }

    /// Asks for a slot.
    /// - Parameters:
    ///   - since: since when the request has been waiting.
    ///   - isAccepted: whether it was held before, and so must not be refused now.
    func admit(
        _ caller: any SlotCaller, on eventLoop: any EventLoop, since: NIODeadline, isAccepted: Bool
    ) -> Admission {
        state.withLock { state in
            if state.taken < state.bounds.concurrency, state.waiting.isEmpty {
                state.taken += 1
                return .slot(Slot(of: self))
            }
            guard isAccepted || state.waiting.count < state.bounds.places else {
                return .full(patience: state.patience)
            }
            let place = QueuePlace(of: caller, in: self, on: eventLoop, since: since)
            state.insert(place)
            return .place(place)
        }
    }

    /// Takes a place out, wherever it stands.
    func remove(_ place: QueuePlace) {
        state.withLock { $0.remove(place) }
    }

    /// A slot for a request that was in flight before there was a limit: it counts, even beyond the limit.
    func slotBeyondLimit() -> Slot {
        state.withLock { $0.taken += 1 }
        return Slot(of: self)
    }

    /// The manifest has changed, perhaps. Who waits already goes on waiting.
    func set(_ bounds: Bounds) {
        callNext { $0.bounds = bounds }
    }

    /// Calls nobody any more.
    func close() { state.withLock { $0.isClosed = true } }

    /// How long until all who wait have probably been called; `nil` where nothing has been measured yet.
    var patience: TimeAmount? { state.withLock(\.patience) }

    /// Slots taken and places taken.
    var load: AdmissionLoad {
        state.withLock { AdmissionLoad(inFlight: $0.taken, waiting: $0.waiting.count) }
    }

    /// Called by a slot at its end.
    func takeBack(after time: TimeAmount) {
        callNext { state in
            state.taken -= 1
            let sample = time.nanoseconds
            state.usualTime = state.usualTime == 0 ? sample : state.usualTime + (sample - state.usualTime) / 8
        }
    }

    private func callNext(_ change: (inout State) -> Void) {
        let called = state.withLock { state -> [QueuePlace] in
            change(&state)
            var called: [QueuePlace] = []
            while !state.isClosed, state.taken < state.bounds.concurrency, let next = state.waiting.popFirst() {
                state.taken += 1
                called.append(next)
            }
            return called
        }
        for place in called { place.call(with: Slot(of: self)) }
    }
}

extension AdmissionQueue.State {
    /// Behind everybody who has been waiting as long, or longer. Hardly anybody waits who came later.
    fileprivate mutating func insert(_ place: QueuePlace) {
        var index = waiting.endIndex
        while index > waiting.startIndex, waiting[waiting.index(before: index)].since > place.since {
            index = waiting.index(before: index)
        }
        waiting.insert(place, at: index)
    }

    fileprivate mutating func remove(_ place: QueuePlace) {
        guard let index = waiting.firstIndex(where: { $0 === place }) else { return }
        waiting.remove(at: index)
    }

    /// Nobody plans further ahead than this.
    private static let longestPatience = TimeAmount.hours(1)

    fileprivate var patience: TimeAmount? {
        guard usualTime > 0 else { return nil }
        let rounds = Double(waiting.count / bounds.concurrency + 1)
        return .nanoseconds(Int64(min(Double(usualTime) * rounds, Double(Self.longestPatience.nanoseconds))))
    }
}

/// How many requests are in flight at a model with `max_concurrency`, and how many wait for a slot.
package struct AdmissionLoad: Hashable, Sendable {
    package var inFlight: Int
    package var waiting: Int

    package init(inFlight: Int, waiting: Int) {
        self.inFlight = inFlight
        self.waiting = waiting
    }
}
