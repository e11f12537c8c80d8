internal import ModelCore
internal import Reconciler

extension InstanceRecord {
    /// How long its load took, never less than nothing where the clock was set back meanwhile.
    var loadTime: Seconds? {
        guard let startedAt, let readyAt else { return nil }
        return max(.zero, readyAt - startedAt)
    }
}

extension StateChange {
    /// The kind of the event that tells of it.
    func word(for after: InstanceRecord) -> String {
        switch self {
        case .gated: "gated"
        case .released: "starting"
        case .server: "server"
        case .ready: "ready"
        case .unready: "unready"
        case .routed: "routed"
        case .unrouted: "unrouted"
        case .draining, .unloading: "draining"
        case .stopping, .givenUp: "stopping"
        case .exited: after.phase.rawValue
        case .unknown: "unknown"
        case .adopted: "adopted"
        case .forgotten: "forgotten"
        case .demand, .hold, .backoff, .loadFailed, .restorationFailed, .load, .unload, .measured, .noted, .restart,
            .waiting, .removed,
            .pulling, .pulled, .drifted, .newImage, .swept:
            ""
        }
    }

    /// What the event says.
    func sentence(from before: InstanceRecord, to after: InstanceRecord) -> String {
        switch self {
        case .gated(_, let prepared):
            prepared.shim.map { "shim has pid \($0.pid)" } ?? "container \(prepared.containerID ?? "") is created"
        case .released: "let go"
        case .server(_, let server): "server has pid \(server.pid)"
        case .ready(_, let address):
            if before.readyAt == nil, let loadTime = after.loadTime {
                "answers at \(address), port \(after.port), after \(loadTime)"
            } else {
                "answers at \(address), port \(after.port)"
            }
        case .unready(_, let reason), .unrouted(_, let reason), .unknown(_, let reason): reason
        case .routed: "predictions go to it"
        case .draining(_, let cause), .stopping(_, let cause), .unloading(_, let cause, _, _),
            .givenUp(_, let cause, _, _):
            cause
        case .exited(_, let exit, _, _): exit.message
        case .adopted: "found running"
        case .forgotten(_, let by): "forgotten by \(by); it was unknown: \(before.unknownReason ?? "")"
        case .demand, .hold, .backoff, .loadFailed, .restorationFailed, .load, .unload, .measured, .noted, .restart,
            .waiting, .removed,
            .pulling, .pulled, .drifted, .newImage, .swept:
            ""
        }
    }
}
