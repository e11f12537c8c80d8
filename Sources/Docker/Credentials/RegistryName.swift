/// A registry, and the names under which tools keep its credentials.
struct RegistryName: Hashable, Sendable {
    /// What credentials are kept under first: the host; for Docker Hub, the URL of its first version.
    let server: String
    /// All of them, the usual one first.
    let keys: [String]

    private static let hub = "https://index.docker.io/v1/"
    private static let hubHosts = ["index.docker.io", "docker.io", "registry-1.docker.io"]

    /// - Parameter host: as image references have it: `registry.example:5000`; `docker.io` for Docker Hub.
    init(_ host: String) {
        if host.isEmpty || Self.hubHosts.contains(host) {
            server = Self.hub
            keys = [Self.hub] + Self.hubHosts
        } else {
            server = host
            keys = [host]
        }
    }
}
