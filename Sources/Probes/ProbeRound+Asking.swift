internal import ModelCore
internal import NIOCore
internal import ProcFS
internal import Reconciler

extension ProbeRound {
    /// Asks the addresses in their order: the next one once the last has failed, or has been silent for its share of
    /// the time, while its answer is still waited for.
    func ask(_ candidates: [Sighting]) async -> ProbeVerdict {
        let start = NIODeadline.now()
        let share = Duration(deadline - start) / candidates.count
        return await withTaskGroup(of: ProbeVerdict?.self) { group in
            var best: ProbeVerdict?
            var asked = 0
            var pending = 0
            func askNext() {
                guard asked < candidates.count else { return }
                let candidate = candidates[asked]
                asked += 1
                pending += 1
                group.addTask { await ask(candidate) }
                guard asked < candidates.count else { return }
                let patience = share * asked - Duration(.now() - start)
                group.addTask {
                    try? await Task.sleep(for: patience)
                    return nil
                }
            }
            askNext()
            while let verdict = await group.next() {
                guard let verdict else {
                    askNext()
                    continue
                }
                pending -= 1
                best = [best, verdict].compactMap(\.self).min { $0.rank < $1.rank }
                if case .ready = verdict { break }
                if pending == 0 {
                    if asked == candidates.count { break }
                    askNext()
                }
            }
            group.cancelAll()
            return best ?? Self.cancelled
        }
    }

    private func ask(_ candidate: Sighting) async -> ProbeVerdict {
        let address = candidate.address
        let answer = await ProbeConnection.ask(
            address, port: target.port, request: request, before: deadline, on: eventLoop)
        let verdict: ProbeVerdict
        switch answer {
        case .accepted: verdict = .ready(address: address.text)
        case .status(let status):
            let expected = target.readiness.probe?.effectiveStatus.codes.contains(status) ?? true
            verdict = expected ? .ready(address: address.text) : .answered(status: status, address: address.text)
        case .failed(let what): return .failed(reason: "\(address.endpoint(target.port)) \(what)")
        case .timedOut: return .timedOut(address: address.text)
        }
        return await objection(to: candidate) ?? verdict
    }

    /// What is wrong with an answer from `candidate`, if it has lost its sockets meanwhile. `nil`: nothing.
    private func objection(to candidate: Sighting) async -> ProbeVerdict? {
        // A container is looked at again once its answer is known, whatever the address.
        guard case .tree = target.owner, target.readiness.probe?.effectiveOwner != .any else { return nil }
        let address = candidate.address
        // The number of an open socket is given to no other one: while the same ones listen, the proof holds.
        let sockets = await Blocking.run { [proof] in try? proof.listening(at: [address])[address] ?? [] }
        if sockets == .some(candidate.sockets) { return nil }
        guard let now = await examine([address])?.first else { return Self.cancelled }
        switch now.owner {
        case .ours: return nil
        case .nobody: return .failed(reason: "\(address.endpoint(target.port)) answered, but listens no longer")
        case .stranger, .unprovable: return ProbeVerdict(now.owner)
        }
    }

    /// Whether a connection is accepted on a port where, as far as we see, nothing listens: the kernel may send it
    /// into another network namespace, as container engines tell it to.
    func answersThoughNobodyListens() async -> Bool {
        // A connection to a port of the ephemeral range might be given that port as its own and reach itself, and
        // keep the server from listening at that moment.
        guard await Blocking.run({ [port = target.port] in EphemeralPorts.current().contains(port) }) == false else {
            return false
        }
        for address in addresses {
            let answer = await ProbeConnection.ask(
                address, port: target.port, request: nil, before: deadline, on: eventLoop)
            if answer == .accepted { return true }
        }
        return false
    }
}
