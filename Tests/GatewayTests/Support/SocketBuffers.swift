import Glibc

/// What the kernel may keep of a stream that nobody reads, by its own limits: sockets grow while they are read quickly.
enum SocketBuffers {
    /// Bytes in the four sockets on the way from a sender through the gateway to a receiver.
    static let most = 2 * (limit("tcp_rmem") + limit("tcp_wmem"))

    /// What may lie between the two ends where the gateway keeps next to nothing, in bytes.
    static let mostInBetween = most + 8_000_000

    /// A stream of which most must still be with its sender when nobody reads it, in bytes.
    static let stream = 2 * mostInBetween

    /// The third number of a file in `/proc/sys/net/ipv4`: the most that a socket's buffer grows to.
    private static func limit(_ name: String) -> Int {
        let fallback = 64_000_000
        guard let file = fopen("/proc/sys/net/ipv4/\(name)", "r") else { return fallback }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 128)
        guard fgets(&line, Int32(line.count), file) != nil else { return fallback }
        let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        return text.split(whereSeparator: \.isWhitespace).last.flatMap { Int($0) } ?? fallback
    }
}
