internal import Glibc

/// The folder that belongs to this instance alone: lock, logs and reports.
struct RunFolder {
    let path: String
    private let descriptor: Int32

    init(path: String) throws(ShimError) {
        self.path = path
        descriptor = try check("open \(path)") { open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    }

    /// Takes `shim.lock` for as long as this process lives.
    ///
    /// A POSIX record lock: a forked child does not share it, and `F_GETLK` tells others the pid of its holder. It
    /// would be lost if this process closed any descriptor of the file, so the one opened here stays open.
    func lock() throws(ShimError) {
        let file = try create("shim.lock", O_RDWR)
        var lock = Glibc.flock()
        lock.l_type = Int16(F_WRLCK)
        lock.l_whence = Int16(SEEK_SET)
        try check("lock shim.lock") { fcntl(file, F_SETLK, &lock) }
    }

    /// Opens or creates a file, close-on-exec.
    func create(_ name: String, _ flags: Int32) throws(ShimError) -> Int32 {
        try check("open \(path)/\(name)") { openat(descriptor, name, flags | O_CREAT | O_CLOEXEC, 0o640) }
    }

    func rename(_ old: String, to new: String) throws(ShimError) {
        try check("rename \(path)/\(old)") { renameat(descriptor, old, descriptor, new) }
    }

    /// Writes a file that others see whole or not at all.
    func write(_ text: String, to name: String) throws(ShimError) {
        let file = try create(name + ".new", O_WRONLY | O_TRUNC)
        defer { close(file) }
        try writeAll(text, file)
        try rename(name + ".new", to: name)
    }

    /// Makes renames last through a power cut.
    func synchronize() throws(ShimError) {
        try check("fsync \(path)") { fsync(descriptor) }
    }
}

func writeAll(_ text: String, _ descriptor: Int32) throws(ShimError) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
        let written = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        if written < 0 && errno == EINTR { continue }
        if written < 0 { throw .system("write", errno: errno) }
        rest = rest.dropFirst(written)
    }
}
