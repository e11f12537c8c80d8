internal import GRDB
internal import ModelCore
internal import Reconciler

/// What is kept of what was accepted.
extension Journal {
    /// Deletes files that define nothing any more.
    func pruneManifestFiles() throws {
        try db.execute(
            sql: """
                DELETE FROM manifest_file WHERE NOT EXISTS (
                    SELECT 1 FROM model m WHERE m.root_id = manifest_file.root_id AND m.file = manifest_file.path)
                """)
    }

    /// How many revisions of a root can be told in full; of older ones only what still holds in those is kept.
    static let keptRevisions = 1000

    /// Deletes what no revision that can be told needs any more, after a root has got a new one.
    func pruneRevisions(of root: Int64) throws {
        let count = try Int.fetchOne(db, sql: "SELECT count(*) FROM revision WHERE root_id = ?", arguments: [root])
        guard let count, count > Self.keptRevisions else { return }
        // The row of a key counts in a later revision if there is none between. A revision is told from the rows of every
        // root, since the row by which another root took a key over says that it is no longer this one's.
        try db.execute(
            sql: """
                WITH kept AS MATERIALIZED (\(RevisionRecord.keptNumbers))
                DELETE FROM revision_model AS r WHERE r.revision NOT IN kept AND EXISTS (
                    SELECT 1 FROM revision_model later
                    WHERE later.key = r.key AND later.revision > r.revision
                        AND later.revision <= (SELECT min(number) FROM kept WHERE number > r.revision))
                """)
        try db.execute(
            sql: """
                DELETE FROM revision WHERE number NOT IN (\(RevisionRecord.keptNumbers))
                    AND number NOT IN (SELECT revision FROM revision_model)
                    AND number NOT IN (SELECT revision FROM model)
                    AND number NOT IN (SELECT revision FROM manifest_file)
                    AND number NOT IN (SELECT restored FROM revision WHERE restored IS NOT NULL)
                    AND number NOT IN (SELECT pinned_revision FROM root WHERE pinned_revision IS NOT NULL)
                """)
    }
}
