internal import ModelCore
internal import Reconciler

/// A container is asked where its port is published on this host, which alone proves nothing: the engine's port proxy
/// accepts, and closes again, before anything listens in the container.
extension ProbeRound {
    func verdict(on container: ContainerProof) async -> ProbeVerdict {
        guard let (start, standing) = await Blocking.run({ (container.startTicks(), container.examine()) }) else {
            return Self.cancelled
        }
        if let verdict = ProbeVerdict(standing, port: container.port) { return verdict }
        let verdict = await ask(addresses.map { Sighting(address: $0, sockets: [], owner: .ours) })
        guard verdict.isAnAnswer else { return verdict }
        return await objection(to: container, startedAt: start) ?? verdict
    }

    /// What is wrong with an answer, if what was to give it has gone meanwhile. `nil`: nothing. A server that listens
    /// anew in the same container is as good as the one before.
    private func objection(to container: ContainerProof, startedAt start: UInt64?) async -> ProbeVerdict? {
        guard let (standing, now) = await Blocking.run({ (container.examine(), container.startTicks()) }) else {
            return Self.cancelled
        }
        // Its pid may be another process's by now, whose listeners say nothing of the container.
        guard start != nil, start == now else { return ProbeVerdict(.ended, port: container.port) }
        if standing == .nothing {
            return .failed(reason: "port \(container.port) in the container answered, but is listened on no longer")
        }
        return ProbeVerdict(standing, port: container.port)
    }
}

extension ProbeVerdict {
    /// What the standing of a container alone says, before anything is asked.
    fileprivate init?(_ standing: ContainerStanding, port: Int) {
        switch standing {
        case .listens: return nil
        case .nothing: self = .failed(reason: "nothing listens on port \(port) in the container")
        case .unreachable(let reason): self = .unreachable(reason: reason)
        case .ended: self = .failed(reason: "the container has ended")
        case .unprovable(let reason): self = .unprovable(reason: reason)
        }
    }

    /// Whether the server itself has said something.
    fileprivate var isAnAnswer: Bool {
        switch self {
        case .ready, .answered: true
        case .failed, .timedOut, .unreachable, .stranger, .unprovable: false
        }
    }
}
