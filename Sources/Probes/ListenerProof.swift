internal import ProcFS

/// Who listens at an address, as far as `/proc` can tell.
enum Owner: Hashable, Sendable {
    case nobody
    /// Only processes of our tree.
    case ours
    case stranger(String)
    case unprovable(String)
}

/// What was found at one address.
struct Sighting: Hashable, Sendable {
    var address: HostAddress
    /// The sockets of which any may answer a connection to the address.
    var sockets: Set<UInt64>
    var owner: Owner
}

/// Finds out whose socket answers on a port. Every call blocks while it reads `/proc`.
struct ListenerProof: Sendable {
    var port: Int
    /// The root of the tree that must own the socket; `nil`: it is not known, and nothing can be proved.
    var treeRoot: Int32?

    /// The sockets that answer at each address. Costs one question to the kernel.
    func listening(at addresses: [HostAddress]) throws(ProcFSError) -> [HostAddress: Set<UInt64>] {
        let listeners = try ProcFS.listeners(onPort: port)
        guard !listeners.isEmpty else { return [:] }
        return Dictionary(addresses.map { ($0, Self.sockets(of: listeners, answeringAt: $0)) }) { first, _ in first }
    }

    /// Who listens at each address. Looks at processes only where something does.
    func examine(_ addresses: [HostAddress]) -> [Sighting] {
        let listening: [HostAddress: Set<UInt64>]
        do throws(ProcFSError) {
            listening = try self.listening(at: addresses)
        } catch {
            let owner = Owner.unprovable("listening sockets cannot be read: \(error). \(Self.wayOut)")
            return addresses.map { Sighting(address: $0, sockets: [], owner: owner) }
        }
        var verdicts: [Set<UInt64>: Owner] = [[]: .nobody]
        return addresses.map { address in
            let sockets = listening[address] ?? []
            let owner = verdicts[sockets] ?? owner(of: sockets, at: address)
            verdicts[sockets] = owner
            return Sighting(address: address, sockets: sockets, owner: owner)
        }
    }

    /// The sockets that the kernel chooses from for a connection to `address`: those bound to exactly it, else those
    /// bound to every address of its family, else (for IPv4) to every IPv6 address, which may take IPv4 as well.
    static func sockets(of listeners: [Listener], answeringAt address: HostAddress) -> Set<UInt64> {
        let mapped = [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF] + address.bytes
        let exact = listeners.filter {
            ($0.family == address.family && $0.address == address.bytes)
                || (address.family == .v4 && $0.family == .v6 && $0.address == mapped)
        }
        if !exact.isEmpty { return Set(exact.map(\.inode)) }
        let everywhere = listeners.filter { $0.address.allSatisfy { $0 == 0 } }
        let sameFamily = everywhere.filter { $0.family == address.family }
        if !sameFamily.isEmpty { return Set(sameFamily.map(\.inode)) }
        return address.family == .v4 ? Set(everywhere.map(\.inode)) : []
    }

    static let wayOut = "`readiness: {owner: any}` takes whoever answers"

    private func owner(of sockets: Set<UInt64>, at address: HostAddress) -> Owner {
        guard let treeRoot else {
            return .unprovable("the process tree that should listen on port \(port) is not known. \(Self.wayOut)")
        }
        guard let processes = try? ProcFS.processes() else {
            return .unprovable("/proc cannot be read. \(Self.wayOut)")
        }
        let tree = Set([treeRoot] + ProcFS.descendants(of: treeRoot, among: processes).map(\.pid))
        var missing = sockets
        for pid in tree where !missing.isEmpty {
            if let held = try? ProcFS.socketInodes(of: pid, among: missing) { missing.subtract(held) }
        }
        if missing.isEmpty { return .ours }
        return holder(of: missing, among: processes.filter { !tree.contains($0.pid) })
    }

    /// Names the process outside of our tree that listens.
    private func holder(of sockets: Set<UInt64>, among others: [ProcStat]) -> Owner {
        var hidden = false
        for process in others where !process.isZombie {
            do throws(ProcFSError) {
                guard try !ProcFS.socketInodes(of: process.pid, among: sockets).isEmpty else { continue }
                return verdict(on: process)
            } catch {
                hidden = hidden || error != .gone
            }
        }
        let why = hidden ? "another user's process may hold it" : "no process that we see holds it"
        return .unprovable("it cannot be told who listens on port \(port): \(why). \(Self.wayOut)")
    }

    /// A port proxy, and a process in a container, may well stand in for what our tree started (`docker run`): that
    /// is nothing that `/proc` could prove or disprove.
    private func verdict(on process: ProcStat) -> Owner {
        let who = "pid \(process.pid) (\(Self.command(of: process)))"
        if Self.proxies.contains(process.comm) || isContained(process.pid) {
            return .unprovable("port \(port) is held for a container by \(who). \(Self.wayOut)")
        }
        return .stranger("port \(port) is held by \(who), which this model did not start")
    }

    /// What container engines put in front of published ports, as the kernel cuts the names.
    private static let proxies: Set<String> = ["docker-proxy", "rootlessport", "slirp4netns", "pasta", "conmon"]

    private func isContained(_ pid: Int32) -> Bool {
        guard let treeRoot, let ours = try? ProcFS.pidNamespace(of: treeRoot),
            let theirs = try? ProcFS.pidNamespace(of: pid)
        else { return false }
        return ours != theirs
    }

    /// How much of a command is shown, in characters.
    private static let longestCommand = 120

    private static func command(of process: ProcStat) -> String {
        let words = (try? ProcFS.commandLine(process.pid)) ?? [process.comm]
        let line = String(words.joined(separator: " ").map { $0.isASCII && $0 < " " ? "?" : $0 })
        return line.count > longestCommand ? line.prefix(longestCommand) + "…" : line
    }
}
