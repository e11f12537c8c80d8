internal import ProcFS

/// Who listens on a port, as people know it: `pid 123 (python -m http.server)`. Blocks: reads `/proc`.
package func holder(ofPort port: Int, on addresses: [SocketAddress]) -> String {
    let hidden = "a process that is not shown to modelet (another user's, or in another network namespace)"
    guard let listeners = try? ProcFS.listeners(onPort: port) else { return hidden }
    let inodes = Set(listeners.filter { listener in addresses.contains { $0.isTaken(by: listener) } }.map(\.inode))
    for pid in (try? ProcFS.allPIDs()) ?? [] {
        guard let held = try? ProcFS.socketInodes(of: pid, among: inodes), !held.isEmpty else { continue }
        return describe(pid)
    }
    return hidden
}

/// A process as people know it: `pid 123 (python -m http.server)`. Blocks: reads `/proc`.
package func describe(_ pid: Int32) -> String {
    guard let words = try? ProcFS.commandLine(pid) else { return "pid \(pid)" }
    let command = words.joined(separator: " ")
    let longest = 120
    return "pid \(pid) (\(command.count > longest ? command.prefix(longest) + "…" : command))"
}
