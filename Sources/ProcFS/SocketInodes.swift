internal import Glibc

extension ProcFS {
    /// The inodes of the sockets that a process holds.
    ///
    /// `.unreadable` where its descriptors are not shown to us: it belongs to another user.
    /// - Parameter wanted: look only for these, and no longer than until all are found.
    package static func socketInodes(
        of pid: Int32, among wanted: Set<UInt64>? = nil
    ) throws(ProcFSError) -> Set<UInt64> {
        let folder = "/proc/\(pid)/fd"
        var found: Set<UInt64> = []
        // The text of a link that matters: `socket:[` and at most 20 digits.
        var target = [UInt8](repeating: 0, count: 64)
        try forEachEntry(of: folder) { name in
            let length = readlink("\(folder)/\(name)", &target)
            guard length > 0, let inode = socketInode(target[0..<length]) else { return true }
            if let wanted, !wanted.contains(inode) { return true }
            found.insert(inode)
            return found.count != wanted?.count
        }
        return found
    }

    private static func readlink(_ path: String, _ target: inout [UInt8]) -> Int {
        target.withUnsafeMutableBytes { bytes in
            guard let start = bytes.baseAddress?.assumingMemoryBound(to: CChar.self) else { return -1 }
            return Glibc.readlink(path, start, bytes.count)
        }
    }

    private static func socketInode(_ link: ArraySlice<UInt8>) -> UInt64? {
        let prefix = "socket:[".utf8
        guard link.starts(with: prefix), link.last == UInt8(ascii: "]") else { return nil }
        return UInt64(decimal: link.dropFirst(prefix.count).dropLast())
    }
}
