internal import Glibc

/// The directory of one state and the names of what lies in it. It and its files are for their owner alone: specs may
/// hold what an environment variable should have kept, and whoever reaches the socket controls the models.
package struct StateDirectory: Hashable, Sendable {
    package let path: String

    package init(_ path: String) {
        self.path = path
    }

    package var database: String { path + "/modelet.db" }
    package var lock: String { path + "/lock" }
    /// Holds the name of the state too, so that it survives the loss of the database.
    package var uuid: String { path + "/uuid" }

    private static let ownerOnly: mode_t = 0o700

    /// Makes the directory where there is none, and takes it from everyone but its owner. Idempotent; blocks.
    func prepare() throws(StateDirectoryError) {
        try makeDirectories()
        var status = stat()
        guard stat(path, &status) == 0 else { throw StateDirectoryError("open", path, errno) }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw StateDirectoryError("use", path, ENOTDIR) }
        guard status.st_mode & 0o077 != 0 else { return }
        guard chmod(path, Self.ownerOnly) == 0 else { throw StateDirectoryError("protect", path, errno) }
    }

    private func makeDirectories() throws(StateDirectoryError) {
        var made = path.hasPrefix("/") ? "" : "."
        for component in path.split(separator: "/") {
            made += "/\(component)"
            let isLast = made.utf8.count >= path.utf8.count
            guard mkdir(made, isLast ? Self.ownerOnly : 0o755) != 0 else { continue }
            // Another program may make it at the same time; and a read-only disk reports so even where it exists.
            var status = stat()
            let reason = errno
            guard stat(made, &status) == 0 else { throw StateDirectoryError("create", made, reason) }
        }
    }
}

/// Something that could not be done with a file of the state.
struct StateDirectoryError: Error, Hashable {
    let message: String

    init(_ action: String, _ path: String, _ reason: Int32) {
        let advice =
            switch reason {
            case EROFS: "; the disk is read-only: choose another directory with --state, or remount it"
            case EACCES, EPERM: "; run as the owner of the directory, or choose another one with --state"
            case ENOSPC, EDQUOT: "; the disk is full: free some space"
            case ENOTDIR, EEXIST: "; something else lies there: choose another directory with --state"
            default: ""
            }
        message = "cannot \(action) \(path): \(String(cString: strerror(reason)))\(advice)"
    }
}
