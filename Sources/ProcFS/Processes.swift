internal import Glibc

/// What the kernel says of processes and sockets, read from `/proc`.
///
/// Every call blocks for as long as it reads: microseconds for one process, a few milliseconds for a scan over all.
/// What a scan returns is no snapshot: processes that come, go or change their parent meanwhile may be missing. Who
/// must prove that nothing is left looks again.
package enum ProcFS {
    package static func stat(_ pid: Int32) throws(ProcFSError) -> ProcStat {
        var reader = ProcReader()
        return try stat(pid, with: &reader)
    }

    private static func stat(_ pid: Int32, with reader: inout ProcReader) throws(ProcFSError) -> ProcStat {
        try reader.read("/proc/\(pid)/stat")
        // A process that ends between open and read leaves an empty file behind on some kernels.
        if reader.bytes.isEmpty { throw .gone }
        guard let stat = ProcStat(line: reader.bytes) else { throw .malformed }
        return stat
    }

    package static func allPIDs() throws(ProcFSError) -> [Int32] {
        var pids: [Int32] = []
        try forEachEntry(of: "/proc") { name in
            if let pid = Int32(name) { pids.append(pid) }
            return true
        }
        return pids
    }

    /// Every process, from one pass. Processes that `/proc` hides from us (`hidepid`) are left out.
    package static func processes() throws(ProcFSError) -> [ProcStat] {
        var reader = ProcReader()
        var found: [ProcStat] = []
        for pid in try allPIDs() {
            if let stat = try? stat(pid, with: &reader) { found.append(stat) }
        }
        // Where a parent ended during the pass, the kernel has given its children to another by now.
        let pids = Set(found.map(\.pid))
        return found.compactMap { process in
            if process.ppid == 0 || pids.contains(process.ppid) { return process }
            return try? stat(process.pid, with: &reader)
        }
    }

    /// The children of `pid`, their children, and so on, parents before children; `pid` itself is not among them.
    /// Zombies are.
    package static func descendants(of pid: Int32) throws(ProcFSError) -> [ProcStat] {
        descendants(of: pid, among: try processes())
    }

    /// As ``descendants(of:)``, from a scan that the caller has made.
    package static func descendants(of pid: Int32, among processes: [ProcStat]) -> [ProcStat] {
        ProcessForest(processes).descendants(of: pid)
    }
}

/// The processes of one scan, as the trees that they are: for whoever asks about many of them.
package struct ProcessForest: Sendable {
    private let children: [Int32: [ProcStat]]
    private let starts: [Int32: UInt64]

    package init(_ processes: [ProcStat]) {
        children = Dictionary(grouping: processes, by: \.ppid)
        starts = Dictionary(processes.map { ($0.pid, $0.startTicks) }) { first, _ in first }
    }

    /// Whether the process was there, and not another one with its number.
    package func contains(_ pid: Int32, startTicks: UInt64) -> Bool { starts[pid] == startTicks }

    /// As ``ProcFS/descendants(of:)``.
    package func descendants(of pid: Int32) -> [ProcStat] {
        var found: [ProcStat] = []
        var seen: Set<Int32> = [pid]
        var parents = [pid]
        while let parent = parents.popLast() {
            // What was read at different moments may name a process as its own ancestor.
            for child in children[parent] ?? [] where seen.insert(child.pid).inserted {
                found.append(child)
                parents.append(child.pid)
            }
        }
        return found
    }
}

/// Calls `body` with the name of each entry of a folder until it returns `false`.
func forEachEntry(of path: String, _ body: (String) -> Bool) throws(ProcFSError) {
    guard let folder = opendir(path) else { throw ProcFSError(errno: errno) }
    defer { closedir(folder) }
    while true {
        errno = 0
        guard let entry = readdir(folder) else {
            if errno != 0 { throw ProcFSError(errno: errno) }
            return
        }
        let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
            pointer.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
        }
        if !body(name) { return }
    }
}
