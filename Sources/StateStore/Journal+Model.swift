internal import GRDB
internal import ModelCore
internal import Reconciler

extension Journal {
    /// Records a change of a model.
    func record(_ change: StateChange, of before: ModelRecord) throws {
        if case .removed = change { return try forget(before) }
        var after = before
        after.apply(change, at: now)
        if case .noted(_, let message) = change { return try event("note", of: before.key, message) }
        guard after != before else { return }
        if case .pulling(_, _, let cause, _) = change, before.pull == nil { try openPull(of: before.key, cause: cause) }
        try after.save(in: db)
        if let pull = before.pull, after.pull == nil { try closePull(pull, of: before.key, by: change) }
        if let (kind, message) = change.event(after: after) { try event(kind, of: after.key, message) }
        if after.backoff != before.backoff { try tellOfBlock(after) }
    }

    /// Says that the wanted generation has failed, and what serves on in spite of that.
    func tellOfBlock(_ model: ModelRecord) throws {
        guard model.backoff != nil else { return }
        let instances = try InstanceRecord.live(of: model.key, in: db)
        guard let transition = Transition(of: model, instances: instances) else { return }
        try event("blocked", of: model.key, transition.sentence)
    }

    /// Deletes the model and its instances, which must all have ended; the journal remembers them.
    private func forget(_ model: ModelRecord) throws {
        // Whoever decided this saw a model whose manifest was gone; it may have come back since.
        guard model.isRemoved else { return }
        if model.pull != nil { try record(.pulled(model.key, .failed("the model was removed")), of: model) }
        try db.execute(sql: "DELETE FROM model WHERE key = ?", arguments: [model.key.description])
        try pruneManifestFiles()
        try did(.remove, of: model.key, cause: "removed from its manifest")
        try event("removed", of: model.key, "nothing of it is left")
    }
}

extension ModelRecord {
    fileprivate mutating func apply(_ change: StateChange, at now: Timestamp) {
        switch change {
        case .demand(_, let demand): self.demand = demand
        case .hold(_, let hold): self.hold = hold
        case .backoff(_, let backoff): self.backoff = backoff
        case .loadFailed(_, let failed, let backoff, let ending):
            guard failed == generation else { return }
            self.backoff = backoff
            pull = nil
            if demand == ending { demand = .none }
        case .restorationFailed(_, let failed, let restoration, let ending):
            guard failed == generation else { return }
            if backoff != nil { self.restoration = restoration }
            if demand == ending { demand = .none }
        case .load(_, let by):
            forgetFailures()
            demand = demand(by: by, at: now)
        case .unload(_, let isHeld, let by):
            if isHeld { hold = Hold(since: now, by: by) }
            demand = .none
        case .measured(_, let memory): self.memory = memory
        case .restart:
            beginFreshGeneration()
            forgetFailures()
        case .waiting(_, let reason): waiting = reason
        case .pulling(_, let progress, _, _):
            pull = progress
            waiting = nil
        case .pulled: pull = nil
        case .drifted(_, let image): setDrift(to: image)
        case .newImage(_, let image):
            beginFreshGeneration()
            backoff = nil
            drift = image
            followsDrift = true
        case .gated, .released, .server, .ready, .unready, .routed, .unrouted, .draining, .stopping, .exited,
            .unknown, .adopted, .forgotten, .removed, .unloading, .givenUp, .noted, .swept:
            break
        }
    }
}

extension StateChange {
    /// The kind of the event that tells of a change of a model, and what it says.
    fileprivate func event(after model: ModelRecord) -> (kind: String, message: String)? {
        switch self {
        case .demand(_, .loaded(_, let by)): ("demanded", "demanded by \(by)")
        case .demand(_, .none): ("demanded", "no longer demanded")
        case .hold(_, let hold?): ("held", "unloaded by \(hold.by) until `modelet load`")
        case .hold(_, nil): ("held", EventRecord.AllClear.hold)
        case .backoff(_, let backoff?): ("backoff", backoff.lastFailure.message)
        case .backoff(_, nil): ("backoff", EventRecord.AllClear.backoff)
        case .loadFailed(_, _, let backoff, _), .restorationFailed(_, _, let backoff, _):
            ("backoff", backoff.lastFailure.message)
        case .load(_, let by): ("demanded", "demanded by \(by)")
        case .unload(_, true, let by): ("held", "unloaded by \(by) until `modelet load`")
        case .unload(_, false, let by): ("demanded", "unloaded by \(by)")
        case .restart(_, let by): ("restart", "restart by \(by): generation \(model.generation)")
        case .waiting(_, let reason?): ("waiting", reason)
        case .waiting(_, nil): ("waiting", "waits no longer")
        case .pulling(_, let progress, _, let isNews): isNews ? ("pulling", progress.description) : nil
        case .drifted(_, let image?): ("drift", "its image is now \(image)")
        case .drifted(_, nil): ("drift", EventRecord.AllClear.drift)
        case .newImage(_, let image): ("image", "\(image) is to be run: generation \(model.generation)")
        case .gated, .released, .server, .ready, .unready, .routed, .unrouted, .draining, .stopping, .exited,
            .unknown, .adopted, .forgotten, .removed, .unloading, .givenUp, .measured, .noted, .pulled, .swept:
            nil
        }
    }
}
