internal import GRDB
internal import ModelCore

extension Journal {
    func holdRoot(_ root: Int64, path: String, at revision: Int, by: String) throws {
        try db.execute(
            sql: "UPDATE root SET pinned_revision = ?, pinned_at = ?, pinned_by = ?, pending = NULL WHERE id = ?",
            arguments: [revision, now.milliseconds, by, root])
        try event("pinned", of: nil, "\(path) is pinned at revision \(revision) by \(by)")
    }

    func unpin(_ root: Int64, path: String, by: String) throws {
        try clearPin(of: root)
        try event("pinned", of: nil, "\(path) is no longer pinned: applied by \(by)")
    }

    /// Makes way for a revision, which a pinned root does not get.
    func clearPin(of root: Int64) throws {
        try db.execute(
            sql: """
                UPDATE root SET pinned_revision = NULL, pinned_at = NULL, pinned_by = NULL, pending = NULL
                WHERE id = ? AND pinned_revision IS NOT NULL
                """, arguments: [root])
    }

    /// Records what the manifests of a pinned root have come to say.
    func notePending(_ pending: String?, root path: String) throws {
        try db.execute(
            sql: "UPDATE root SET pending = ? WHERE path = ? AND pinned_revision IS NOT NULL AND pending IS NOT ?",
            arguments: [pending, path, pending])
        guard db.changesCount == 1 else { return }
        let what =
            pending.map { "edits wait for `modelet apply \(shellWord(path))`: \($0)" } ?? "no edits wait any more"
        try event("pinned", of: nil, "\(path) is pinned; \(what)")
    }
}

extension RootPin {
    /// The pins of all roots, by their paths.
    static func all(in db: Database) throws -> [String: RootPin] {
        let rows = try Row.fetchAll(db, sql: "SELECT * FROM root WHERE pinned_revision IS NOT NULL")
        return Dictionary(
            try rows.map { (try RowReader($0).value("path"), try RootPin(RowReader($0))) },
            uniquingKeysWith: { first, _ in first })
    }

    static func of(_ root: Int64, in db: Database) throws -> RootPin? {
        try Row.fetchOne(
            db, sql: "SELECT * FROM root WHERE id = ? AND pinned_revision IS NOT NULL", arguments: [root]
        ).map { try RootPin(RowReader($0)) }
    }

    /// - Parameter row: of a root that is pinned.
    init(_ row: RowReader) throws {
        self.init(
            revision: try row.value("pinned_revision"), since: try row.time("pinned_at"),
            by: try row.value("pinned_by"), pending: try row.value("pending"))
    }
}
