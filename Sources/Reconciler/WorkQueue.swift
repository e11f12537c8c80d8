package import ModelCore

/// Which keys need a look: each at most once in the queue, and never in two hands at the same time.
///
/// A value: the owner keeps it in a lock and hands out the keys. Losing or doubling a trigger is harmless, since a key
/// says nothing of what happened.
package struct WorkQueue: Sendable {
    private enum Place {
        case queued
        case inWork
        /// In work, and to be looked at again afterwards.
        case inWorkAndDue
    }

    private var places: [ModelKey: Place] = [:]

    package init() {}

    /// Notes that `key` needs a look. Returns whether a worker has to be started for it.
    package mutating func add(_ key: ModelKey) -> Bool {
        switch places[key] {
        case nil:
            places[key] = .queued
            return true
        case .inWork:
            places[key] = .inWorkAndDue
            return false
        case .queued, .inWorkAndDue:
            return false
        }
    }

    /// A worker begins to look at `key`: triggers from now on mean another look.
    package mutating func begin(_ key: ModelKey) {
        places[key] = .inWork
    }

    /// A worker has finished with `key`. Returns whether it has to look again.
    package mutating func finish(_ key: ModelKey) -> Bool {
        if places[key] == .inWorkAndDue {
            places[key] = .inWork
            return true
        }
        places[key] = nil
        return false
    }

    package var isEmpty: Bool { places.isEmpty }
}
