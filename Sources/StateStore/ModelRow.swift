internal import GRDB
internal import ModelCore

private let decodedSpecs = DecodedTexts<ModelSpec>()

extension ModelRecord {
    private static let query = """
        SELECT m.*, r.path AS root, h.since AS removal_held_since, h.remedy AS removal_remedy
        FROM model m JOIN root r ON r.id = m.root_id LEFT JOIN removal_held h ON h.key = m.key
        """

    static func all(in db: Database) throws -> [ModelRecord] {
        // Not by way of `rows`: a row that is copied out of its statement is slow to look into.
        let statement = try db.cachedStatement(sql: "\(query) ORDER BY m.domain, m.source, m.model")
        return try Array(Row.fetchCursor(statement).map(ModelRecord.init(row:)))
    }

    /// The rows of all models in the order of their keys.
    static func rows(in db: Database) throws -> [Row] {
        try Row.fetchAll(db, sql: "\(query) ORDER BY m.domain, m.source, m.model")
    }

    /// The models that something may run of, by their keys.
    static func withLiveInstances(in db: Database) throws -> [ModelKey: ModelRecord] {
        let models = try Row.fetchAll(
            db, sql: "\(query) WHERE m.key IN (SELECT key FROM instance WHERE phase NOT IN ('exited', 'lost'))"
        ).map(ModelRecord.init(row:))
        return Dictionary(uniqueKeysWithValues: models.map { ($0.key, $0) })
    }

    static func one(_ key: ModelKey, in db: Database) throws -> ModelRecord? {
        // Asked with every look at a model, so it is compiled once a connection.
        try Row.fetchOne(db.cachedStatement(sql: "\(query) WHERE m.key = ?"), arguments: [key.description])
            .map(ModelRecord.init(row:))
    }

    /// A restart begins a generation without a revision: its spec is that of the one before.
    static func spec(
        of key: ModelKey, running source: SourceSpec, before generation: Int, in db: Database
    ) throws -> ModelSpec? {
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT spec FROM revision_model WHERE key = ? AND generation < ? AND spec IS NOT NULL
                ORDER BY revision DESC
                """, arguments: [key.description, generation])
        while let row = try rows.next() {
            let spec: ModelSpec = try RowReader(row).json("spec")
            if spec.source?.runFields == source.runFields { return spec }
        }
        return nil
    }

    init(row: Row) throws {
        let row = RowReader(row)
        self.init(
            key: try row.key("key"), spec: try decodedSpecs.value(from: try row.value("spec")),
            generation: try row.value("generation"),
            root: try row.value("root"), file: try row.value("file"))
        isRemoved = try row.value("is_removed")
        if let since = try row.time(ifAny: "demand_since") {
            demand = .loaded(since: since, by: try row.value("demand_by"))
        }
        if let since = try row.time(ifAny: "hold_since") {
            hold = Hold(since: since, by: try row.value("hold_by"))
        }
        freshSince = try row.value("fresh_since")
        backoff = try Backoff(row)
        restoration = try row.json(ifAny: "restoration")
        lastExitAt = try row.time(ifAny: "last_exit_at")
        loads = try LoadTimes(row)
        memory = try row.value("memory_bytes")
        waiting = try row.value("waiting")
        pull = try row.json(ifAny: "pull")
        drift = try row.value("drift")
        followsDrift = try row.value("drift_followed")
        if let since = try row.time(ifAny: "removal_held_since") {
            heldRemoval = HeldRemoval(since: since, remedy: try row.value("removal_remedy"))
        }
    }

    /// Writes what is remembered of a model between instances. What was accepted is written by `accept` alone.
    func save(in db: Database) throws {
        try db.execute(
            sql: """
                UPDATE model SET generation = :generation,
                    demand_since = :demand_since, demand_by = :demand_by, hold_since = :hold_since, hold_by = :hold_by,
                    failures = :failures, failure_class = :failure_class, failure_message = :failure_message,
                    failure_at = :failure_at, failure_exit = :failure_exit, next_attempt_at = :next_attempt_at,
                    last_exit_at = :last_exit_at, load_count = :load_count, last_load_ms = :last_load_ms,
                    usual_load_ms = :usual_load_ms, memory_bytes = :memory_bytes, waiting = :waiting,
                    pull = :pull, pull_message = :pull_message, drift = :drift, drift_followed = :drift_followed,
                    restoration = :restoration, fresh_since = :fresh_since
                WHERE key = :key
                """,
            arguments: [
                "key": key.description, "generation": generation,
                "demand_since": demand.since?.milliseconds, "demand_by": demand.by,
                "hold_since": hold?.since.milliseconds, "hold_by": hold?.by,
                "failures": backoff?.failures,
                "failure_class": backoff?.lastFailure.classification.rawValue,
                "failure_message": backoff?.lastFailure.message,
                "failure_at": backoff?.lastFailure.at.milliseconds,
                "failure_exit": try backoff?.lastFailure.exit.map { try CanonicalJSON.text($0) },
                "next_attempt_at": backoff?.nextAttempt.milliseconds,
                "last_exit_at": lastExitAt?.milliseconds, "load_count": loads?.count ?? 0,
                "last_load_ms": loads?.last.milliseconds, "usual_load_ms": loads?.usual.milliseconds,
                "memory_bytes": memory, "waiting": waiting,
                "pull": try pull.map { try CanonicalJSON.text($0) }, "pull_message": pull?.description,
                "drift": drift, "drift_followed": followsDrift,
                "restoration": try restoration.map { try CanonicalJSON.text($0) }, "fresh_since": freshSince,
            ])
    }
}

extension LoadTimes {
    fileprivate init?(_ row: RowReader) throws {
        let count: Int = try row.value("load_count")
        guard count > 0 else { return nil }
        self.init(
            count: count, last: Seconds(milliseconds: try row.value("last_load_ms")),
            usual: Seconds(milliseconds: try row.value("usual_load_ms")))
    }
}

extension Backoff {
    fileprivate init?(_ row: RowReader) throws {
        guard let failures: Int = try row.value("failures") else { return nil }
        let failure = LoadFailure(
            try row.word("failure_class"), try row.value("failure_message"), at: try row.time("failure_at"),
            exit: try row.json(ifAny: "failure_exit"))
        self.init(failures: failures, lastFailure: failure, nextAttempt: try row.time("next_attempt_at"))
    }
}

extension Demand {
    fileprivate var since: Timestamp? {
        if case .loaded(let since, _) = self { since } else { nil }
    }

    fileprivate var by: String? {
        if case .loaded(_, let by) = self { by } else { nil }
    }
}
