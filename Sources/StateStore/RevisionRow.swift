internal import GRDB
internal import ModelCore

extension RevisionRecord {
    /// The numbers of those that can be told in full: the latest of each root. Of older ones, what later ones changed is
    /// gone.
    static let keptNumbers = """
        SELECT number FROM (
            SELECT number, row_number() OVER (PARTITION BY root_id ORDER BY number DESC) AS place FROM revision)
        WHERE place <= \(Journal.keptRevisions)
        """

    static func latest(of root: String, in db: Database) throws -> Int {
        let sql = """
            SELECT coalesce(max(v.number), 0) FROM root r LEFT JOIN revision v ON v.root_id = r.id WHERE r.path = ?
            """
        return try Int.fetchOne(db, sql: sql, arguments: [root]) ?? 0
    }

    /// The latest of a root where an acceptance has nothing to record; else `nil`.
    static func latest(of root: String, whereKnown acceptance: Acceptance, in db: Database) throws -> Int? {
        guard acceptance.isEmpty else { return nil }
        let followed = try RootStanding.all(in: db).filter(\.isFollowed)
        guard let own = followed.first(where: { $0.path == root }) else { return nil }
        // What lies in it is to be taken over.
        guard own.isPinned || !followed.contains(where: { $0.givesWay(to: root) }) else { return nil }
        let held = try HeldRemoval.remedies(in: db)
        guard acceptance.heldRemovals.allSatisfy({ held[$0] == acceptance.removalRemedy }),
            acceptance.releasedRemovals.allSatisfy({ held[$0] == nil })
        else { return nil }
        return try latest(of: root, in: db)
    }

    /// Those that can be told in full, oldest first.
    static func kept(in db: Database) throws -> [RevisionRecord] {
        let changes = try Row.fetchAll(
            db, sql: "SELECT revision, key, action, changes FROM revision_model WHERE revision IN (\(keptNumbers))")
        let byRevision = Dictionary(
            grouping: try changes.map { try Numbered(RowReader($0)) }, by: \.revision)
        return try Row.fetchAll(
            db,
            sql: """
                SELECT v.number, r.path, v.accepted_at, v.cause, v.restored
                FROM revision v JOIN root r ON r.id = v.root_id WHERE v.number IN (\(keptNumbers)) ORDER BY v.number
                """
        ).map { row in
            let row = RowReader(row)
            let number: Int = try row.value("number")
            return RevisionRecord(
                number: number, root: try row.value("path"), acceptedAt: try row.time("accepted_at"),
                cause: try row.value("cause"), restored: try row.value("restored"),
                changes: (byRevision[number] ?? []).map(\.change).sorted { $0.key < $1.key })
        }
    }

    private struct Numbered {
        let revision: Int
        let change: Change

        init(_ row: RowReader) throws {
            revision = try row.value("revision")
            change = Change(key: try row.key("key"), action: try row.value("action"), fields: try row.value("changes"))
        }
    }
}

extension HeldRemoval {
    /// The lines to run that are recorded, by the models that they let go.
    fileprivate static func remedies(in db: Database) throws -> [ModelKey: String] {
        let rows = try Row.fetchAll(db, sql: "SELECT key, remedy FROM removal_held").map { RowReader($0) }
        return Dictionary(
            try rows.map { (try $0.key("key"), try $0.value("remedy")) }, uniquingKeysWith: { first, _ in first })
    }
}

extension ManifestModel {
    /// The models of a root as a revision left them: of each key the newest row at or below it, if that is of this root.
    /// Rows of every root count: a key that has moved to another root is told by a row of that one alone.
    static func all(ofRevision revision: Int, in db: Database) throws -> [ManifestModel]? {
        let kept = "SELECT root_id FROM revision WHERE number = ? AND number IN (\(RevisionRecord.keptNumbers))"
        guard let root = try Int64.fetchOne(db, sql: kept, arguments: [revision]) else { return nil }
        return try Row.fetchAll(
            db,
            sql: """
                SELECT m.key, m.spec, m.file, m.line
                FROM revision_model m JOIN revision v ON v.number = m.revision
                WHERE v.root_id = :root AND m.revision <= :revision AND m.spec IS NOT NULL
                    AND NOT EXISTS (
                        SELECT 1 FROM revision_model later
                        WHERE later.key = m.key AND later.revision > m.revision AND later.revision <= :revision)
                """, arguments: ["root": root, "revision": revision]
        ).map { row in
            let row = RowReader(row)
            return ManifestModel(
                key: try row.key("key"), spec: try row.json("spec"), file: try row.value("file"),
                line: try row.value("line"))
        }.sorted { $0.key < $1.key }
    }
}
