internal import GRDB
internal import ModelCore

extension RootSnapshot {
    /// The roots that are followed.
    static func all(in db: Database) throws -> [RootSnapshot] {
        let pins = try RootPin.all(in: db)
        return try Row.fetchAll(
            db,
            sql: """
                SELECT r.path, r.is_served, coalesce(max(v.number), 0) AS revision, v.accepted_at
                FROM root r LEFT JOIN revision v ON v.root_id = r.id
                WHERE r.is_followed
                GROUP BY r.id ORDER BY r.id
                """
        ).map { row in
            let row = RowReader(row)
            let path: String = try row.value("path")
            var root = RootSnapshot(
                path: path, revision: try row.value("revision"), acceptedAt: try row.time(ifAny: "accepted_at"),
                pin: pins[path])
            root.faults = try faults(of: path, in: db)
            root.predecessors = try predecessors(of: path, in: db)
            root.isServed = try row.value("is_served")
            return root
        }
    }

    static func followed(in db: Database) throws -> [String] {
        try String.fetchAll(db, sql: "SELECT path FROM root WHERE is_followed ORDER BY id")
    }

    /// Whether a root lies in `:root`.
    static let liesIn = "substr(path, 1, length(:root) + 1) = :root || '/'"

    /// Those that lie in a root, unless they are pinned; and where `serve` names it, whatever is not followed any more.
    static func predecessors(of root: String, in db: Database) throws -> [String] {
        try String.fetchAll(
            db,
            sql: """
                SELECT r.path FROM root r
                WHERE r.path <> :root AND EXISTS (SELECT 1 FROM model WHERE root_id = r.id)
                    AND (
                        (r.pinned_revision IS NULL AND \(liesIn))
                        OR (NOT r.is_followed
                            AND EXISTS (SELECT 1 FROM root WHERE path = :root AND is_served AND is_followed)))
                ORDER BY r.id
                """, arguments: ["root": root])
    }

    static func faults(of root: String, in db: Database) throws -> [RecordedFault] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT f.* FROM manifest_fault f JOIN root r ON r.id = f.root_id WHERE r.path = ? ORDER BY f.file
                """, arguments: [root]
        ).map { row in
            let row = RowReader(row)
            return RecordedFault(
                fault: ManifestFault(
                    file: try row.value("file"), line: try row.value("line"), column: try row.value("column_number"),
                    message: try row.value("message"), hint: try row.value("hint")),
                since: try row.time("since"))
        }
    }
}
