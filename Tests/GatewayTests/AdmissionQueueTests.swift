import NIOCore
import NIOPosix
import Synchronization
import TestSupport
import Testing

@testable import Gateway

/// The queue alone, in the hands of callers on several event loops who come, wait, leave and finish as chance has it.
@Suite struct AdmissionQueueTests {
    /// How many hold a slot.
    private final class Count: Sendable {
        private let state = Mutex((now: 0, most: 0))
        func enter() {
            state.withLock { state in
                state.now += 1
                state.most = max(state.most, state.now)
            }
        }
        func leave() { state.withLock { $0.now -= 1 } }
        var most: Int { state.withLock(\.most) }
    }

    /// One request. Touched on its event loop alone.
    private final class Caller: SlotCaller, @unchecked Sendable {
        let eventLoop: any EventLoop
        let queue: AdmissionQueue
        let count: Count
        let done: EventLoopPromise<Bool>
        private let hops: Int
        private let leavesAfter: Int?
        private var place: QueuePlace?

        /// - Parameters:
        ///   - hops: turns of the loop for which it keeps its slot.
        ///   - leavesAfter: turns for which it waits at most; `nil`: as long as it takes.
        init(
            on eventLoop: any EventLoop, _ queue: AdmissionQueue, _ count: Count, hops: Int, leavesAfter: Int?
        ) {
            self.eventLoop = eventLoop
            self.queue = queue
            self.count = count
            self.hops = hops
            self.leavesAfter = leavesAfter
            done = eventLoop.makePromise()
        }

        func begin() {
            switch queue.admit(self, on: eventLoop, since: .now(), isAccepted: false) {
            case .slot(let slot): keep(slot)
            case .full: done.succeed(false)
            case .place(let place):
                self.place = place
                if let leavesAfter { later(leavesAfter) { self.leave() } }
            }
        }

        func called(with slot: Slot, at place: QueuePlace) {
            guard self.place === place else { return }
            self.place = nil
            keep(slot)
        }

        private func leave() {
            guard let place else { return }
            self.place = nil
            place.leave()
            done.succeed(false)
        }

        private func keep(_ slot: Slot) {
            count.enter()
            later(hops) {
                self.count.leave()
                withExtendedLifetime(slot) {}
                self.done.succeed(true)
            }
        }

        private func later(_ hops: Int, _ work: @escaping @Sendable () -> Void) {
            if hops == 0 { work() } else { eventLoop.execute { self.later(hops - 1, work) } }
        }
    }

    @Test(arguments: [1, 3, 8], [0, 5, 1000])
    func nobodyIsForgottenAndNothingIsLeft(_ limit: Int, _ places: Int) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 4)
        let queue = AdmissionQueue(AdmissionQueue.Bounds(concurrency: limit, places: places))
        let count = Count()
        var random = SeededGenerator(seed: UInt64(limit * 1000 + places))
        var callers: [Caller] = []
        for _ in 0..<1500 {
            let caller = Caller(
                on: group.next(), queue, count, hops: .random(in: 0..<20, using: &random),
                leavesAfter: .random(in: 0..<2, using: &random) == 0 ? .random(in: 0..<30, using: &random) : nil)
            callers.append(caller)
            caller.eventLoop.execute { caller.begin() }
            // Bounds that are set anew call those who have room now, and no others.
            if callers.count % 50 == 0 { queue.set(AdmissionQueue.Bounds(concurrency: limit, places: places)) }
        }
        var served = 0
        for caller in callers {
            let wasServed = try await within("a caller's end") { try await caller.done.futureResult.get() }
            if wasServed { served += 1 }
        }
        #expect(served > 0)
        #expect(count.most <= limit)
        try await eventually("the last slots are back: \(queue.load)") {
            queue.load == AdmissionLoad(inFlight: 0, waiting: 0)
        }
        try await group.shutdownGracefully()
    }

    @Test func theOneWhoHasWaitedLongestIsNext() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let queue = AdmissionQueue(AdmissionQueue.Bounds(concurrency: 1, places: 10))
        let order = Mutex<[Int]>([])
        final class Waiter: SlotCaller {
            let called: () -> Void
            init(_ called: @escaping () -> Void) { self.called = called }
            func called(with slot: Slot, at place: QueuePlace) { called() }
        }
        try await group.next().submit {
            let now = NIODeadline.now()
            guard case .slot(let slot) = queue.admit(Waiter {}, on: group.next(), since: now, isAccepted: false) else {
                Issue.record("the first finds a slot")
                return
            }
            for age in [1, 5, 3, 5, 9] {
                let waiter = Waiter { order.withLock { $0.append(age) } }
                _ = queue.admit(
                    waiter, on: group.next(), since: now - .seconds(Int64(age)), isAccepted: false)
            }
            withExtendedLifetime(slot) {}
        }.get()
        // Each keeps its slot for no longer than it takes to be called.
        try await eventually("all are called") { order.withLock { $0.count } == 5 }
        #expect(order.withLock { $0 } == [9, 5, 5, 3, 1])
        try await group.shutdownGracefully()
    }
}

/// The same numbers from the same seed.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 | 1 }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
