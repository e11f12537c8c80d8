internal import GRDB
internal import ModelCore
internal import Reconciler

extension Journal {
    /// Records a revision of a root. A root that is not yet known is registered even where there is nothing to accept.
    func accept(_ acceptance: Acceptance, root path: String) throws -> Int {
        let root = try register(path)
        guard !acceptance.isEmpty else { return try latestRevision(of: root) }
        let revision = try beginRevision(of: root)
        for change in acceptance.changes { try accept(change, root: root, revision: revision) }
        for key in acceptance.removals { try remove(key, root: root, revision: revision) }
        try pruneManifestFiles()
        try pruneRevisions(before: revision - Self.keptRevisions)
        return revision
    }

    private func register(_ path: String) throws -> Int64 {
        if let known = try Int64.fetchOne(db, sql: "SELECT id FROM root WHERE path = ?", arguments: [path]) {
            return known
        }
        try db.execute(
            sql: "INSERT INTO root (path, registered_at) VALUES (?, ?)", arguments: [path, now.milliseconds])
        let root = db.lastInsertedRowID
        try event("root", of: nil, "manifests below \(path) are followed")
        return root
    }

    private func latestRevision(of root: Int64) throws -> Int {
        try Int.fetchOne(db, sql: "SELECT max(number) FROM revision WHERE root_id = ?", arguments: [root]) ?? 0
    }

    private func beginRevision(of root: Int64) throws -> Int {
        try db.execute(
            sql: "INSERT INTO revision (root_id, accepted_at) VALUES (?, ?)", arguments: [root, now.milliseconds])
        return Int(db.lastInsertedRowID)
    }

    private func remove(_ key: ModelKey, root: Int64, revision: Int) throws {
        try db.execute(
            sql: "UPDATE model SET is_removed = 1, revision = ? WHERE key = ? AND root_id = ? AND NOT is_removed",
            arguments: [revision, key.description, root])
        guard db.changesCount == 1 else { return }
        try db.execute(
            sql: """
                INSERT INTO revision_model (revision, key, action, generation, changes)
                SELECT ?, key, 'remove', generation, '' FROM model WHERE key = ?
                """, arguments: [revision, key.description])
        try event("accepted", of: key, "revision \(revision): removed from its manifest")
    }

    /// Deletes files that define nothing any more.
    func pruneManifestFiles() throws {
        try db.execute(
            sql: """
                DELETE FROM manifest_file WHERE NOT EXISTS (
                    SELECT 1 FROM model m WHERE m.root_id = manifest_file.root_id AND m.file = manifest_file.path)
                """)
    }

    /// How many revisions can be told in full; of older ones only what still holds in those is kept.
    static let keptRevisions = 1000

    private func pruneRevisions(before oldest: Int) throws {
        guard oldest > 0 else { return }
        try db.execute(
            sql: """
                DELETE FROM revision_model AS r WHERE r.revision < :oldest AND EXISTS (
                    SELECT 1 FROM revision_model later
                    WHERE later.key = r.key AND later.revision > r.revision AND later.revision <= :oldest)
                """, arguments: ["oldest": oldest])
    }
}
