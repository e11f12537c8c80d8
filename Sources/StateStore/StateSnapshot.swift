package import ModelCore

/// Everything that a state says at one moment.
package struct StateSnapshot: Hashable, Sendable {
    package var uuid: String
    package var epoch: Int64
    /// In the order of their keys.
    package var models: [ModelSnapshot]
    /// In the order of their registration.
    package var roots: [RootSnapshot]
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

    package func condition(at now: Timestamp) -> ModelCondition {
        ModelCore.condition(of: model, instances: instances, now: now)
    }
}

/// A directory whose manifests are followed.
package struct RootSnapshot: Hashable, Sendable {
    package var path: String
    /// The number of its latest revision, and when that was accepted; 0 and `nil` where there is none.
    package var revision: Int
    package var acceptedAt: Timestamp?

    package init(path: String, revision: Int, acceptedAt: Timestamp?) {
        self.path = path
        self.revision = revision
        self.acceptedAt = acceptedAt
    }
}
