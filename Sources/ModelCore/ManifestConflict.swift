/// Definitions of several files that cannot hold together: one key twice, or one port for two models.
///
/// Which of them holds depends on what is enforced, which who reads manifests does not know: ``judge(_:root:accepted:guard:)``
/// decides.
package struct ManifestConflict: Hashable, Sendable {
    package enum Subject: Hashable, Sendable {
        case key
        case port(PortClaim)
    }

    /// One of the definitions.
    package struct Side: Hashable, Sendable {
        package var key: ModelKey
        /// Relative to the root.
        package var file: String
        /// What is said of this file where the definition is refused. Names the other places.
        package var diagnostic: Diagnostic

        package init(key: ModelKey, file: String, diagnostic: Diagnostic) {
            self.key = key
            self.file = file
            self.diagnostic = diagnostic
        }
    }

    package var subject: Subject
    /// Two or more, of as many files; at most one of them can hold.
    package var sides: [Side]

    package init(_ subject: Subject, sides: [Side]) {
        self.subject = subject
        self.sides = sides
    }
}
