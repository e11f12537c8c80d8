internal import GRDB
internal import ModelCore

extension RootSnapshot {
    /// The roots that are followed.
    static func all(in db: Database) throws -> [RootSnapshot] {
        let pins = try RootPin.all(in: db)
        return try Row.fetchAll(
            db,
            sql: """
                SELECT r.path, r.is_served, coalesce(v.number, 0) AS revision, v.accepted_at
                FROM root r
                LEFT JOIN revision v ON v.number = (SELECT max(number) FROM revision WHERE root_id = r.id)
                WHERE r.is_followed
                ORDER BY r.id
                """
        ).map { row in
            let row = RowReader(row)
            let path: String = try row.value("path")
            var root = RootSnapshot(
                path: path, revision: try row.value("revision"), acceptedAt: try row.time(ifAny: "accepted_at"),
                pin: pins[path])
            root.faults = try faults(of: path, in: db)
            root.isServed = try row.value("is_served")
            return root
        }
    }

    static func followed(in db: Database) throws -> [String] {
        try String.fetchAll(db, sql: "SELECT path FROM root WHERE is_followed ORDER BY id")
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

extension RootStanding {
    /// Every root that was ever named, in the order of their registration.
    static func all(in db: Database) throws -> [RootStanding] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT path, is_followed, is_served, is_applied, pinned_revision IS NOT NULL AS is_pinned,
                    EXISTS (SELECT 1 FROM model WHERE root_id = root.id) AS has_models
                FROM root ORDER BY id
                """
        ).map { row in
            let row = RowReader(row)
            return RootStanding(
                path: try row.value("path"), isFollowed: try row.value("is_followed"),
                isServed: try row.value("is_served"), isApplied: try row.value("is_applied"),
                isPinned: try row.value("is_pinned"), hasModels: try row.value("has_models"))
        }
    }
}
