internal import GRDB
internal import ModelCore
internal import Reconciler

extension Journal {
    /// Records a change of a live instance.
    func record(_ change: StateChange, of before: InstanceRecord) throws {
        var after = before
        after.apply(change, at: now)
        guard after != before else { return }
        if before.isRouted, !after.isRouted { try removeRoute(to: after) }
        try operate(change, from: before, to: after)
        try after.save(in: db)
        if after.isRouted, !before.isRouted { try makeRoute(to: after) }
        try remember(change, from: before, to: after)
        try event(change.word(for: after), of: after.key, instance: after.id, change.sentence(from: before, to: after))
    }

    /// A route is to one instance: the route to another one of the model is replaced, as the gateway replaces it.
    private func makeRoute(to instance: InstanceRecord) throws {
        try db.execute(sql: "DELETE FROM route WHERE key = ?", arguments: [instance.key.description])
        try db.execute(
            sql: "INSERT INTO route (key, instance_id, since) VALUES (?, ?, ?)",
            arguments: [instance.key.description, instance.id.text, now.milliseconds])
    }

    private func removeRoute(to instance: InstanceRecord) throws {
        try db.execute(sql: "DELETE FROM route WHERE instance_id = ?", arguments: [instance.id.text])
    }

    private func operate(_ change: StateChange, from before: InstanceRecord, to after: InstanceRecord) throws {
        switch change {
        case .ready where before.readyAt == nil:
            try closeOperation(of: after, isReady: true)
        case .routed:
            try did(.switch, of: after.key, instance: after.id, cause: "instance is ready")
        case .draining(_, let cause) where after.phase == .draining,
            .unloading(_, let cause, _, _) where after.phase == .draining:
            try closeOperation(of: after)
            try open(.drain, of: after, cause: cause)
        case .stopping(_, let cause) where after.phase == .stopping,
            .givenUp(_, let cause, _, _) where after.phase == .stopping:
            try closeOperation(of: after, message: before.readyAt == nil ? cause : nil)
            try open(.stop, of: after, cause: cause)
        case .exited(_, let exit, _, _):
            try closeOperation(of: after, message: exit.message)
        case .adopted:
            try did(.adopt, of: after.key, instance: after.id, cause: "found running")
        default:
            break
        }
    }

    /// Hands on to the model what outlives the instance.
    private func remember(_ change: StateChange, from before: InstanceRecord, to after: InstanceRecord) throws {
        guard var model = try ModelRecord.one(after.key, in: db) else { return }
        switch change {
        case .ready where before.readyAt == nil:
            if let load = after.loadTime { model.loads = LoadTimes.after(load, previous: model.loads) }
            try model.save(in: db)
        case .unloading(_, _, let ending, let backoff):
            if let backoff {
                model.backoff = backoff
                try model.save(in: db)
            }
            try end(ending, of: model)
        case .givenUp(_, _, let backoff, let ending):
            model.backoff = backoff
            try model.save(in: db)
            try end(ending, of: model)
        case .exited(_, _, let backoff, let endsDemand):
            if endsDemand { model.lastExitAt = max(model.lastExitAt ?? now, now) }
            model.backoff = backoff ?? model.backoff
            model.setDrift(to: nil)
            try model.save(in: db)
            try pruneEnded(of: after.key)
        default:
            break
        }
    }

    /// Ends a demand that has been answered; one that came later stays.
    private func end(_ demand: Demand, of model: ModelRecord) throws {
        guard demand != .none, model.demand == demand else { return }
        try record(.demand(model.key, .none), of: model)
    }

    /// How many instances of each model are kept once they have ended.
    static let keptInstances = 20

    private func pruneEnded(of key: ModelKey) throws {
        try db.execute(
            sql: """
                DELETE FROM instance WHERE key = ? AND phase IN ('exited', 'lost') AND seq <= (
                    SELECT seq FROM instance WHERE key = ? AND phase IN ('exited', 'lost')
                    ORDER BY seq DESC LIMIT 1 OFFSET ?)
                """,
            arguments: [key.description, key.description, Self.keptInstances])
    }
}
