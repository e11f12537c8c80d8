internal import Glibc

/// A small file of the state, readable by its owner only, and never inherited by a program that is started.
struct OwnedFile: ~Copyable {
    let descriptor: Int32
    let path: String

    /// More than any file that is read through this has.
    private static let largest = 64 * 1024

    init(opening path: String, _ flags: Int32, action: String) throws(StateDirectoryError) {
        descriptor = open(path, flags | O_CLOEXEC, 0o600)
        self.path = path
        guard descriptor >= 0 else { throw StateDirectoryError(action, path, errno) }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Everything in the file, or its first ``largest`` bytes.
    func contents() throws(StateDirectoryError) -> String {
        var bytes = [UInt8](repeating: 0, count: Self.largest)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        guard count >= 0 else { throw StateDirectoryError("read", path, errno) }
        return String(decoding: bytes[..<count], as: UTF8.self)
    }

    /// Replaces what is in the file, and waits until the disk has it.
    func replaceContents(_ text: String) throws(StateDirectoryError) {
        let bytes = Array(text.utf8)
        guard pwrite(descriptor, bytes, bytes.count, 0) == bytes.count else {
            throw StateDirectoryError("write", path, errno)
        }
        guard ftruncate(descriptor, off_t(bytes.count)) == 0, fsync(descriptor) == 0 else {
            throw StateDirectoryError("write", path, errno)
        }
    }

    /// Makes a whole file at `path`, or leaves what was there: never half of it, whenever the power fails. A rename
    /// that the disk has not yet seen is done again at the next start.
    static func write(_ text: String, to path: String) throws(StateDirectoryError) {
        let draft = path + ".new"
        try OwnedFile(opening: draft, O_WRONLY | O_CREAT | O_TRUNC, action: "create").replaceContents(text)
        guard rename(draft, path) == 0 else { throw StateDirectoryError("create", path, errno) }
    }
}
