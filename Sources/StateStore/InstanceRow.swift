internal import GRDB
internal import ModelCore

private let decodedSources = DecodedTexts<SourceSpec>()

extension InstanceRecord {
    private static let query = """
        SELECT i.*, r.instance_id IS NOT NULL AS is_routed
        FROM instance i LEFT JOIN route r ON r.instance_id = i.id
        """
    private static let isLive = "i.phase NOT IN ('exited', 'lost')"

    static func one(_ id: InstanceID, in db: Database) throws -> InstanceRecord? {
        try Row.fetchOne(db, sql: "\(query) WHERE i.id = ?", arguments: [id.text]).map(InstanceRecord.init(row:))
    }

    /// All live instances, oldest first.
    static func live(in db: Database) throws -> [InstanceRecord] {
        let statement = try db.cachedStatement(sql: "\(query) WHERE \(isLive) ORDER BY i.seq")
        return try Array(Row.fetchCursor(statement).map(InstanceRecord.init(row:)))
    }

    static func live(of key: ModelKey, in db: Database) throws -> [InstanceRecord] {
        // Asked with every look at a model, so it is compiled once a connection.
        let statement = try db.cachedStatement(sql: "\(query) WHERE i.key = ? AND \(isLive) ORDER BY i.seq")
        return try Row.fetchAll(statement, arguments: [key.description]).map(InstanceRecord.init(row:))
    }

    /// All instances of a model of which there is a row, the latest launch first.
    static func recorded(of key: ModelKey, in db: Database) throws -> [InstanceRecord] {
        try Row.fetchAll(db, sql: "\(query) WHERE i.key = ? ORDER BY i.seq DESC", arguments: [key.description])
            .map(InstanceRecord.init(row:))
    }

    /// The instance of each model that ended last.
    static func lastEnded(in db: Database) throws -> [InstanceRecord] {
        try Row.fetchAll(
            db,
            sql: """
                \(query) WHERE i.seq IN (
                    SELECT max(seq) FROM instance WHERE phase IN ('exited', 'lost') GROUP BY key)
                """
        ).map(InstanceRecord.init(row:))
    }

    static func lastReady(of key: ModelKey, in db: Database) throws -> InstanceRecord? {
        try Row.fetchOne(
            db, sql: "\(query) WHERE i.key = ? AND i.ready_at IS NOT NULL ORDER BY i.seq DESC LIMIT 1",
            arguments: [key.description]
        ).map(InstanceRecord.init(row:))
    }

    /// The count goes by the newest row: older ones may have been pruned.
    static func attempts(of key: ModelKey, generation: Int, in db: Database) throws -> Int {
        try Int.fetchOne(
            db, sql: "SELECT max(attempt) + 1 FROM instance WHERE key = ? AND generation = ?",
            arguments: [key.description, generation]) ?? 0
    }

    private init(row: Row) throws {
        let row = RowReader(row)
        self.init(
            id: InstanceID(try row.value("id")), key: try row.key("key"), generation: try row.value("generation"),
            replica: try row.value("replica"), attempt: try row.value("attempt"),
            source: try decodedSources.value(from: try row.value("source")),
            host: try row.value("host"), port: try row.value("port"), createdAt: try row.time("created_at"))
        phase = try row.word("phase")
        phaseSince = try row.time("phase_since")
        adopted = try row.value("adopted")
        shim = try ProcessIdentity(row)
        if let pid: Int32 = try row.value("server_pid") {
            server = ServerProcess(pid: pid, startTicks: try row.bits("server_start_ticks"))
        }
        containerID = try row.value("container_id")
        image = try row.value("image")
        if let name: String = try row.value("engine") {
            engine = EngineIdentity(name: name, address: try row.value("engine_address"))
        }
        insteadOf = try row.value("instead_of")
        address = try row.value("address")
        startedAt = try row.time(ifAny: "started_at")
        readyAt = try row.time(ifAny: "ready_at")
        isRouted = try row.value("is_routed")
        stopCause = try row.value("stop_cause")
        unknownReason = try row.value("unknown_reason")
        exit = try ExitRecord(row)
    }

    func insert(in db: Database) throws {
        try db.execute(
            sql: """
                INSERT INTO instance
                    (id, key, generation, replica, attempt, phase, phase_since, source, image, instead_of, host, port,
                    created_at)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                id.text, key.description, generation, replica, attempt, phase.rawValue, phaseSince.milliseconds,
                try CanonicalJSON.text(source), image, insteadOf, host, port, createdAt.milliseconds,
            ])
    }

    /// Writes everything of an instance that may change, except its route.
    func save(in db: Database) throws {
        try db.execute(
            sql: """
                UPDATE instance SET phase = :phase, phase_since = :phase_since, adopted = :adopted,
                    shim_boot_id = :shim_boot_id, shim_pid = :shim_pid, shim_start_ticks = :shim_start_ticks,
                    shim_pid_namespace = :shim_pid_namespace, shim_pidfd_inode = :shim_pidfd_inode,
                    server_pid = :server_pid, server_start_ticks = :server_start_ticks,
                    container_id = :container_id, engine = :engine, engine_address = :engine_address,
                    address = :address, started_at = :started_at, ready_at = :ready_at,
                    stop_cause = :stop_cause, unknown_reason = :unknown_reason,
                    exit_kind = :exit_kind, exit_code = :exit_code, exit_signal = :exit_signal,
                    exit_errno = :exit_errno, exit_at = :exit_at, exit_message = :exit_message, exit_log = :exit_log,
                    exit_oom = :exit_oom
                WHERE id = :id
                """,
            arguments: [
                "id": id.text, "phase": phase.rawValue, "phase_since": phaseSince.milliseconds, "adopted": adopted,
                "shim_boot_id": shim?.bootID, "shim_pid": shim?.pid,
                "shim_start_ticks": shim.map { Int64(bitPattern: $0.startTicks) },
                "shim_pid_namespace": shim.map { Int64(bitPattern: $0.pidNamespace) },
                "shim_pidfd_inode": shim?.pidfdInode.map { Int64(bitPattern: $0) },
                "server_pid": server?.pid, "server_start_ticks": server.map { Int64(bitPattern: $0.startTicks) },
                "container_id": containerID, "engine": engine?.name, "engine_address": engine?.address,
                "address": address,
                "started_at": startedAt?.milliseconds, "ready_at": readyAt?.milliseconds,
                "stop_cause": stopCause, "unknown_reason": unknownReason,
                "exit_kind": exit?.kind.word, "exit_code": exit?.kind.code, "exit_signal": exit?.kind.signal,
                "exit_errno": exit?.kind.errno, "exit_at": exit?.at.milliseconds, "exit_message": exit?.message,
                "exit_log": try exit.map { try CanonicalJSON.text($0.logTail) },
                "exit_oom": exit?.isOutOfMemory ?? false,
            ])
    }
}

extension ProcessIdentity {
    fileprivate init?(_ row: RowReader) throws {
        guard let pid: Int32 = try row.value("shim_pid") else { return nil }
        self.init(
            bootID: try row.value("shim_boot_id"), pid: pid, startTicks: try row.bits("shim_start_ticks"),
            pidNamespace: try row.bits("shim_pid_namespace"), pidfdInode: try row.bits(ifAny: "shim_pidfd_inode"))
    }
}
