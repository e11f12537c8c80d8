internal import Glibc

/// What to launch, as the controller wrote it into a file in memory: `name=value` fields, each ended by a NUL.
///
/// It holds secrets (the environment), so it never lies on a disk or on a command line.
struct LaunchOrder {
    struct User {
        var user: UInt32
        var group: UInt32
        var groups: [UInt32]
    }

    var executable = ""
    var arguments: [String] = []
    var environment: [String] = []
    var directory = ""
    var user: User?
    var descriptorLimit: (soft: UInt64, hard: UInt64)?
    var oomScore: Int32 = 0
    /// A log file is put aside when it has grown to this many bytes.
    var logBytes = 10 * 1024 * 1024
    /// How many log files put aside are kept.
    var logFiles = 2

    /// Reads the order and closes the descriptor.
    init(descriptor: Int32) throws(ShimError) {
        defer { close(descriptor) }
        for field in try Self.readAll(descriptor).split(separator: 0) {
            guard let equals = field.firstIndex(of: UInt8(ascii: "=")) else { throw .badOrder("a field has no value") }
            let name = String(decoding: field[..<equals], as: UTF8.self)
            try set(name, String(decoding: field[(equals + 1)...], as: UTF8.self))
        }
        if executable.isEmpty || directory.isEmpty || arguments.isEmpty {
            throw .badOrder("executable, directory or argument is missing")
        }
    }

    private mutating func set(_ name: String, _ value: String) throws(ShimError) {
        switch name {
        case "executable": executable = value
        case "argument": arguments.append(value)
        case "environment": environment.append(value)
        case "directory": directory = value
        case "user":
            let ids: [UInt32] = try Self.numbers(value, name)
            guard ids.count >= 2 else { throw .badOrder(name) }
            user = User(user: ids[0], group: ids[1], groups: Array(ids[2...]))
        case "descriptors":
            let limits: [UInt64] = try Self.numbers(value, name)
            guard limits.count == 2 else { throw .badOrder(name) }
            descriptorLimit = (limits[0], limits[1])
        case "oom-score": oomScore = try Self.number(value, name)
        case "log-bytes": logBytes = try Self.number(value, name)
        case "log-files": logFiles = try Self.number(value, name)
        default: throw .badOrder("unknown field \(name)")
        }
    }

    private static func number<N: FixedWidthInteger>(_ text: String, _ name: String) throws(ShimError) -> N {
        guard let number = N(text), number >= 0 else { throw .badOrder(name) }
        return number
    }

    /// Numbers with colons between them.
    private static func numbers<N: FixedWidthInteger>(_ text: String, _ name: String) throws(ShimError) -> [N] {
        var all: [N] = []
        for part in text.split(separator: ":") { all.append(try number(String(part), name)) }
        return all
    }

    /// The kernel takes at most 6 MiB of arguments and environment.
    private static let longest = 8 * 1024 * 1024

    private static func readAll(_ descriptor: Int32) throws(ShimError) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 * 1024)
        while bytes.count < longest {
            // From an offset of our own: the writer shares the file's.
            let got = pread(descriptor, &chunk, chunk.count, off_t(bytes.count))
            if got == 0 { return bytes }
            if got < 0 && errno == EINTR { continue }
            if got < 0 { throw .system("read launch order", errno: errno) }
            bytes += chunk[..<got]
        }
        throw .badOrder("longer than \(longest) bytes")
    }
}
