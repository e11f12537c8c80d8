internal import GRDB
internal import Glibc
internal import ModelCore
internal import Reconciler

extension StoreError {
    /// What an error that a transaction has ended with means for the caller.
    init(_ error: any Error, database path: String) {
        switch error {
        case let error as StoreError: self = error
        case let error as StateDirectoryError: self = .unavailable(error.message)
        case let error as DatabaseError: self.init(error, database: path)
        default: self = .unavailable(Self.damaged(path, "\(error)"))
        }
    }

    private init(_ error: DatabaseError, database path: String) {
        let detail = error.message ?? "\(error.resultCode)"
        switch error.resultCode {
        case .SQLITE_CONSTRAINT:
            self = .refused(detail)
        case .SQLITE_FULL:
            self = .unavailable(Self.full(path))
        case .SQLITE_IOERR where isFull(path), .SQLITE_CANTOPEN where isFull(path):
            self = .unavailable(Self.full(path))
        case .SQLITE_READONLY, .SQLITE_PERM:
            self = .unavailable(
                "\(path) cannot be written (\(detail)): make the disk and the directory writable, "
                    + "or choose another directory with --state")
        case .SQLITE_CANTOPEN:
            self = .unavailable(
                "\(path) cannot be opened (\(detail)): check that its directory exists, belongs to this user and "
                    + "is not on a read-only disk, or choose another one with --state")
        case .SQLITE_NOTADB, .SQLITE_CORRUPT:
            self = .unavailable(Self.damaged(path, detail))
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            self = .unavailable("\(path) is locked by another program, which reads or writes it with SQLite: end that")
        case .SQLITE_IOERR:
            self = .unavailable("\(path) cannot be read or written (\(detail)): check the file and the disk")
        default:
            self = .unavailable("\(path): \(detail)")
        }
    }

    private static func full(_ path: String) -> String {
        "\(path) cannot grow: the disk is full; free some space on it"
    }

    static func damaged(_ path: String, _ detail: String) -> String {
        "\(path) is damaged or not a database (\(detail)); nothing was changed: move it away, "
            + "or put a good copy in its place"
    }
}

/// Whether the disk below `path` has not a page left for us. SQLite says only "I/O error" where it was the index of the
/// log that found no room.
private func isFull(_ path: String) -> Bool {
    var disk = statvfs()
    guard statvfs(path, &disk) == 0 else { return false }
    return disk.f_bavail * disk.f_frsize < 4096
}
