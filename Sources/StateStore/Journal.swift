internal import GRDB
internal import ModelCore

/// What one transaction writes down of what has happened or is about to, and when.
struct Journal {
    let db: Database
    let now: Timestamp

    init(_ db: Database, at now: Timestamp) {
        self.db = db
        self.now = now
    }

    /// How many events, and how many closed operations, are kept: some weeks of a busy host in a few megabytes.
    static let longest = 10_000

    enum Outcome: String {
        case succeeded, failed
    }

    /// Writes a line for people.
    func event(_ kind: String, of key: ModelKey?, instance: InstanceID? = nil, _ message: String) throws {
        try db.executeOften(
            sql: "INSERT INTO event (at, key, instance_id, kind, message) VALUES (?, ?, ?, ?, ?)",
            arguments: [now.milliseconds, key?.description, instance?.text, kind, message])
        // Ids have no gaps, so this deletes at most one row, found by its id.
        try db.executeOften(
            sql: "DELETE FROM event WHERE id <= ?", arguments: [db.lastInsertedRowID - Int64(Self.longest)])
    }

    /// Announces a step. What is open of the instance must be closed first.
    func open(_ kind: OperationKind, of instance: InstanceRecord, cause: String) throws {
        try db.execute(
            sql: "INSERT INTO operation (key, instance_id, kind, cause, opened_at) VALUES (?, ?, ?, ?, ?)",
            arguments: [
                instance.key.description, instance.id.text, kind.rawValue, cause, now.milliseconds,
            ])
        try pruneOperations()
    }

    /// Records the result of the open step of an instance, if it has one. A start that ends before the instance was
    /// ready has failed, and so has one that is cut short; every other step is done once the next one begins.
    func closeOperation(
        of instance: InstanceRecord, isReady: Bool = false, isCutShort: Bool = false, message: String? = nil
    ) throws {
        try db.execute(
            sql: """
                UPDATE operation
                SET closed_at = ?, outcome = CASE WHEN (kind = 'start' AND NOT ?) OR ? THEN ? ELSE ? END, message = ?
                WHERE instance_id = ? AND closed_at IS NULL
                """,
            arguments: [
                now.milliseconds, isReady, isCutShort, Outcome.failed.rawValue, Outcome.succeeded.rawValue, message,
                instance.id.text,
            ])
    }

    /// Records a step that is done in the transaction itself.
    func did(_ kind: OperationKind, of key: ModelKey, instance: InstanceID? = nil, cause: String) throws {
        try db.execute(
            sql: """
                INSERT INTO operation (key, instance_id, kind, cause, opened_at, closed_at, outcome)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                key.description, instance?.text, kind.rawValue, cause, now.milliseconds, now.milliseconds,
                Outcome.succeeded.rawValue,
            ])
        try pruneOperations()
    }

    func pruneOperations() throws {
        try db.execute(
            sql: "DELETE FROM operation WHERE id <= ? AND closed_at IS NOT NULL",
            arguments: [db.lastInsertedRowID - Int64(Self.longest)])
    }
}

extension Database {
    /// Executes a statement that is compiled once a connection: for what a transaction may do thousands of times.
    func executeOften(sql: String, arguments: StatementArguments) throws {
        try cachedStatement(sql: sql).execute(arguments: arguments)
    }
}
