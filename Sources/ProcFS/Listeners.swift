internal import Glibc

/// A TCP socket that listens in our network namespace.
package struct Listener: Hashable, Sendable {
    package enum Family: Hashable, Sendable {
        case v4
        case v6
    }

    package var family: Family
    /// The address it is bound to in network order, 4 or 16 bytes; all zero: every address.
    package var address: [UInt8]
    /// What `/proc/PID/fd` of its holders shows as `socket:[inode]`.
    package var inode: UInt64
}

extension ProcFS {
    /// The TCP sockets that listen on `port`, on any address, in our network namespace.
    package static func listeners(onPort port: Int) throws(ProcFSError) -> [Listener] {
        guard let number = UInt16(exactly: port) else { return [] }
        do throws(ProcFSError) {
            var diagnosis = try SocketDiagnosis()
            let found = try diagnosis.listeners(onPort: number, family: .v4)
            return found + (try diagnosis.listeners(onPort: number, family: .v6))
        } catch {
            // The kernel may lack the module, or a sandbox may forbid netlink.
            return try tabulatedListeners(onPort: port)
        }
    }

    /// As ``listeners(onPort:)``, from the tables in `/proc/net`, which every kernel has.
    package static func tabulatedListeners(onPort port: Int) throws(ProcFSError) -> [Listener] {
        try tabulatedListeners(in: "/proc/self/net")[port] ?? []
    }

    /// The TCP sockets that listen in the network namespace of a process, by the port on which they do. Takes some
    /// 10 ms, however few they are.
    ///
    /// `.gone` where it has ended, or where its folder in `/proc` is hidden from us. Any user may read this of any
    /// process that is not hidden.
    package static func listeners(inNamespaceOf pid: Int32) throws(ProcFSError) -> [Int: [Listener]] {
        try tabulatedListeners(in: "/proc/\(pid)/net")
    }

    private static func tabulatedListeners(in folder: String) throws(ProcFSError) -> [Int: [Listener]] {
        var found = try listeners(folder + "/tcp", .v4)
        do throws(ProcFSError) {
            found.merge(try listeners(folder + "/tcp6", .v6), uniquingKeysWith: +)
        } catch .gone {
            // A kernel without IPv6.
        }
        return found
    }

    /// How much of a table is read at a time, in bytes: some 400 lines.
    private static let chunk = 64 * 1024

    private static func listeners(
        _ path: String, _ family: Listener.Family
    ) throws(ProcFSError) -> [Int: [Listener]] {
        let descriptor = try openForReading(path)
        defer { close(descriptor) }
        var table = ListenerTable(family)
        var buffer = [UInt8](repeating: 0, count: chunk)
        while !table.isComplete {
            let got = try readSome(descriptor, into: &buffer, from: 0)
            if got == 0 { break }
            try table.read(buffer[..<got])
        }
        return table.listeners
    }
}
