package import ModelCore

/// Which keys need a look, and whose turn it is: each at most once in the queue, and never in two hands at the same time.
///
/// A look takes a *hand*, and there are few of them: a thousand models that are due at once are looked at one after the
/// other, and whoever is held for one of them does not wait for the rest. What may take long is no look: a worker gives
/// its hand back before it launches or unloads something, or asks an engine, so that one that is stuck delays no other; what
/// is drained or stopped is left to tasks of their own.
///
/// A value: the owner keeps it in a lock and hands out the keys. Losing or doubling a trigger is harmless, since a key
/// says nothing of what happened.
package struct WorkQueue: Sendable {
    /// Who is looked at first.
    package enum Urgency: Int, CaseIterable, Sendable, Comparable {
        /// Somebody is held for it.
        case caller
        /// Something was seen of it, or its time has come.
        case event
        /// One of many: of an apply, of a start of modelet, of a look at everything.
        case routine

        package static func < (a: Urgency, b: Urgency) -> Bool { a.rawValue < b.rawValue }
    }

    /// How many keys are looked at at once. A look mostly waits for the database, which reads three things at a time: more
    /// than a few would only queue up there, in front of whoever comes later and is in a hurry.
    package static let hands = 8
    /// Of so many keys that are handed out one is of the least urgent: whatever goes on, everybody has his turn.
    private static let turnOfTheLast = 4

    private enum Place {
        case queued(Urgency)
        /// With `due`, to be looked at again afterwards.
        case inWork(holdsHand: Bool, due: Urgency?)
    }

    private var places: [ModelKey: Place] = [:]
    private var lines = Urgency.allCases.map { _ in Line() }
    private var freeHands = WorkQueue.hands
    private var handedOut = 0

    package init() {}

    /// Notes that `key` needs a look. One that is queued already moves forward where this is more urgent.
    package mutating func add(_ key: ModelKey, _ urgency: Urgency = .event) {
        switch places[key] {
        case nil:
            queue(key, urgency)
        case .queued(let known):
            if urgency < known { queue(key, urgency) }
        case .inWork(let holdsHand, let due):
            places[key] = .inWork(holdsHand: holdsHand, due: min(urgency, due ?? urgency))
        }
    }

    /// The keys that are to be looked at now, as many as there are hands for; each has one from now on.
    package mutating func take() -> [ModelKey] {
        var taken: [ModelKey] = []
        while freeHands > 0, let key = next() {
            places[key] = .inWork(holdsHand: true, due: nil)
            freeHands -= 1
            taken.append(key)
        }
        return taken
    }

    /// A worker begins to look at `key`: triggers from now on mean another look.
    package mutating func begin(_ key: ModelKey) {
        guard case .inWork(let holdsHand, _) = places[key] else { return }
        places[key] = .inWork(holdsHand: holdsHand, due: nil)
    }

    /// The worker of `key` goes on to do what may take long. Idempotent.
    package mutating func giveHandBack(_ key: ModelKey) {
        guard case .inWork(true, let due) = places[key] else { return }
        places[key] = .inWork(holdsHand: false, due: due)
        freeHands += 1
    }

    /// A worker has finished with `key`. Where something happened meanwhile, it is queued again.
    package mutating func finish(_ key: ModelKey) {
        giveHandBack(key)
        guard case .inWork(_, let due) = places[key] else { return }
        places[key] = nil
        if let due { queue(key, due) }
    }

    package var isEmpty: Bool { places.isEmpty }

    /// Whether a worker has `key` in hand.
    package func isInWork(_ key: ModelKey) -> Bool { if case .inWork = places[key] { true } else { false } }

    package func contains(_ key: ModelKey) -> Bool { places[key] != nil }

    private mutating func queue(_ key: ModelKey, _ urgency: Urgency) {
        places[key] = .queued(urgency)
        lines[urgency.rawValue].append(key)
    }

    private mutating func next() -> ModelKey? {
        handedOut += 1
        let order = handedOut % Self.turnOfTheLast == 0 ? Urgency.allCases.reversed() : Urgency.allCases
        for urgency in order {
            while let key = lines[urgency.rawValue].popFirst() {
                // One that has moved forward, or was taken from another line, has left its name behind.
                if case .queued(urgency) = places[key] { return key }
            }
        }
        return nil
    }
}

/// First in, first out.
private struct Line: Sendable {
    private var keys: [ModelKey] = []
    private var first = 0
    /// How many that have left are kept in memory before the rest moves up.
    private static let mostGone = 1024

    mutating func append(_ key: ModelKey) { keys.append(key) }

    mutating func popFirst() -> ModelKey? {
        guard first < keys.count else {
            keys = []
            first = 0
            return nil
        }
        defer {
            first += 1
            if first == Self.mostGone {
                keys.removeFirst(first)
                first = 0
            }
        }
        return keys[first]
    }
}
