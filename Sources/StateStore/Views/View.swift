internal import GRDB

/// A view: what people ask the database for.
///
/// Views hold nothing, so they are no part of the migrations: where one is not what this version makes of it, it is made
/// anew.
struct View {
    let name: String
    /// The statement that makes it, as the database remembers it.
    let sql: String

    /// - Parameter query: what it selects.
    init(_ name: String, _ query: String) {
        self.name = name
        sql = "CREATE VIEW \(name) AS\n\(query)"
    }

    static let all = [
        models, instances, routes, operations, events, roots, revisions, manifestFaults, heldRemovals,
    ]

    /// Makes the views of the database those of this version, in one transaction. Writes nothing where they are; what
    /// others have added stays.
    ///
    /// Those of another version are there until then, also while migrations run: a migration that takes away what one of
    /// them selects has to drop it first. Whoever is killed in between leaves them to the next opening.
    static func refresh(_ writer: some DatabaseWriter) throws {
        guard try writer.read({ try outdated(in: $0) }).isEmpty == false else { return }
        try writer.write { db in
            for view in try outdated(in: db) {
                try db.execute(sql: "DROP VIEW IF EXISTS \(view.name)")
                try db.execute(sql: view.sql)
            }
        }
    }

    private static func outdated(in db: Database) throws -> [View] {
        let known = Set(try String.fetchAll(db, sql: "SELECT sql FROM sqlite_schema WHERE type = 'view'"))
        return all.filter { !known.contains($0.sql) }
    }

    /// A time in milliseconds as RFC 3339 text in UTC. Put together from whole numbers: `%f` would round.
    static func utc(_ column: String) -> String {
        "strftime('%Y-%m-%dT%H:%M:%S', \(column) / 1000, 'unixepoch') || printf('.%03dZ', \(column) % 1000)"
    }

    /// The time of the query in milliseconds.
    static let now = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
}
