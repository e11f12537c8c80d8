internal import GRDB
internal import Glibc
internal import ModelCore

/// The name of a state, and who may write it.
struct StateIdentity: Sendable {
    let uuid: String
    let epoch: Int64

    /// Names a state that has no name yet, and takes it over from earlier controllers where `claim` says so.
    static func claim(in db: Database, uuid: String, claim: Bool, at now: Timestamp) throws -> StateIdentity {
        if try !isNamed(in: db) {
            try db.execute(
                sql: "INSERT INTO meta (id, uuid, epoch, created_at) VALUES (1, ?, 0, ?)",
                arguments: [uuid, now.milliseconds])
        }
        if claim { try db.execute(sql: "UPDATE meta SET epoch = epoch + 1") }
        return StateIdentity(uuid: try storedUUID(in: db), epoch: try epoch(in: db))
    }

    static func isNamed(in db: Database) throws -> Bool {
        try Row.fetchOne(db, sql: "SELECT 1 FROM meta") != nil
    }

    static func epoch(in db: Database) throws -> Int64 {
        try Int64.fetchOne(db, sql: "SELECT epoch FROM meta") ?? 0
    }

    static func storedUUID(in db: Database) throws -> String {
        try String.fetchOne(db, sql: "SELECT uuid FROM meta") ?? ""
    }
}

extension StateDirectory {
    /// The name in the file beside the database; `nil` where there is none, or it is no UUID. A state whose database
    /// was lost keeps its name, by which it finds its containers and processes again.
    func storedUUID() throws(StateDirectoryError) -> String? {
        guard access(uuid, F_OK) == 0 else { return nil }
        let text = try OwnedFile(opening: uuid, O_RDONLY, action: "open").contents()
        let name = text.prefix { !$0.isWhitespace }
        return name.utf8.count == 36 ? String(name) : nil
    }
}
