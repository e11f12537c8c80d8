internal import Glibc

extension ProcFS {
    /// The longest command line that is read, in bytes: it is only shown to people.
    private static let longestCommandLine = 64 * 1024
    /// The longest environment that is read, in bytes: the kernel allows arguments and environment 6 MiB together.
    private static let longestEnvironment = 8 * 1024 * 1024
    /// A UUID and a newline, with room to spare.
    private static let longestBootID = 64

    /// The arguments of a process, the command first. Where it has none (a zombie, a kernel thread, one that wiped
    /// them), the name of its program alone.
    package static func commandLine(_ pid: Int32) throws(ProcFSError) -> [String] {
        var reader = ProcReader()
        try reader.read("/proc/\(pid)/cmdline", limit: longestCommandLine)
        var arguments = reader.bytes.split(separator: 0, omittingEmptySubsequences: false)
        // The last argument, too, ends with a NUL; `setproctitle` pads with more of them.
        while arguments.last?.isEmpty == true { arguments.removeLast() }
        guard arguments.isEmpty else { return arguments.map { String(decoding: $0, as: UTF8.self) } }
        return [try stat(pid).comm]
    }

    /// Whether a process was started with `NAME=value` in its environment. That it was not proves nothing:
    /// `setproctitle` overwrites the place where the kernel looks.
    package static func environmentContains(_ pid: Int32, _ assignment: String) throws(ProcFSError) -> Bool {
        var reader = ProcReader(capacity: 16 * 1024)
        try reader.read("/proc/\(pid)/environ", limit: longestEnvironment)
        let wanted = Array(assignment.utf8)
        return reader.bytes.split(separator: 0).contains { $0.elementsEqual(wanted) }
    }

    /// The name of this boot of the host, a UUID: pids and start ticks mean nothing beyond it.
    package static func bootID() throws(ProcFSError) -> String {
        var reader = ProcReader(capacity: longestBootID)
        try reader.read("/proc/sys/kernel/random/boot_id", limit: longestBootID)
        let id = reader.bytes.prefix { $0 != UInt8(ascii: "\n") }
        if id.isEmpty { throw .malformed }
        return String(decoding: id, as: UTF8.self)
    }

    /// The inode that names the pid namespace of a process.
    package static func pidNamespace(of pid: Int32) throws(ProcFSError) -> UInt64 {
        var info = Glibc.stat()
        guard fstatat(AT_FDCWD, "/proc/\(pid)/ns/pid", &info, 0) == 0 else { throw ProcFSError(errno: errno) }
        return UInt64(info.st_ino)
    }

    /// The memory of a process that lies in RAM, in bytes, shared pages included.
    package static func residentMemory(of pid: Int32) throws(ProcFSError) -> UInt64 {
        var reader = ProcReader()
        try reader.read("/proc/\(pid)/statm")
        let fields = reader.bytes.split(separator: UInt8(ascii: " "))
        guard fields.count > 1, let pages = UInt64(decimal: fields[1]) else { throw .malformed }
        return pages * UInt64(sysconf(Int32(_SC_PAGESIZE)))
    }
}
