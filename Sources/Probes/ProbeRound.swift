internal import ModelCore
internal import NIOCore
internal import Reconciler

/// One probe of one target, once its addresses are known.
struct ProbeRound: Sendable {
    let target: ProbeTarget
    let addresses: [HostAddress]
    let deadline: NIODeadline
    let eventLoop: any EventLoop

    var proof: ListenerProof { ListenerProof(port: target.port, treeRoot: treeRoot) }

    private var treeRoot: Int32? {
        switch target.owner {
        case .tree(let root): root
        case .container: nil
        }
    }

    /// The first address at which our tree listens.
    func ownAddress() async -> HostAddress? {
        await examine(addresses)?.first { $0.owner == .ours }?.address
    }

    func verdict() async -> ProbeVerdict {
        if target.readiness.probe?.effectiveOwner == .any { return await verdictOfAnyone() }
        if case .container(let process, let port) = target.owner {
            return await verdict(on: ContainerProof(process: process, port: port))
        }
        guard var sightings = await examine(addresses) else { return Self.cancelled }
        if sightings.allSatisfy({ $0.owner == .nobody }) {
            guard await answersThoughNobodyListens() else { return nobodyListens }
            // It may have begun to listen just now.
            guard let again = await examine(addresses) else { return Self.cancelled }
            sightings = again
            if sightings.allSatisfy({ $0.owner == .nobody }) {
                return .unprovable(
                    reason: "something answers on port \(target.port) from outside of this network namespace. "
                        + ListenerProof.wayOut)
            }
        }
        let ours = Self.distinct(sightings.filter { $0.owner == .ours })
        if ours.isEmpty { return Self.worst(sightings) ?? nobodyListens }
        return await ask(ours)
    }

    /// Whoever answers will do. Where something listens, what does not is spared.
    private func verdictOfAnyone() async -> ProbeVerdict {
        guard
            let listening = await Blocking.run({ [proof, addresses] in
                (try? proof.listening(at: addresses)) ?? [:]
            })
        else { return Self.cancelled }
        let sightings = addresses.map { Sighting(address: $0, sockets: listening[$0] ?? [], owner: .ours) }
        let answering = Self.distinct(sightings.filter { !$0.sockets.isEmpty })
        return await ask(answering.isEmpty ? sightings : answering)
    }

    static let cancelled = ProbeVerdict.failed(reason: "the probe was cancelled")
    private var nobodyListens: ProbeVerdict { .failed(reason: "nothing listens on \(target.host):\(target.port)") }

    func examine(_ addresses: [HostAddress]) async -> [Sighting]? {
        await Blocking.run { [proof] in proof.examine(addresses) }
    }

    /// One address for each set of sockets: the same sockets would give the same answer again.
    private static func distinct(_ sightings: [Sighting]) -> [Sighting] {
        var seen: Set<Set<UInt64>> = []
        return sightings.filter { seen.insert($0.sockets).inserted }
    }

    private static func worst(_ sightings: [Sighting]) -> ProbeVerdict? {
        sightings.lazy.compactMap { ProbeVerdict($0.owner) }.min { $0.rank < $1.rank }
    }
}

extension ProbeVerdict {
    /// Which of several verdicts on the addresses of a host stands for all of them: the lowest.
    var rank: Int {
        switch self {
        case .ready: 0
        case .answered: 1
        case .timedOut: 2
        case .stranger: 3
        case .unprovable: 4
        case .unreachable: 5
        case .failed: 6
        }
    }

    /// What an owner alone says, before anything is asked.
    init?(_ owner: Owner) {
        switch owner {
        case .ours, .nobody: return nil
        case .stranger(let reason): self = .stranger(reason: reason)
        case .unprovable(let reason): self = .unprovable(reason: reason)
        }
    }
}
