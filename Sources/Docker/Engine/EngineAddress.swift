/// Where an engine listens: the path of a Unix socket, and who said so.
package struct EngineAddress: Hashable, Sendable, CustomStringConvertible {
    package enum Origin: Hashable, Sendable {
        case dockerHost
        case context(String)
        /// Where Docker listens unless it is told otherwise.
        case docker
        case podman
        case given
    }

    package var socket: String
    package var origin: Origin

    package init(socket: String, origin: Origin = .given) {
        self.socket = socket
        self.origin = origin
    }

    package var description: String { "unix://\(socket)" }
}
