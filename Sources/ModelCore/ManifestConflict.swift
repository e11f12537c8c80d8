/// Definitions of several files that cannot hold together: one key twice, or one port for two models.
///
/// Which of them holds depends on what is enforced, which who reads manifests does not know:
/// ``ManifestSet/decided(root:accepted:predecessors:)`` decides.
package struct ManifestConflict: Hashable, Sendable {
    package enum Subject: Hashable, Sendable {
        case key
        case port
    }

    /// One of the definitions.
    package struct Side: Hashable, Sendable {
        package var key: ModelKey
        /// Relative to the root.
        package var file: String
        /// What it claims, where the conflict is about a port.
        package var port: PortClaim?
        /// What is said of this file where the definition is refused. Names the other places.
        package var diagnostic: Diagnostic

        package init(key: ModelKey, file: String, port: PortClaim? = nil, diagnostic: Diagnostic) {
            self.key = key
            self.file = file
            self.port = port
            self.diagnostic = diagnostic
        }

        /// Whether both cannot hold.
        func contradicts(_ other: Side) -> Bool {
            guard file != other.file else { return false }
            guard let port, let otherPort = other.port else { return true }
            return key != other.key && port.overlaps(otherPort)
        }
    }

    package var subject: Subject
    /// All that have to do with it, of two files or more. Of those that contradict each other at most one can hold.
    package var sides: [Side]

    package init(_ subject: Subject, sides: [Side]) {
        self.subject = subject
        self.sides = sides
    }
}
