internal import Glibc
package import ModelCore

/// Reads what a server has written while its shim writes on and puts full files aside (docs/shim-protocol.md); also
/// what was kept of a container that has ended.
///
/// The shim renames `server.log` to `server.log.1`, that one to `server.log.2`, and so on. A file that is open here
/// stays the same one whatever it is called, so that nothing is read twice, nor missed unless a server writes more
/// between two reads than is kept. Holds some descriptors and one piece in memory, however long the log is. Its calls
/// block while they read.
package struct ServerLogReader {
    private let files: InstanceFiles
    /// Those still to be read, the oldest first.
    private var pending: [OpenLog] = []

    /// How much is read at once, in bytes.
    static let pieceSize = 64 * 1024
    /// Files that are looked for: more than any shim keeps.
    private static let mostFiles = 10

    package init(runDirectory: String, id: InstanceID) {
        files = InstanceFiles(runDirectory: runDirectory, id: id)
        openNewer()
    }

    /// Whether anything has been written, or is kept.
    package var isEmpty: Bool { pending.isEmpty }

    /// Whether the server's shim has told how it ended, or has itself gone without a word: nothing more is written.
    package var serverHasEnded: Bool {
        if files.exit() != nil { return true }
        // The lock is older than the report.
        return files.server() != nil && files.lockState() == .free
    }

    /// Passes over everything but the last lines. A line that has no end yet counts.
    package mutating func skip(toLast lines: Int) {
        var missing = lines
        var isAtEnd = true
        for (index, log) in pending.enumerated().reversed() {
            guard let start = log.start(ofLast: &missing, isAtEnd: &isAtEnd) else { continue }
            pending.removeFirst(index)
            log.offset = start
            return
        }
    }

    /// The next piece; `nil` where there is no more for now.
    package mutating func next() -> [UInt8]? {
        while true {
            if let piece = pending.first?.next() { return piece }
            if pending.count > 1 {
                pending.removeFirst()
            } else if !openNewer() {
                return nil
            }
            // Otherwise the one at hand has been put aside, perhaps after more had been written to it: once more.
        }
    }

    /// Opens what is newer than the newest at hand. Returns whether there was something.
    @discardableResult
    private mutating func openNewer() -> Bool {
        var newer: [OpenLog] = []
        for number in 0..<Self.mostFiles {
            // A file may be missing for a moment, while names are changed.
            guard let log = OpenLog(number == 0 ? files.log : "\(files.log).\(number)") else { continue }
            if log.identity == pending.last?.identity { break }
            // Renamed just now, and met again under its next name.
            if newer.contains(where: { $0.identity == log.identity }) { continue }
            newer.append(log)
        }
        pending += newer.reversed()
        return !newer.isEmpty
    }
}

/// One file of a log, whatever it is called by now.
private final class OpenLog {
    struct Identity: Equatable {
        var device: dev_t
        var inode: ino_t
    }

    let identity: Identity
    /// Where the next piece begins.
    var offset = 0
    private let descriptor: Int32

    init?(_ path: String) {
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        var info = stat()
        guard descriptor >= 0, fstat(descriptor, &info) == 0 else {
            if descriptor >= 0 { close(descriptor) }
            return nil
        }
        identity = Identity(device: info.st_dev, inode: info.st_ino)
    }

    deinit { close(descriptor) }

    func next() -> [UInt8]? {
        // Where nothing older is kept, a full file is emptied and begun anew.
        let size = size
        if size < offset { offset = 0 }
        guard size > offset else { return nil }
        let piece = read(at: offset, ServerLogReader.pieceSize)
        offset += piece.count
        return piece.isEmpty ? nil : piece
    }

    /// Where the last `missing` lines begin; `nil`, and `missing` less by the lines of this file, if not in this file.
    /// - Parameter isAtEnd: whether nothing has been seen behind this file, so that its last newline begins no line.
    func start(ofLast missing: inout Int, isAtEnd: inout Bool) -> Int? {
        var end = size
        if isAtEnd, missing == 0 { return end }
        while end > 0 {
            let start = max(end - ServerLogReader.pieceSize, 0)
            let piece = read(at: start, end - start)
            // Emptied meanwhile.
            guard piece.count == end - start else { return 0 }
            for index in piece.indices.reversed() where piece[index] == UInt8(ascii: "\n") {
                if isAtEnd, start + index + 1 == end {
                    isAtEnd = false
                    continue
                }
                isAtEnd = false
                missing -= 1
                if missing == 0 { return start + index + 1 }
            }
            isAtEnd = false
            end = start
        }
        return nil
    }

    private var size: Int {
        var info = stat()
        return fstat(descriptor, &info) == 0 ? Int(info.st_size) : 0
    }

    private func read(at offset: Int, _ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let got = bytes.withUnsafeMutableBytes { buffer in
                pread(descriptor, buffer.baseAddress.map { $0 + filled }, count - filled, off_t(offset + filled))
            }
            if got < 0, errno == EINTR { continue }
            if got <= 0 { break }
            filled += got
        }
        bytes.removeLast(count - filled)
        return bytes
    }
}
