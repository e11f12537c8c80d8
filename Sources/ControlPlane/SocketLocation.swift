import Glibc

/// Where a Unix socket lies, reached through a handle on its directory.
///
/// A socket's address holds no more than 107 bytes of path, and state directories may lie deeper than that. Through
/// `/proc/self/fd` every directory has a short name, which also needs no escaping in a URL.
final class SocketLocation: Sendable {
    /// As the caller named it; for messages.
    let path: String
    let name: String
    /// A descriptor of the directory, closed with this object.
    let directory: CInt

    /// The longest file name of a socket, in bytes: it fits the address behind any descriptor's number.
    static let longestName = 64

    init(_ path: String) throws(SocketError) {
        let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
        let name = slash.map { String(path[path.utf8.index(after: $0)...]) } ?? path
        guard !name.isEmpty, name.utf8.count <= Self.longestName, !path.utf8.contains(0) else {
            throw .badName(path: path)
        }
        let parent = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let descriptor = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system("open directory", path: parent, errno: errno) }
        self.path = path
        self.name = name
        directory = descriptor
    }

    deinit {
        close(directory)
    }

    /// A path to the socket that is short enough to bind and to connect to, as long as this object lives.
    var address: String { "/proc/self/fd/\(directory)/\(name)" }
}

/// Why a Unix socket cannot be used.
package enum SocketError: Error, Hashable, Sendable {
    /// Another daemon answers on it.
    case inUse(path: String)
    /// Something else lies there, and is left alone.
    case notASocket(path: String)
    /// The name is empty or longer than ``SocketLocation/longestName`` bytes.
    case badName(path: String)
    case system(_ operation: String, path: String, errno: Int32)
}

extension SocketError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .inUse(let path):
            "another daemon answers on \(path)"
        case .notASocket(let path):
            "\(path) is in the way: it is no socket"
        case .badName(let path):
            "\(path) cannot name a socket: its last part must have 1 to \(SocketLocation.longestName) bytes"
        case .system(let operation, let path, let code):
            "\(path): cannot \(operation): \(String(cString: strerror(code)))"
        }
    }
}
