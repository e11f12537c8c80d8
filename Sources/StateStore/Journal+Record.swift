internal import GRDB
internal import ModelCore
internal import Reconciler

extension Journal {
    /// Records one change. One that changes nothing writes nothing.
    func record(_ change: StateChange) throws {
        if let id = change.instance {
            guard let before = try InstanceRecord.one(id, in: db), before.phase.isLive else { return }
            try record(change, of: before)
        } else if let key = change.key {
            guard let before = try ModelRecord.one(key, in: db) else { return }
            try record(change, of: before)
        } else if case .swept(let sentence) = change {
            try event("swept", of: nil, sentence)
        }
    }
}

extension StateChange {
    /// The instance that it is about.
    var instance: InstanceID? {
        switch self {
        case .gated(let id, _), .released(let id), .server(let id, _), .ready(let id, _), .unready(let id, _),
            .routed(let id), .unrouted(let id, _), .draining(let id, _), .stopping(let id, _), .exited(let id, _, _, _),
            .unknown(let id, _), .adopted(let id, _, _), .forgotten(let id, _), .unloading(let id, _, _, _),
            .givenUp(let id, _, _, _):
            id
        case .demand, .hold, .backoff, .loadFailed, .restorationFailed, .load, .unload, .measured, .noted, .restart,
            .waiting, .removed,
            .pulling, .pulled, .drifted, .newImage, .swept:
            nil
        }
    }

    /// The model that it is about, where it is not about an instance.
    var key: ModelKey? {
        switch self {
        case .demand(let key, _), .hold(let key, _), .backoff(let key, _), .restart(let key, _),
            .waiting(let key, _), .removed(let key), .loadFailed(let key, _, _, _),
            .restorationFailed(let key, _, _, _), .load(let key, _),
            .unload(let key, _, _), .measured(let key, _), .noted(let key, _), .pulling(let key, _, _, _),
            .pulled(let key, _), .drifted(let key, _), .newImage(let key, _):
            key
        case .gated, .released, .server, .ready, .unready, .routed, .unrouted, .draining, .stopping, .exited,
            .unknown, .adopted, .forgotten, .unloading, .givenUp, .swept:
            nil
        }
    }
}
