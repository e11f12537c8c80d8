internal import Glibc

/// By what it is seen, without opening it, that a database has been written to.
package struct DatabaseStamp: Hashable, Sendable {
    fileprivate struct File: Hashable, Sendable {
        var device: UInt64
        var inode: UInt64
        var size: Int64
        var modified: Int64
    }

    /// The database and its log; `nil` where one is not there.
    private var files: [File?]
    /// Whether whatever is written from now on changes it: a file's time is only as fine as the kernel's ticks, so two
    /// writes within one may look like a single one.
    package let isSettled: Bool

    /// Longer than a tick of any kernel (10 ms) and of file systems that keep their times in memory, in nanoseconds.
    private static let longestTick: Int64 = 100_000_000

    package init(_ directory: StateDirectory) {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        files = ["", "-wal"].map { File(directory.database + $0) }
        let time = now.nanoseconds
        // A time that lies ahead comes from a clock that has been set back since, and says nothing.
        isSettled = files.allSatisfy { file in file.map { $0.modified < time - Self.longestTick } ?? true }
    }
}

extension DatabaseStamp.File {
    fileprivate init?(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        size = Int64(status.st_size)
        modified = status.st_mtim.nanoseconds
    }
}

extension timespec {
    fileprivate var nanoseconds: Int64 { Int64(tv_sec) * 1_000_000_000 + Int64(tv_nsec) }
}
