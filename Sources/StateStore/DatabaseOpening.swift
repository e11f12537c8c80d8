internal import GRDB
internal import Glibc
internal import Reconciler

/// How long a transaction waits for a reader or writer outside, such as the `sqlite3` program, in seconds: longer than
/// any query that people type, shorter than the patience of who waits for a model.
private let busyTimeout: Double = 5

/// Connections that read at once, beside the one that writes.
private let readers = 3

extension StateDirectory {
    /// Opens the database for writing, checked and with the current schema. Writes nothing to a file that fails a
    /// check. Blocks.
    func openDatabase(largestFile: Int?) throws -> DatabasePool {
        try prepare()
        try createDatabaseFile()
        try checkDatabaseFile()

        var configuration = Self.configuration
        configuration.maximumReaderCount = readers
        if let largestFile {
            configuration.prepareDatabase { try $0.execute(sql: "PRAGMA max_page_count = \(largestFile)") }
        }
        let pool = try DatabasePool(path: database, configuration: configuration)
        // A pool that switches to WAL sets this to NORMAL, by which the last transactions may be lost with the power.
        try pool.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA synchronous = FULL")
            guard try Int32.fetchOne(db, sql: "PRAGMA application_id") == 0 else { return }
            try db.execute(sql: "PRAGMA application_id = \(Schema.applicationID)")
        }
        try Schema.migrator.migrate(pool)
        try View.refresh(pool)
        return pool
    }

    /// What every connection to a state database is opened with.
    static var configuration: Configuration {
        var configuration = Configuration()
        configuration.busyMode = .timeout(busyTimeout)
        configuration.foreignKeysEnabled = true
        return configuration
    }

    /// SQLite would make the file readable by all; the files that it makes beside it follow this one.
    private func createDatabaseFile() throws(StateDirectoryError) {
        guard access(database, F_OK) != 0 else { return }
        _ = try OwnedFile(opening: database, O_RDWR | O_CREAT, action: "create")
    }

    /// Reads the file before anything could write it: opening a pool already would.
    ///
    /// Who was killed in the transaction that makes the file a database, before there is a WAL, leaves a rollback
    /// journal. Only a writer may undo what the journal tells, so a copy is asked whose the file is.
    private func checkDatabaseFile() throws {
        guard access(database, W_OK) == 0 else { throw StateDirectoryError("write", database, errno) }
        var configuration = Self.configuration
        configuration.readonly = true
        do {
            try check(database, configuration)
        } catch let error as DatabaseError where error.extendedResultCode == .SQLITE_READONLY_ROLLBACK {
            try PrivateCopy.with(databaseFiles) { try check($0, Self.configuration) }
        }
    }

    private func check(_ file: String, _ configuration: Configuration) throws {
        let queue = try DatabaseQueue(path: file, configuration: configuration)
        try queue.read { db in
            guard try db.checkIsStateDatabase(at: database) else { return }
            try db.checkIsSound(at: database)
        }
        try queue.close()
    }

    /// The database, and what belongs to its content: a log, or the journal of a transaction that was cut short.
    var databaseFiles: [String] { ["", "-wal", "-journal"].map { database + $0 } }
}

extension Database {
    /// Throws unless the file is one of ours that this program understands. Returns whether there is a schema in it.
    func checkIsStateDatabase(at path: String) throws -> Bool {
        let objects = try Int.fetchOne(self, sql: "SELECT count(*) FROM sqlite_schema") ?? 0
        guard objects > 0 else { return false }
        guard try Int32.fetchOne(self, sql: "PRAGMA application_id") == Schema.applicationID else {
            throw StoreError.unavailable(
                "\(path) is the database of another program; nothing was changed: choose another directory with --state"
            )
        }
        guard try !Schema.migrator.hasBeenSuperseded(self) else {
            throw StoreError.unavailable(
                "\(path) was written by a newer version of modelet; nothing was changed: use that version, "
                    + "or choose another directory with --state")
        }
        return try !Schema.migrator.appliedIdentifiers(self).isEmpty
    }

    /// Throws where a page of the file does not hold what it should. Takes as long as reading the file does.
    func checkIsSound(at path: String) throws {
        let problems = try String.fetchAll(self, sql: "PRAGMA quick_check(3)")
        guard problems == ["ok"] else {
            throw StoreError.unavailable(StoreError.damaged(path, problems.joined(separator: "; ")))
        }
    }
}
