/// Which container engine has a container.
///
/// Two engines of one host differ in it; one that is restarted, upgraded or reached by another socket keeps it. That a
/// container is not there proves that it is gone only where it is the engine which had it that says so.
package struct EngineIdentity: Codable, Hashable, Sendable {
    /// What it is and where it keeps its containers, as people may read it: `docker ID /var/lib/docker`,
    /// `podman /var/lib/containers/storage`.
    package let name: String
    /// Where it answered when this was noted, as `DOCKER_HOST` has it. For people alone: a socket belongs to whoever
    /// listens there now.
    package let address: String

    package init(name: String, address: String) {
        self.name = name
        self.address = address
    }

    package func isSame(as other: EngineIdentity) -> Bool { name == other.name }
}
