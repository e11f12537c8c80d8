/// Where container engines listen on this host. Whoever can write to such a socket is root there.
package struct EngineSockets: Hashable, Sendable {
    /// Absolute paths; a part `*` stands for any name.
    private let patterns: [String]

    /// Where they listen unless they are told otherwise: Docker's and podman's, root's and users', and what Docker itself
    /// stands on.
    package static let standard = EngineSockets([])

    private static let usual = [
        "/run/docker.sock", "/run/podman/podman.sock", "/run/containerd/containerd.sock", "/run/crio/crio.sock",
        "/run/user/*/docker.sock", "/run/user/*/podman/podman.sock",
    ]

    /// - Parameter others: absolute paths of sockets besides the usual ones.
    package init(_ others: [String]) {
        // `/var/run` is `/run`, by a symbolic link that texts do not show.
        patterns = Self.usual.flatMap { [$0, "/var" + $0] } + others
    }

    /// A socket that a path gives access to.
    package struct Access: Hashable, Sendable {
        package let socket: String
        /// Whether the path is the socket itself, rather than a folder above it.
        package let isDirect: Bool

        package init(socket: String, isDirect: Bool) {
            self.socket = socket
            self.isDirect = isDirect
        }
    }

    /// The socket that `path` is, or that lies below it, going by the names alone; `nil`: none.
    /// - Parameter path: absolute, without `.` and `..`.
    package func access(through path: String) -> Access? {
        access(through: path, patterns.map { ($0, $0) })
    }

    /// The same for a path without symbolic links.
    /// - Parameter resolve: follows the symbolic links of a path; `nil` where it does not exist.
    package func access(throughResolved path: String, resolve: (String) -> String?) -> Access? {
        access(through: path) ?? access(through: path, patterns.compactMap { name in resolve(name).map { (name, $0) } })
    }

    private func access(through path: String, _ sockets: [(name: String, path: String)]) -> Access? {
        let reached = sockets.filter { Self.covers(path, $0.path) }
        let direct = reached.first { Self.parts($0.path).count == Self.parts(path).count }
        return (direct ?? reached.first).map { Access(socket: $0.name, isDirect: direct != nil) }
    }

    private static func covers(_ path: String, _ pattern: String) -> Bool {
        let path = parts(path)
        let pattern = parts(pattern)
        return path.count <= pattern.count && zip(path, pattern).allSatisfy { $0 == $1 || $1 == "*" }
    }

    private static func parts(_ path: String) -> [Substring] { path.split(separator: "/") }
}
