internal import GRDB
internal import ModelCore
internal import Reconciler

extension Journal {
    /// Records a revision of a root, what its cause does to the root's pin, and which removals are held back. A root that is
    /// not yet known is registered even where there is nothing to accept.
    func accept(_ acceptance: Acceptance, root path: String, cause: RevisionCause = .edited) throws -> Int {
        let root = try register(path)
        if cause != .edited {
            try db.execute(
                sql: "UPDATE root SET is_applied = 1 WHERE id = ? AND NOT is_served AND NOT is_applied",
                arguments: [root])
        }
        let pin = try RootPin.of(root, in: db)
        switch cause {
        case .edited:
            // Held to by a trigger, too; this one says so in words.
            guard pin == nil || acceptance.isEmpty else {
                throw StoreError.refused("\(path) is pinned at revision \(pin?.revision ?? 0)")
            }
            if pin != nil { return try latestRevision(of: root) }
        case .applied(let by):
            if pin != nil { try unpin(root, path: path, by: by) }
        case .rollback: break
        }
        try takeOver(below: path, into: root)
        let revision = try revise(acceptance, root: root, path: path, cause: cause, pin: pin)
        // With the revision, and not after it: among what it adds, a removal that was too much no longer looks like one.
        if let remedy = acceptance.removalRemedy { for key in acceptance.heldRemovals { try hold(key, remedy) } }
        let reason = cause.restored.map { "\(path) went back to revision \($0)" } ?? "it is defined again"
        for key in acceptance.releasedRemovals { try release(key, because: reason) }
        return revision
    }

    private func revise(
        _ acceptance: Acceptance, root: Int64, path: String, cause: RevisionCause, pin: RootPin?
    ) throws -> Int {
        guard case .rollback(let target, let by) = cause else {
            guard !acceptance.isEmpty else { return try latestRevision(of: root) }
            return try moveTo(acceptance, root: root, path: path, cause: cause)
        }
        if pin?.revision == target, acceptance.isEmpty { return try latestRevision(of: root) }
        let revision = try moveTo(acceptance, root: root, path: path, cause: cause)
        try holdRoot(root, path: path, at: target, by: by)
        return revision
    }

    private func moveTo(_ acceptance: Acceptance, root: Int64, path: String, cause: RevisionCause) throws -> Int {
        try clearPin(of: root)
        let revision = try beginRevision(of: root, cause: cause)
        for change in acceptance.changes { try accept(change, root: root, path: path, revision: revision) }
        for key in acceptance.removals { try remove(key, root: root, revision: revision) }
        try pruneManifestFiles()
        try pruneRevisions(of: root)
        return revision
    }

    private func latestRevision(of root: Int64) throws -> Int {
        try Int.fetchOne(db, sql: "SELECT max(number) FROM revision WHERE root_id = ?", arguments: [root]) ?? 0
    }

    private func beginRevision(of root: Int64, cause: RevisionCause) throws -> Int {
        try db.execute(
            sql: "INSERT INTO revision (root_id, accepted_at, cause, restored) VALUES (?, ?, ?, ?)",
            arguments: [root, now.milliseconds, "\(cause)", cause.restored])
        return Int(db.lastInsertedRowID)
    }

    private func remove(_ key: ModelKey, root: Int64, revision: Int) throws {
        try db.execute(
            sql: """
                UPDATE model SET is_removed = 1, revision = ?
                WHERE key = ? AND NOT is_removed
                    AND (root_id = ? OR root_id IN (SELECT id FROM root WHERE NOT is_followed))
                """, arguments: [revision, key.description, root])
        guard db.changesCount == 1 else { return }
        try db.execute(
            sql: """
                INSERT INTO revision_model (revision, key, action, generation, changes)
                SELECT ?, key, 'remove', generation, '' FROM model WHERE key = ?
                """, arguments: [revision, key.description])
        try event("accepted", of: key, "revision \(revision): removed from its manifest")
    }
}
