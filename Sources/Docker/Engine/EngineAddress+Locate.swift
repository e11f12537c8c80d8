internal import FoundationEssentials
internal import Glibc

extension EngineAddress {
    /// The longest path of a Unix socket, in bytes (`sun_path` less its end).
    static let longestSocket = 107
    static let usualSocket = "/var/run/docker.sock"

    /// Finds the engine as the `docker` command does: `DOCKER_HOST`, then `DOCKER_CONTEXT`, then the current context of
    /// Docker's configuration, then the socket that is there: Docker's, a rootless Docker's, podman's. Where none is, it is
    /// Docker's, so that an engine which is installed later is found.
    ///
    /// Reads files, and connects to nothing. Throws `unreachable` where the engine that is named is none of this host's.
    /// - Parameter home: the user's home directory, for `~/.docker`; `nil` where there is none.
    package static func locate(
        environment: [String: String], home: String?
    ) throws(EngineError) -> EngineAddress {
        try locate(environment: environment, home: home, exists: isSocket)
    }

    static func locate(
        environment: [String: String], home: String?, exists: (String) -> Bool
    ) throws(EngineError) -> EngineAddress {
        if let host = environment["DOCKER_HOST"], !host.isEmpty {
            return try address(host, said: "DOCKER_HOST", origin: .dockerHost)
        }
        let contexts = DockerContexts(environment: environment, home: home)
        if let contexts, let name = try contexts.chosen(environment: environment), name != DockerContexts.usual {
            let host = try contexts.host(of: name)
            return try address(host, said: "Docker's context \(name)", origin: .context(name))
        }
        if contexts == nil, let name = environment["DOCKER_CONTEXT"], !name.isEmpty, name != DockerContexts.usual {
            throw .unreachable("DOCKER_CONTEXT names \(name), but there is no home directory to look for contexts in")
        }
        return standard(environment: environment, exists: exists)
    }

    private static func standard(environment: [String: String], exists: (String) -> Bool) -> EngineAddress {
        var places = [EngineAddress(socket: usualSocket, origin: .docker)]
        if let runtime = environment["XDG_RUNTIME_DIR"], !runtime.isEmpty {
            places.append(EngineAddress(socket: "\(runtime)/docker.sock", origin: .docker))
            places.append(EngineAddress(socket: "\(runtime)/podman/podman.sock", origin: .podman))
        }
        places.append(EngineAddress(socket: "/run/podman/podman.sock", origin: .podman))
        return places.first { exists($0.socket) } ?? places[0]
    }

    /// What a URL of an engine means.
    private static func address(_ host: String, said who: String, origin: Origin) throws(EngineError) -> EngineAddress {
        let advice =
            "modelet runs containers only by an engine of its own host, whose processes and ports it can see: "
            + "run modelet on that host, or let \(who) name a socket (unix:///var/run/docker.sock)"
        guard let mark = host.firstRange(of: "://") else {
            throw .unreachable("\(who) is no address of an engine: \(host); \(advice)")
        }
        switch host[..<mark.lowerBound] {
        case "unix":
            let socket = String(host[mark.upperBound...])
            guard socket.hasPrefix("/") else {
                throw .unreachable("\(who) names no absolute path: \(host)")
            }
            guard socket.utf8.count <= longestSocket else {
                throw .unreachable(
                    "\(who) names a path of \(socket.utf8.count) bytes; that of a socket has at most \(longestSocket)")
            }
            return EngineAddress(socket: socket, origin: origin)
        case "tcp", "http", "https", "ssh", "npipe":
            // Whoever wrote a password into it does not want to read it here.
            throw .unreachable("\(who) names an engine by \(host[..<mark.lowerBound]); \(advice)")
        default:
            throw .unreachable(
                "\(who) names an engine by \(host[..<mark.lowerBound]), which is not understood; \(advice)")
        }
    }

    private static func isSocket(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFSOCK
    }
}
