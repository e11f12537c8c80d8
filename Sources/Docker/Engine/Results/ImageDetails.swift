/// An image that the engine has.
package struct ImageDetails: Hashable, Sendable {
    /// `sha256:…`, of the image's configuration.
    package var id: String
    /// `repository:tag`, of each tag that points at it.
    package var tags: [String]
    /// `repository@sha256:…`, of each registry that it came from; empty for one that was built or imported here.
    package var repositoryDigests: [String]
    package var labels: [String: String]
    /// `NAME=value`.
    package var environment: [String]
    package var entrypoint: [String]
    package var command: [String]
    package var workingDirectory: String
    /// Empty: root.
    package var user: String
    /// `8501/tcp`, sorted.
    package var exposedPorts: [String]
    /// Whether the image brings a `HEALTHCHECK`, and not `NONE`.
    package var hasHealthcheck: Bool
    package var architecture: String
    package var operatingSystem: String
    /// Unpacked, in bytes.
    package var size: Int64
}
