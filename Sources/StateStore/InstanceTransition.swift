internal import ModelCore
internal import Reconciler

extension InstanceRecord {
    /// Takes a change over. Whether it is allowed is for the schema to say.
    mutating func apply(_ change: StateChange, at now: Timestamp) {
        switch change {
        case .gated(_, let prepared):
            enter(.gated, at: now)
            shim = prepared.shim
            containerID = prepared.containerID
            engine = engine ?? prepared.engine
        case .released:
            enter(.starting, at: now)
            startedAt = startedAt ?? now
        case .server(_, let process):
            server = process
        case .ready(_, let proved):
            enter(.ready, at: now)
            address = proved
            readyAt = readyAt ?? now
        case .unready:
            enter(.unready, at: now)
        case .routed:
            isRouted = true
        case .unrouted:
            isRouted = false
        case .draining(_, let cause), .unloading(_, let cause, _, _):
            leave(.draining, cause: cause, at: now)
        case .stopping(_, let cause), .givenUp(_, let cause, _, _):
            leave(.stopping, cause: cause, at: now)
        case .exited(_, let record, _, _):
            enter(record.kind == .lost ? .lost : .exited, at: now)
            isRouted = false
            unknownReason = nil
            exit = record
        case .unknown(_, let reason):
            unknownReason = reason
        case .adopted(_, let found, let foundEngine):
            adopted = true
            unknownReason = nil
            server = found ?? server
            engine = engine ?? foundEngine
        case .forgotten(_, let by):
            // It may have been found since the operator looked.
            guard unknownReason != nil else { return }
            apply(.exited(id, .forgotten(by: by, at: now), backoff: nil, endsDemand: false), at: now)
        case .demand, .hold, .backoff, .loadFailed, .restorationFailed, .load, .unload, .measured, .noted, .restart,
            .waiting, .removed,
            .pulling, .pulled, .drifted, .newImage, .swept:
            break
        }
    }

    private mutating func enter(_ next: Phase, at now: Timestamp) {
        guard phase != next else { return }
        phase = next
        phaseSince = now
    }

    /// The first cause of a phase is the one that counts.
    private mutating func leave(_ next: Phase, cause: String, at now: Timestamp) {
        guard phase != next else { return }
        isRouted = false
        stopCause = cause
        // Nothing exists yet that could be stopped, and nothing that could prove its identity: it can only end.
        guard phase != .intent else { return }
        enter(next, at: now)
    }
}
