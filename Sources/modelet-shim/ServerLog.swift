internal import Glibc

/// What the server writes, in `server.log`, then `server.log.1` (the next older), `server.log.2`, … .
///
/// The server never waits for more than a disk write, and is never told that one failed: what cannot be written is
/// counted and dropped.
struct ServerLog {
    private let folder: RunFolder
    private let limit: Int
    private let kept: Int
    private var file: Int32
    private var size = 0
    private(set) var lostBytes = 0

    init(folder: RunFolder, limit: Int, kept: Int) throws(ShimError) {
        self.folder = folder
        self.limit = max(limit, Self.smallestLimit)
        self.kept = kept
        file = try folder.create(Self.name, O_WRONLY | O_APPEND)
        size = Int(lseek(file, 0, SEEK_END))
    }

    private static let name = "server.log"
    /// Bytes; less would make files faster than anybody reads them.
    private static let smallestLimit = 1024

    /// Appends; a file that has reached its limit ends with the next whole line, or at twice the limit without one.
    mutating func append(_ bytes: ArraySlice<UInt8>) {
        var rest = bytes
        while size + rest.count > limit {
            let room = rest.prefix(max(limit - size, 0)).count
            let newline = rest[(rest.startIndex + room)...].firstIndex(of: UInt8(ascii: "\n"))
            if newline == nil && size + rest.count < 2 * limit { break }
            let end = newline.map { $0 + 1 } ?? rest.startIndex + max(1, min(rest.count, 2 * limit - size))
            writeOut(rest[..<end])
            rest = rest[end...]
            rotate()
        }
        writeOut(rest)
    }

    private mutating func writeOut(_ bytes: ArraySlice<UInt8>) {
        var rest = bytes
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
            if written < 0 && errno == EINTR { continue }
            if written <= 0 {
                lostBytes += rest.count
                return
            }
            size += written
            rest = rest.dropFirst(written)
        }
    }

    private mutating func rotate() {
        do throws(ShimError) {
            for older in stride(from: kept, to: 0, by: -1) {
                let newer = older == 1 ? Self.name : "\(Self.name).\(older - 1)"
                try renameIfPresent(newer, to: "\(Self.name).\(older)")
            }
            if kept > 0 {
                let next = try folder.create(Self.name, O_WRONLY | O_APPEND)
                close(file)
                file = next
                size = 0
                return
            }
        } catch {
            // Bounded all the same: what there is is overwritten, below.
        }
        if ftruncate(file, 0) == 0 { size = 0 }
    }

    private func renameIfPresent(_ old: String, to new: String) throws(ShimError) {
        do throws(ShimError) {
            try folder.rename(old, to: new)
        } catch .system(_, ENOENT) {
            // Not so many yet.
        }
    }
}
