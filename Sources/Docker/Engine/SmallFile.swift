internal import Glibc

/// Reads files that are small unless something is wrong with them.
enum SmallFile {
    enum Failure: Error, Hashable {
        case system(CInt)
        case tooLarge
    }

    /// How much is read at a time, in bytes.
    private static let piece = 16 * 1024

    /// Everything in a file, at most `limit` bytes. Never waits for somebody to write into it.
    static func read(_ path: String, limit: Int) throws(Failure) -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { throw .system(errno) }
        defer { close(file) }
        var contents: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: piece)
        while true {
            let got = Glibc.read(file, &buffer, buffer.count)
            if got == 0 { return contents }
            if got < 0 {
                if errno == EINTR { continue }
                throw .system(errno)
            }
            contents += buffer[..<got]
            if contents.count > limit { throw .tooLarge }
        }
    }
}
