import Glibc
import StateStore
import TestSupport

/// A small disk of a test's own, unmounted when the last reference to it goes. Mounting takes root.
final class Mount: Sendable {
    private let parent: TemporaryDirectory
    let path: String

    /// Whether this process may mount at all, found out by doing it.
    static let isPermitted = (try? Mount(bytes: 1 << 20)) != nil
    static let whyNot = "mounting a small disk was refused: run these tests as root"

    init(bytes: Int) throws {
        parent = try TemporaryDirectory()
        path = parent.path("disk")
        guard mkdir(path, 0o700) == 0, mount("tmpfs", path, "tmpfs", 0, "size=\(bytes)") == 0 else {
            throw BrokenPromise(description: "cannot mount: \(String(cString: strerror(errno)))")
        }
    }

    var state: StateDirectory { StateDirectory(path + "/state") }

    func makeReadOnly() throws {
        guard mount(nil, path, nil, UInt(MS_REMOUNT | MS_RDONLY), nil) == 0 else {
            throw BrokenPromise(description: "cannot remount: \(String(cString: strerror(errno)))")
        }
    }

    /// Takes all the room that is left. Returns the file that takes it.
    func fill() throws -> String {
        let filler = path + "/filler"
        let descriptor = open(filler, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw BrokenPromise(description: "cannot create \(filler)") }
        defer { close(descriptor) }
        let page = [UInt8](repeating: 1, count: 4096)
        while write(descriptor, page, page.count) > 0 {}
        guard errno == ENOSPC else { throw BrokenPromise(description: "cannot fill the disk: \(errno)") }
        return filler
    }

    deinit {
        if umount2(path, Int32(MNT_DETACH)) != 0, errno != EINVAL {
            print("warning: \(path) is still mounted: \(String(cString: strerror(errno)))")
        }
    }
}
