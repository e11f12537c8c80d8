import ModelCore
import Reconciler
import Testing

@Suite struct WorkQueueTests {
    private let key = ModelKey(domain: "d", source: "s", model: "m")

    private static func keys(_ prefix: String, _ count: Int) -> [ModelKey] {
        (0..<count).map { ModelKey(domain: "d", source: prefix, model: "\($0)") }
    }

    @Test func keyIsQueuedOnce() {
        var queue = WorkQueue()
        queue.add(key)
        queue.add(key, .caller)
        queue.add(key, .routine)
        let taken = [queue.take(), queue.take()]
        #expect(taken == [[key], []])
    }

    @Test func keyInWorkIsLookedAtAgainAndNeverInTwoHands() {
        var queue = WorkQueue()
        queue.add(key)
        _ = queue.take()
        queue.begin(key)
        queue.add(key)
        queue.add(key)
        let meanwhile = queue.take()
        #expect(meanwhile == [])
        queue.finish(key)
        let again = queue.take()
        #expect(again == [key])
        queue.finish(key)
        let after = queue.take()
        #expect(after == [])
        #expect(queue.isEmpty)
    }

    @Test func triggerBeforeTheLookBeginsIsCoveredByIt() {
        var queue = WorkQueue()
        queue.add(key)
        _ = queue.take()
        queue.add(key)
        queue.begin(key)
        queue.finish(key)
        #expect(queue.isEmpty)
    }

    @Test func onlySoManyAreLookedAtAtOnceAndLongOnesDoNotCount() {
        var queue = WorkQueue()
        let keys = Self.keys("many", 3 * WorkQueue.hands)
        for key in keys { queue.add(key, .routine) }
        let first = queue.take()
        #expect(first == Array(keys[..<WorkQueue.hands]))
        for key in first {
            queue.begin(key)
            queue.giveHandBack(key)
            queue.giveHandBack(key)
        }
        // Nobody of the first has finished.
        let second = queue.take()
        #expect(second == Array(keys[WorkQueue.hands..<2 * WorkQueue.hands]))
        // The hand of one that gave it back is not given back twice.
        for key in first { queue.finish(key) }
        let none = queue.take()
        #expect(none == [])
        queue.finish(second[0])
        let third = queue.take()
        #expect(third == [keys[2 * WorkQueue.hands]])
    }

    @Test func whoIsInAHurryIsNextAndMovesForward() {
        var queue = WorkQueue()
        let many = Self.keys("many", 100)
        for key in many { queue.add(key, .routine) }
        let begun = queue.take()
        queue.add(key, .event)
        queue.add(many[99], .caller)
        queue.finish(begun[0])
        queue.finish(begun[1])
        let next = queue.take()
        #expect(Set(next) == [many[99], key])
        #expect(next.first == many[99])
        // It has left its place among the many.
        var rest: Set<ModelKey> = []
        var hands = Array(begun[2...]) + next
        while let done = hands.popLast() {
            queue.finish(done)
            let taken = queue.take()
            #expect(rest.isDisjoint(with: taken))
            rest.formUnion(taken)
            hands += taken
        }
        #expect(rest == Set(many[WorkQueue.hands..<99]))
        #expect(queue.isEmpty)
    }

    @Test func whatHappensDuringALookKeepsItsUrgency() {
        var queue = WorkQueue()
        queue.add(key, .routine)
        _ = queue.take()
        queue.begin(key)
        queue.add(key, .routine)
        queue.add(key, .caller)
        queue.add(key, .event)
        let others = Self.keys("others", 2 * WorkQueue.hands)
        for other in others { queue.add(other, .event) }
        _ = queue.take()
        queue.finish(key)
        let next = queue.take()
        #expect(next == [key])
    }

    /// Somebody is always in a hurry; the others have their turn all the same.
    @Test func nobodyWaitsForEver() {
        var queue = WorkQueue()
        let routine = Self.keys("routine", 50)
        for key in routine { queue.add(key, .routine) }
        var left = Set(routine)
        for round in 0..<100 {
            // More than there are hands for.
            for number in 0..<2 * WorkQueue.hands {
                queue.add(ModelKey(domain: "d", source: "hurry\(round)", model: "\(number)"), .caller)
            }
            for key in queue.take() {
                left.remove(key)
                queue.finish(key)
            }
        }
        #expect(left.isEmpty)
    }
}
