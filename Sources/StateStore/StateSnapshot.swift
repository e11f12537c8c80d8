package import ModelCore

/// Everything that a state says at one moment.
package struct StateSnapshot: Hashable, Sendable {
    package var uuid: String
    package var epoch: Int64
    /// In the order of their keys.
    package var models: [ModelSnapshot]
    /// Those that are followed, in the order of their registration.
    package var roots: [RootSnapshot]
    /// Of every root, followed or not.
    package var standings: [RootStanding]
    /// The controller that is running now; `nil` where none is.
    package var controller: StateLock.Holder?
}

/// A model and what runs or last ran for it.
package struct ModelSnapshot: Hashable, Sendable {
    package var model: ModelRecord
    /// The line of its manifest on which it begins.
    package var line: Int
    /// The revision that last changed it.
    package var revision: Int
    /// Its live instances, oldest first.
    package var instances: [InstanceRecord]
    /// The instance that was launched last among those that have ended.
    package var lastEnded: InstanceRecord?

    /// How its latest instance ended.
    package var lastExit: ExitRecord? { lastEnded?.exit }
    /// Why its latest load failed, while that is not forgotten.
    package var lastFailure: LoadFailure? { model.backoff?.lastFailure }

    /// Where the name of its image has come to stand for another one than runs.
    package var drift: Drift? { Drift(of: model, instances: instances) }

    /// What is between the instance that serves and the generation that is wanted.
    package var transition: Transition? { Transition(of: model, instances: instances) }

    package func condition(at now: Timestamp) -> ModelCondition {
        ModelCore.condition(of: model, instances: instances, now: now)
    }
}

extension StateSnapshot {
    /// The roots in whose place `root` is named, or would be if it was applied now.
    package func predecessors(of root: String) -> [String] {
        standings.predecessors(of: root)
    }
}
