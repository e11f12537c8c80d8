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
        var found = try listeners(onPort: port, table: "/proc/self/net/tcp", family: .v4)
        do throws(ProcFSError) {
            found += try listeners(onPort: port, table: "/proc/self/net/tcp6", family: .v6)
        } catch .gone {
            // A kernel without IPv6.
        }
        return found
    }

    /// The columns of a line that matter, and their meaning in Documentation/networking/proc_net_tcp.rst.
    private enum Column {
        static let local = 1
        static let state = 3
        static let inode = 9
    }
    private static let listening = UInt8(ascii: "A")
    /// How much of a table is read at a time, in bytes: some 400 lines.
    private static let chunk = 64 * 1024

    private static func listeners(
        onPort port: Int, table: String, family: Listener.Family
    ) throws(ProcFSError) -> [Listener] {
        let descriptor = try openForReading(table)
        defer { close(descriptor) }
        var found: [Listener] = []
        var buffer = [UInt8](repeating: 0, count: chunk)
        var filled = 0
        while true {
            let got = try readSome(descriptor, into: &buffer, from: filled)
            filled += got
            var rest = buffer[0..<filled]
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                let columns = rest[..<end].split(separator: UInt8(ascii: " "), maxSplits: Column.inode + 1)
                rest = rest[(end + 1)...]
                guard columns.count > Column.inode, columns[0].last == UInt8(ascii: ":") else { continue }
                // 0A; from the first other state on there are only connections.
                guard columns[Column.state].last == listening else { return found }
                if let listener = listener(columns, port: port, family: family) { found.append(listener) }
            }
            let left = Array(rest)
            if got == 0 || left.count == chunk { return found }
            buffer.replaceSubrange(0..<left.count, with: left)
            filled = left.count
        }
    }

    private static func listener(
        _ columns: [ArraySlice<UInt8>], port: Int, family: Listener.Family
    ) -> Listener? {
        let local = columns[Column.local].split(separator: UInt8(ascii: ":"))
        guard local.count == 2, UInt16(String(decoding: local[1], as: UTF8.self), radix: 16).map(Int.init) == port,
            let inode = UInt64(decimal: columns[Column.inode]), let address = address(local[0])
        else { return nil }
        return Listener(family: family, address: address, inode: inode)
    }

    /// The kernel prints an address as words of 32 bits in its own byte order; the bytes in memory are the address.
    private static func address(_ hexadecimal: ArraySlice<UInt8>) -> [UInt8]? {
        guard hexadecimal.count == 8 || hexadecimal.count == 32 else { return nil }
        var bytes: [UInt8] = []
        for start in stride(from: hexadecimal.startIndex, to: hexadecimal.endIndex, by: 8) {
            let digits = String(decoding: hexadecimal[start..<(start + 8)], as: UTF8.self)
            guard let word = UInt32(digits, radix: 16) else { return nil }
            withUnsafeBytes(of: word) { bytes.append(contentsOf: $0) }
        }
        return bytes
    }
}
