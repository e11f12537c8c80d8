import Glibc
import ModelCore

/// Why the system did not do what was asked of it.
struct SystemError: Error {
    let code: Int32

    var message: String { String(cString: strerror(code)) }
    var isMissing: Bool { code == ENOENT }

    static var current: SystemError { SystemError(code: errno) }
}

/// The code of a folder with more names than are read: nothing that `readdir` itself could give.
let tooManyNames = EFBIG

/// The code of a file that somebody is writing.
let beingWritten = ETXTBSY

/// What a name in a folder is, once symbolic links are followed.
enum EntryKind {
    case folder
    case file
    /// A device, a socket, a pipe.
    case other
    /// A symbolic link to nothing.
    case dangling
}

/// Tells whether a file is the one that it was, with the content that it had.
struct FileStamp: Equatable {
    private let numbers: [Int64]

    fileprivate init(_ info: stat) {
        numbers = [
            Int64(truncatingIfNeeded: info.st_dev), Int64(truncatingIfNeeded: info.st_ino), Int64(info.st_size),
            Int64(info.st_mtim.tv_sec), Int64(info.st_mtim.tv_nsec), Int64(info.st_ctim.tv_sec),
            Int64(info.st_ctim.tv_nsec),
        ]
    }
}

func kind(of path: String) throws(SystemError) -> EntryKind { try look(at: path).kind }

/// - Returns: what `path` leads to; the stamp of a symbolic link that leads to nothing is its own.
func look(at path: String) throws(SystemError) -> (kind: EntryKind, stamp: FileStamp) {
    var info = stat()
    guard stat(path, &info) == 0 else {
        let failure = SystemError.current
        if failure.isMissing, lstat(path, &info) == 0 { return (.dangling, FileStamp(info)) }
        throw failure
    }
    switch info.st_mode & S_IFMT {
    case S_IFDIR: return (.folder, FileStamp(info))
    case S_IFREG: return (.file, FileStamp(info))
    default: return (.other, FileStamp(info))
    }
}

func isDirectory(_ path: String) -> Bool {
    if case .folder = try? kind(of: path) { true } else { false }
}

/// The path without symbolic links.
func resolve(_ path: String) throws(SystemError) -> String {
    guard let resolved = realpath(path, nil) else { throw .current }
    defer { free(resolved) }
    return String(cString: resolved)
}

/// What a regular file holds.
struct FileContents {
    var bytes: [UInt8]
    /// When it was last written to; `nil` where the kernel says that nobody writes it now.
    var lastWrite: Timestamp?
}

/// The contents of a regular file of at most `limit` bytes; `nil` where it has more.
///
/// Anything but a regular file is `EINVAL`: a pipe would block, a device might never end. One that somebody has open for
/// writing is ``beingWritten``, where the kernel says so.
/// - Parameters:
///   - lease: what the kernel says of who writes it.
///   - stamp: is told which file it was.
func contents(
    of path: String, limit: Int, lease: (Int32) -> ReadLease.Answer, stamp: (FileStamp) -> Void
) throws(SystemError) -> FileContents? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    guard descriptor >= 0 else { throw .current }
    defer { close(descriptor) }
    var info = stat()
    guard fstat(descriptor, &info) == 0 else { throw .current }
    if info.st_mode & S_IFMT == S_IFDIR { throw SystemError(code: EISDIR) }
    guard info.st_mode & S_IFMT == S_IFREG else { throw SystemError(code: EINVAL) }
    stamp(FileStamp(info))
    guard info.st_size <= limit else { return nil }
    switch lease(descriptor) {
    case .beingWritten:
        throw SystemError(code: beingWritten)
    case .unknown:
        return try read(descriptor, limit: limit).map {
            FileContents(bytes: $0, lastWrite: Timestamp(info.st_mtim))
        }
    case .held(let lease):
        defer { lease.giveBack() }
        return try read(descriptor, limit: limit).map { FileContents(bytes: $0) }
    }
}

/// Reads to the end, which may have moved since the size was asked.
private func read(_ descriptor: Int32, limit: Int) throws(SystemError) -> [UInt8]? {
    let chunkSize = 64 << 10
    var chunk = [UInt8](repeating: 0, count: chunkSize)
    var bytes: [UInt8] = []
    while true {
        let count = read(descriptor, &chunk, chunkSize)
        if count < 0 {
            let failure = SystemError.current
            if failure.code == EINTR { continue }
            throw failure
        }
        if count == 0 { return bytes }
        bytes += chunk[..<count]
        guard bytes.count <= limit else { return nil }
    }
}
