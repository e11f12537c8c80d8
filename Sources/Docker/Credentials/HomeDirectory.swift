internal import Glibc

/// The home directory of the user that this process runs as, by the system's list of users: what is to be taken where
/// `HOME` is not set, as in a service of systemd's. `nil` where the list has none.
func homeDirectory() -> String? {
    var entry = passwd()
    var found: UnsafeMutablePointer<passwd>?
    var buffer = [CChar](repeating: 0, count: 16 * 1024)
    return buffer.withUnsafeMutableBufferPointer { buffer in
        guard let memory = buffer.baseAddress,
            getpwuid_r(geteuid(), &entry, memory, buffer.count, &found) == 0, found != nil,
            let directory = entry.pw_dir
        else { return nil }
        return String(cString: directory)
    }
}
