internal import Glibc

/// A system call that failed: a sentence, and its reason.
package struct SystemFailure: Error, Hashable, Sendable {
    package let message: String
    /// The `errno`.
    package let code: Int32

    package init(_ message: String, errno code: Int32) {
        self.message = "\(message): \(systemMessage(code))"
        self.code = code
    }
}

/// What the system says about an `errno`.
package func systemMessage(_ code: Int32) -> String {
    // `strerror` is not made for threads.
    var buffer = [CChar](repeating: 0, count: 128)
    guard strerror_r(code, &buffer, buffer.count) == 0 else { return "error \(code)" }
    return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// Reads a file, at most `limit` bytes of it. Blocks.
package func readFile(_ path: String, limit: Int) throws(SystemFailure) -> [UInt8] {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw SystemFailure(path, errno: errno) }
    defer { close(file) }
    return try readDescriptor(file, path, limit: limit)
}

/// Reads to the end, at most `limit` bytes. Blocks.
/// - Parameter path: names the file in a failure.
package func readDescriptor(_ file: Int32, _ path: String, limit: Int) throws(SystemFailure) -> [UInt8] {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: min(limit, 64 * 1024))
    while bytes.count < limit {
        let got = read(file, &chunk, min(chunk.count, limit - bytes.count))
        if got == 0 { break }
        if got < 0 && errno == EINTR { continue }
        if got < 0 { throw SystemFailure(path, errno: errno) }
        bytes += chunk[..<got]
    }
    return bytes
}
