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
        case .forgotten(_, let by):
            try closeOperation(of: after, isCutShort: true, message: after.exit?.message)
            try did(.remove, of: after.key, instance: after.id, cause: "forgotten by \(by)")
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
            try remember(backoff, of: after, &model)
            try end(ending, of: model)
        case .givenUp(_, _, let backoff, let ending):
            let mayBeFelt = model.mayBeFelt(failureOf: after)
            try remember(backoff, of: after, &model)
            if mayBeFelt { try end(ending, of: model) }
        case .exited(_, _, let backoff, let endsDemand):
            let mayBeFelt = backoff == nil || model.mayBeFelt(failureOf: after)
            if endsDemand, mayBeFelt { model.lastExitAt = max(model.lastExitAt ?? now, now) }
            try end(after, of: &model)
            try remember(backoff, of: after, &model)
        case .forgotten:
            try end(after, of: &model)
        default:
            break
        }
    }

    /// What was known of the image of an instance counts no longer than that: unless what has ended was only to take its
    /// place.
    private func end(_ instance: InstanceRecord, of model: inout ModelRecord) throws {
        let hasFormer = try InstanceRecord.live(of: model.key, in: db).contains { $0.generation < instance.generation }
        if !hasFormer { model.setDrift(to: nil) }
        try model.save(in: db)
        try pruneEnded(of: model.key)
    }

    /// A backoff is of the generation of its instance; of a former one it counts only while that stands in for the one that
    /// is wanted.
    private func remember(_ backoff: Backoff?, of instance: InstanceRecord, _ model: inout ModelRecord) throws {
        guard let backoff else { return }
        guard model.isFulfilled(by: instance) else {
            guard model.backoff != nil, instance.insteadOf == model.generation else { return }
            model.restoration = backoff
            return try model.save(in: db)
        }
        model.backoff = backoff
        try model.save(in: db)
        try tellOfBlock(model)
    }

    /// Ends a demand that has been answered; one that came later stays.
    private func end(_ demand: Demand, of model: ModelRecord) throws {
        guard demand != .none, model.demand == demand else { return }
        try record(.demand(model.key, .none), of: model)
    }

    /// How many instances of each model are kept once they have ended; the last one that was ready is, for ever.
    static let keptInstances = 20

    private func pruneEnded(of key: ModelKey) throws {
        try db.execute(
            sql: """
                DELETE FROM instance WHERE key = ? AND phase IN ('exited', 'lost') AND seq <= (
                    SELECT seq FROM instance WHERE key = ? AND phase IN ('exited', 'lost')
                    ORDER BY seq DESC LIMIT 1 OFFSET ?)
                AND seq <> (SELECT coalesce(max(seq), 0) FROM instance WHERE key = ? AND ready_at IS NOT NULL)
                """,
            arguments: [key.description, key.description, Self.keptInstances, key.description])
    }
}
