internal import Glibc
internal import ProcFS

/// The user that a server runs as, with its groups, looked up while that is still allowed to block.
struct ServerUser {
    let user: UInt32
    let group: UInt32
    let groups: [UInt32]

    /// - Parameter name: a name, or a number.
    init(named name: String) throws(LaunchProblem) {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        // Names, folders and shells of one entry; ERANGE beyond is an error like others.
        var buffer = [CChar](repeating: 0, count: 64 * 1024)
        let failure =
            if let number = UInt32(name) {
                getpwuid_r(number, &entry, &buffer, buffer.count, &found)
            } else {
                getpwnam_r(name, &entry, &buffer, buffer.count, &found)
            }
        guard failure == 0, found != nil else {
            let reason = failure == 0 ? "there is no such user on this host" : systemMessage(failure)
            throw .terminal("user \(name): \(reason)")
        }
        user = entry.pw_uid
        group = entry.pw_gid
        guard geteuid() == 0 || geteuid() == user else {
            throw .terminal("user \(name): only a modelet that runs as root may start programs as another user")
        }
        var list = [gid_t](repeating: 0, count: Self.mostGroups)
        var count = Int32(list.count)
        guard getgrouplist(entry.pw_name, group, &list, &count) >= 0 else {
            throw .terminal("user \(name): is in more than \(Self.mostGroups) groups")
        }
        groups = Array(list.prefix(Int(count)))
    }

    /// A bound for sanity; the kernel allows 65536.
    private static let mostGroups = 1024
}
