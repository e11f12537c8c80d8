import Gateway
import Glibc

/// A file of tokens: one a line; blank lines, and lines that begin with `#`, say nothing.
enum TokenFile {
    /// The largest file that is read, in bytes.
    private static let largest = 1024 * 1024

    /// The tokens, at least one.
    static func read(_ path: String) throws -> [String] {
        var tokens: [String] = []
        for (index, line) in try text(of: path).split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let token = String(line.trimmingBlanks)
            if token.isEmpty || token.hasPrefix("#") { continue }
            guard BearerTokens.isToken(token) else {
                throw CommandFailure("\(path):\(index + 1): a token is one word of visible ASCII characters")
            }
            tokens.append(token)
        }
        guard !tokens.isEmpty else { throw CommandFailure("\(path) holds no token; write one a line") }
        return tokens
    }

    /// Whether every user may read the file.
    static func isPublic(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IROTH != 0
    }

    private static func text(of path: String) throws -> String {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw CommandFailure("cannot read \(path): \(String(cString: strerror(errno)))") }
        defer { close(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while bytes.count <= largest {
            let count = Glibc.read(file, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw CommandFailure("cannot read \(path): \(String(cString: strerror(errno)))") }
            if count == 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes += chunk[..<count]
        }
        throw CommandFailure("\(path) is larger than 1 MiB: that is no file of tokens")
    }
}

extension Substring {
    /// Without blanks and a carriage return around it.
    fileprivate var trimmingBlanks: Substring {
        func isBlank(_ character: Character) -> Bool { character == " " || character == "\t" || character == "\r" }
        var rest = self
        while rest.first.map(isBlank) ?? false { rest.removeFirst() }
        while rest.last.map(isBlank) ?? false { rest.removeLast() }
        return rest
    }
}
