internal import GRDB
internal import ModelCore

extension Journal {
    /// Remembers what a reading of a root's manifests found beside changes. Makes no revision.
    func note(_ notes: ManifestNotes, root path: String) throws {
        let root = try register(path)
        try noteFaults(notes.faults, of: root, path)
        for model in notes.moves { try move(model, root) }
        if !notes.moves.isEmpty { try pruneManifestFiles() }
    }

    private func noteFaults(_ faults: [ManifestFault], of root: Int64, _ path: String) throws {
        let known = Dictionary(
            uniqueKeysWithValues: try RootSnapshot.faults(of: path, in: db).map { ($0.fault.file, $0) })
        for fault in faults where known[fault.file]?.fault != fault {
            try db.execute(
                sql: """
                    INSERT OR REPLACE INTO manifest_fault (root_id, file, line, column_number, message, hint, since)
                    VALUES (?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    root, fault.file, fault.line, fault.column, fault.message, fault.hint,
                    (known[fault.file]?.since ?? now).milliseconds,
                ])
            try event("manifest", of: nil, "\(fault.place): \(fault.message); what it last defined stays enforced")
        }
        for file in Set(known.keys).subtracting(faults.map(\.file)).sorted() {
            try db.execute(
                sql: "DELETE FROM manifest_fault WHERE root_id = ? AND file = ?", arguments: [root, file])
            try event("manifest", of: nil, "\(file) is accepted again, or gone")
        }
    }

    /// Whoever judged saw the model as it was a moment ago: it may be gone since. What is known writes nothing.
    func hold(_ key: ModelKey, _ remedy: String) throws {
        try db.execute(
            sql: """
                INSERT INTO removal_held (key, since, remedy)
                SELECT key, ?, ? FROM model WHERE key = ? AND NOT is_removed
                ON CONFLICT (key) DO UPDATE SET remedy = excluded.remedy WHERE remedy <> excluded.remedy
                """, arguments: [now.milliseconds, remedy, key.description])
        guard db.changesCount > 0 else { return }
        try event("held", of: key, HeldRemoval(since: now, remedy: remedy).message)
    }

    func release(_ key: ModelKey, because reason: String) throws {
        try db.execute(sql: "DELETE FROM removal_held WHERE key = ?", arguments: [key.description])
        if db.changesCount > 0 { try event("held", of: key, "\(EventRecord.AllClear.heldRemoval): \(reason)") }
    }

    private func move(_ model: ManifestModel, _ root: Int64) throws {
        try db.executeOften(
            sql: """
                INSERT INTO manifest_file (root_id, path, revision)
                SELECT root_id, ?, revision FROM model WHERE key = ? AND root_id = ?
                ON CONFLICT (root_id, path) DO NOTHING
                """, arguments: [model.file, model.key.description, root])
        try db.executeOften(
            sql: "UPDATE model SET file = ?, line = ? WHERE key = ? AND root_id = ?",
            arguments: [model.file, model.line, model.key.description, root])
    }
}
