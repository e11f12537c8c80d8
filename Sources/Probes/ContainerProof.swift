internal import Glibc
internal import ProcFS

/// What listens in a container.
enum ContainerStanding: Hashable, Sendable {
    /// Something that the engine's port proxy can reach.
    case listens
    /// Nothing on that port, nor on any other that could be reached.
    case nothing
    /// Something, but not where requests arrive. What, and what to do, as a sentence.
    case unreachable(String)
    /// The process has ended, and the container with it.
    case ended
    case unprovable(String)
}

/// Finds out whether the port of a container that is published is listened on where it counts: in the network
/// namespace of the container. Every call blocks while it reads `/proc`.
struct ContainerProof: Sendable {
    /// The first process of the container, as we number processes.
    var process: Int32
    var port: Int

    func examine() -> ContainerStanding {
        do throws(ProcFSError) {
            return Self.standing(try ProcFS.listeners(inNamespaceOf: process), port: port)
        } catch {
            return Self.standing(error, isHidden: isHidden)
        }
    }

    /// Names the process among all that ever bore its pid. `nil` where it is gone.
    func startTicks() -> UInt64? {
        guard let stat = try? ProcFS.stat(process), !stat.isZombie else { return nil }
        return stat.startTicks
    }

    // MARK: - Judging what was read

    static func standing(_ listeners: [Int: [Listener]], port: Int) -> ContainerStanding {
        let asked = listeners[port] ?? []
        if !asked.allSatisfy(\.isOnLoopback) { return .listens }
        guard asked.isEmpty else {
            let addresses = Set(asked.map { HostAddress(family: $0.family, bytes: $0.address).text }).sorted()
            return .unreachable(
                "the server in the container listens on \(addresses.joined(separator: " and ")) alone, the container's "
                    + "own loopback, which no published port reaches: it must listen on 0.0.0.0")
        }
        let others = listeners.filter { !$0.value.allSatisfy(\.isOnLoopback) }.keys.sorted()
        guard !others.isEmpty else { return .nothing }
        return .unreachable(
            "nothing listens on port \(port) in the container, but something does on \(Self.list(others)): "
                + "`container_port` must be the port that the server listens on")
    }

    static func standing(_ error: ProcFSError, isHidden: Bool) -> ContainerStanding {
        switch error {
        case .gone where !isHidden: .ended
        case .gone:
            .unprovable("it cannot be seen what listens in the container: /proc hides its processes. \(wayOut)")
        case .unreadable(let code):
            .unprovable(
                "it cannot be read what listens in the container: \(String(cString: strerror(code))). \(wayOut)")
        }
    }

    private static var wayOut: String { ListenerProof.wayOut }

    /// How many ports are named.
    private static let mostNamed = 5

    private static func list(_ ports: [Int]) -> String {
        ports.prefix(mostNamed).map(String.init).joined(separator: ", ") + (ports.count > mostNamed ? ", …" : "")
    }

    /// Whether it exists although `/proc` does not show it (`hidepid`).
    private var isHidden: Bool {
        guard kill(process, 0) != 0, errno == EPERM, case .failure(.gone) = visibility else { return false }
        return true
    }

    private var visibility: Result<ProcStat, ProcFSError> {
        Result { () throws(ProcFSError) in try ProcFS.stat(process) }
    }
}

extension Listener {
    /// Whether only the host (or container) that it is on can reach it.
    fileprivate var isOnLoopback: Bool {
        switch family {
        case .v4: return address.first == 127
        case .v6:
            let mapped = [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF, 127]
            return address == HostAddress.loopbackV6.bytes || address.starts(with: mapped)
        }
    }
}
