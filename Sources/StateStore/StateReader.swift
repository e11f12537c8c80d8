internal import GRDB
internal import Glibc
package import ModelCore
package import Reconciler

/// Reads a state without the right to write it: with a controller running or dead, from a disk that may be read-only.
///
/// A database in WAL mode cannot always be opened by who only reads. Every reader needs the index of the log,
/// `modelet.db-shm`. While a controller runs, and after it was killed, that file is there. After it was shut down it
/// is gone with the log, and the reader makes it again, which it cannot in a directory that it may not write, nor on a
/// full disk. SQLite would open such a file as `immutable`, but then it reads past a log that lies beside it. Nor may who
/// only reads undo a transaction that was cut short before there was a log. So the reader copies the database and what
/// belongs to it into a directory of its own, where it may write, and reads the copy.
package struct StateReader: Sendable {
    let directory: StateDirectory

    package init(_ directory: StateDirectory) {
        self.directory = directory
    }

    /// Says what it means that ``snapshot()`` returns `nil`.
    package var nothingHere: String {
        "no state here yet: \(directory.path) has no database; `modelet serve` or `modelet apply` makes it"
    }

    /// Reads everything at one moment; `nil` where there is no database, or nothing in it yet. Blocks.
    package func snapshot() throws(StoreError) -> StateSnapshot? {
        guard var snapshot = try read({ db in try StateSnapshot(db) }) else { return nil }
        snapshot.controller = StateLock.holder(at: directory)
        return snapshot
    }

    /// The instances of a model that are still recorded: those that live and the latest that have ended, the one that
    /// was launched last first. `nil` where there is no database, or nothing in it yet. Blocks.
    package func instances(of key: ModelKey) throws(StoreError) -> [InstanceRecord]? {
        try read { db in try InstanceRecord.recorded(of: key, in: db) }
    }

    func read<Value>(_ body: (Database) throws -> Value) throws(StoreError) -> Value? {
        guard access(directory.database, F_OK) == 0 else {
            // A directory that is not there holds no state. One that may not be entered might.
            guard errno != EACCES else {
                throw .unavailable(StateDirectoryError("read", directory.path, EACCES).message)
            }
            return nil
        }
        do {
            var configuration = StateDirectory.configuration
            configuration.readonly = true
            return try read(directory.database, configuration, body)
        } catch let error as DatabaseError where error.needsWritableDirectory {
            return try readCopy(body)
        } catch {
            throw StoreError(error, database: directory.database)
        }
    }

    private func read<Value>(
        _ path: String, _ configuration: Configuration, _ body: (Database) throws -> Value
    ) throws -> Value? {
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        let value = try queue.read { db -> Value? in
            guard try db.checkIsStateDatabase(at: directory.database) else { return nil }
            guard try Schema.migrator.hasCompletedMigrations(db) else {
                throw StoreError.unavailable(
                    "\(directory.database) was written by an older version of modelet: `modelet serve` brings it up to date"
                )
            }
            return try StateIdentity.isNamed(in: db) ? body(db) : nil
        }
        try queue.close()
        return value
    }

    private func readCopy<Value>(_ body: (Database) throws -> Value) throws(StoreError) -> Value? {
        do {
            return try PrivateCopy.with(directory.databaseFiles) {
                try read($0, StateDirectory.configuration, body)
            }
        } catch {
            throw StoreError(error, database: directory.database)
        }
    }
}

extension DatabaseError {
    /// Whether a reader could not write what it needs: files beside the database, or what an undone transaction changed.
    fileprivate var needsWritableDirectory: Bool {
        switch resultCode {
        case .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_IOERR, .SQLITE_FULL: true
        default: false
        }
    }
}

extension StateSnapshot {
    init(_ db: Database) throws {
        let live = Dictionary(grouping: try InstanceRecord.live(in: db), by: \.key)
        let ended = Dictionary(try InstanceRecord.lastEnded(in: db).map { ($0.key, $0) }) { first, _ in first }
        self.init(
            uuid: try StateIdentity.storedUUID(in: db), epoch: try StateIdentity.epoch(in: db),
            models: try ModelRecord.rows(in: db).map { row in
                let model = try ModelRecord(row: row)
                let row = RowReader(row)
                return ModelSnapshot(
                    model: model, line: try row.value("line"), revision: try row.value("revision"),
                    instances: live[model.key] ?? [], lastEnded: ended[model.key])
            },
            roots: try RootSnapshot.all(in: db), standings: try RootStanding.all(in: db), controller: nil)
    }
}
