package import ModelCore

/// A directory whose manifests are followed.
package struct RootSnapshot: Hashable, Sendable {
    package var path: String
    /// The number of its latest revision, and when that was accepted; 0 and `nil` where there is none.
    package var revision: Int
    package var acceptedAt: Timestamp?
    /// Its files that are not accepted, in the order of their names.
    package var faults: [RecordedFault] = []
    /// Where it is pinned.
    package var pin: RootPin?
    /// Whether it is the one that `serve` named last.
    package var isServed = false

    package init(path: String, revision: Int, acceptedAt: Timestamp?, pin: RootPin? = nil) {
        self.path = path
        self.revision = revision
        self.acceptedAt = acceptedAt
        self.pin = pin
    }
}

/// A file that is not accepted, and since when.
package struct RecordedFault: Hashable, Sendable {
    package var fault: ManifestFault
    package var since: Timestamp

    package init(fault: ManifestFault, since: Timestamp) {
        self.fault = fault
        self.since = since
    }
}
