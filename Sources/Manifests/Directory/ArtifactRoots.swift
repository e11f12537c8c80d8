import Glibc
package import ModelCore

/// The folders that artifacts may lie in. `path` of a `local_artifact` and the volumes of a container must not leave
/// them, wherever symbolic links lead.
package struct ArtifactRoots: Hashable, Sendable {
    package let roots: [String]

    /// - Parameter roots: absolute paths. One that does not exist contains nothing.
    package init(_ roots: [String]) {
        self.roots = roots
    }

    /// Checks the folder with a model's artifacts: that it exists and lies in a root once every symbolic link is
    /// resolved. Meant for manifests and, again, for every launch, since the disk may have changed. Reads the disk.
    /// - Parameter path: absolute.
    /// - Returns: the folder without symbolic links.
    @discardableResult
    package func check(path: String) throws(ArtifactPathError) -> String {
        let resolved = try existing(path)
        try checkContains(resolved, path)
        guard isDirectory(resolved) else { throw .notAFolder(path: path) }
        return resolved
    }

    /// Checks a host path that is mounted into a container: that it exists, lies in a root once every symbolic link is
    /// resolved, and leads to no container engine, unless that was asked for. Reads the disk.
    /// - Parameters:
    ///   - path: absolute.
    ///   - opensSocket: whether the manifest asks for the engine's socket (`docker_socket`): then the socket itself may
    ///     lie anywhere. A folder that holds it must still lie in a root.
    /// - Returns: the path without symbolic links.
    @discardableResult
    package func check(
        volume path: String, opensSocket: Bool, sockets: EngineSockets
    ) throws(ArtifactPathError) -> String {
        let resolved = try existing(path)
        if let access = sockets.access(throughResolved: resolved, resolve: { try? resolve($0) }) {
            guard opensSocket else { throw .engineSocket(path: path, socket: access.socket) }
            if access.isDirect { return resolved }
        }
        try checkContains(resolved, path)
        return resolved
    }

    private func existing(_ path: String) throws(ArtifactPathError) -> String {
        do {
            return try resolve(path)
        } catch {
            throw error.isMissing ? .missing(path: path) : .unreadable(path: path, reason: error.message)
        }
    }

    private func checkContains(_ resolved: String, _ path: String) throws(ArtifactPathError) {
        guard roots.contains(where: { root in (try? resolve(root)).map { isWithin(resolved, $0) } ?? false }) else {
            throw .outside(path: path, resolved: resolved, roots: roots)
        }
    }
}

package enum ArtifactPathError: Error, Hashable, Sendable {
    case missing(path: String)
    case notAFolder(path: String)
    case unreadable(path: String, reason: String)
    case outside(path: String, resolved: String, roots: [String])
    /// A volume through which a container could command the engine.
    case engineSocket(path: String, socket: String)

    /// A sentence.
    package var message: String {
        switch self {
        case .missing(let path): "\(path) does not exist"
        case .notAFolder(let path): "\(path) is not a folder"
        case .unreadable(let path, let reason): "\(path) cannot be read: \(reason)"
        case .outside(let path, let resolved, let roots):
            path == resolved
                ? "\(path) lies outside the artifact roots (\(roots.joined(separator: ", ")))"
                : "\(path) is really \(resolved), outside the artifact roots (\(roots.joined(separator: ", ")))"
        case .engineSocket(let path, let socket): engineSocketMessage(path: path, socket: socket)
        }
    }

    package var hint: String? {
        switch self {
        case .missing, .unreadable: nil
        case .notAFolder: "`path` is the working directory of the command; name a file in `startup_command`"
        case .outside: "move it there, or have its folder added to the artifact roots (--artifact-root)"
        case .engineSocket: engineSocketHint
        }
    }
}

func engineSocketMessage(path: String, socket: String) -> String {
    let what = path == socket ? "is" : "gives access to \(socket),"
    return "\(path) \(what) the socket of a container engine: whoever has it is root on this host"
}

let engineSocketHint = "write `docker_socket: true` beside `volumes` if that is meant"
