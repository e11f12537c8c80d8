internal import GRDB
package import ModelCore
package import Reconciler

/// What has been done and what has happened.
extension StateReader {
    /// Everything at one moment, and the past of the model that `choose` names. `nil` where there is no database, or
    /// nothing in it yet. Blocks.
    /// - Parameter count: how many of its latest steps are told.
    package func snapshot(
        withLatest count: Int, operationsOf choose: ([ModelSnapshot]) -> ModelKey?
    ) throws(StoreError) -> (state: StateSnapshot, past: ModelPast)? {
        let found = try read { db -> (state: StateSnapshot, past: ModelPast) in
            let state = try StateSnapshot(db)
            guard let key = choose(state.models) else { return (state, ModelPast()) }
            let past = ModelPast(
                operations: try OperationRecord.latest(count, of: key, in: db),
                lastReady: try InstanceRecord.lastReady(of: key, in: db))
            return (state, past)
        }
        guard var found else { return nil }
        found.state.controller = StateLock.holder(at: directory)
        return found
    }

    /// The events that a query asks for, oldest first, and which are kept at all. `nil` where there is no database, or
    /// nothing in it yet. Blocks.
    /// - Parameter limit: at most so many, the latest; `nil`: all of them.
    package func events(
        _ query: EventQuery, limit: Int?
    ) throws(StoreError) -> (events: [EventRecord], kept: EventRange)? {
        try read { db in
            (try EventRecord.matching(query, latest: limit, in: db), try EventRange(db))
        }
    }

    /// The kinds of event that are kept, in alphabetical order. Empty where there is no database. Blocks.
    package func eventKinds() throws(StoreError) -> [String] {
        try read { db in try String.fetchAll(db, sql: "SELECT DISTINCT kind FROM event ORDER BY kind") } ?? []
    }
}

extension OperationRecord {
    fileprivate static func latest(_ count: Int, of key: ModelKey, in db: Database) throws -> [OperationRecord] {
        try Row.fetchAll(
            db, sql: "SELECT * FROM operation WHERE key = ? ORDER BY id DESC LIMIT ?",
            arguments: [key.description, count]
        ).map { row in
            let row = RowReader(row)
            let instance: String? = try row.value("instance_id")
            let outcome: String? = try row.value("outcome")
            return OperationRecord(
                id: try row.value("id"), key: try row.key("key"), instance: instance.map(InstanceID.init),
                kind: try row.word("kind"), cause: try row.value("cause"), openedAt: try row.time("opened_at"),
                closedAt: try row.time(ifAny: "closed_at"),
                outcome: outcome == nil ? .open : try row.word("outcome"), message: try row.value("message"))
        }
    }
}

extension EventRecord {
    /// Those that match, oldest first.
    static func matching(
        _ query: EventQuery, after id: Int64 = 0, latest limit: Int? = nil, in db: Database
    ) throws -> [EventRecord] {
        var conditions = ["id > ?"]
        var arguments: StatementArguments = [id]
        if let since = query.since {
            conditions.append("at >= ?")
            arguments += [since.milliseconds]
        }
        if let scope = query.scope {
            // Ids hold no slash, so what begins so lies below it.
            conditions.append("(key = ? OR substr(key, 1, ?) = ?)")
            arguments += [scope, scope.utf8.count + 1, scope + "/"]
        }
        if !query.kinds.isEmpty {
            conditions.append("kind IN (\(query.kinds.map { _ in "?" }.joined(separator: ", ")))")
            arguments += StatementArguments(query.kinds.sorted())
        }
        arguments += [limit ?? -1]
        let rows = try Row.fetchAll(
            db,
            sql: "SELECT * FROM event WHERE \(conditions.joined(separator: " AND ")) ORDER BY id DESC LIMIT ?",
            arguments: arguments)
        return try rows.reversed().map(EventRecord.init(row:))
    }

    private init(row: Row) throws {
        let row = RowReader(row)
        let key: String? = try row.value("key")
        let instance: String? = try row.value("instance_id")
        self.init(
            id: try row.value("id"), at: try row.time("at"), key: key == nil ? nil : try row.key("key"),
            instance: instance.map(InstanceID.init), kind: try row.value("kind"), message: try row.value("message"))
    }
}

extension EventRange {
    init(_ db: Database) throws {
        let row = try Row.fetchOne(
            db, sql: "SELECT id, at FROM event ORDER BY id LIMIT 1"
        ).map(RowReader.init)
        // The newest event may be gone, too, but its number is never given again.
        let newest = try Int64.fetchOne(db, sql: "SELECT seq FROM sqlite_sequence WHERE name = 'event'") ?? 0
        self.init(
            oldest: try row?.value("id") ?? 0, newest: newest, since: try row?.time("at"))
    }
}
