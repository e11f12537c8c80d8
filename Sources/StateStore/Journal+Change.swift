internal import GRDB
internal import ModelCore
internal import Reconciler

extension Journal {
    /// Records a model that a revision makes or changes.
    func accept(_ change: Acceptance.Change, root: Int64, path: String, revision: Int) throws {
        let known = try ModelRecord.one(change.model.key, in: db)
        let record = change.applied(to: known, root: path)
        let accepted = AcceptedModel(
            model: change.model, spec: try CanonicalJSON.text(change.model.spec), generation: record.generation,
            root: root, revision: revision)
        try db.executeOften(
            sql: """
                INSERT INTO manifest_file (root_id, path, revision) VALUES (?, ?, ?)
                ON CONFLICT (root_id, path) DO UPDATE SET revision = excluded.revision
                """, arguments: [root, change.model.file, revision])
        if known == nil {
            try insert(accepted)
        } else {
            try update(record, as: accepted)
        }
        try remember(change, as: accepted)
    }

    private func insert(_ accepted: AcceptedModel) throws {
        let model = accepted.model
        try db.executeOften(
            sql: """
                INSERT INTO model (key, domain, source, model, spec, generation, root_id, file, line, revision)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                model.key.description, model.key.domain, model.key.source, model.key.model, accepted.spec,
                accepted.generation, accepted.root, model.file, model.line, accepted.revision,
            ])
    }

    private func update(_ record: ModelRecord, as accepted: AcceptedModel) throws {
        try db.execute(
            sql: """
                UPDATE model SET spec = ?, root_id = ?, file = ?, line = ?, revision = ?, is_removed = 0
                WHERE key = ?
                """,
            arguments: [
                accepted.spec, accepted.root, accepted.model.file, accepted.model.line, accepted.revision,
                record.key.description,
            ])
        try record.save(in: db)
    }

    private func remember(_ change: Acceptance.Change, as accepted: AcceptedModel) throws {
        let model = accepted.model
        let changes = change.fields.map(\.description).joined(separator: ", ")
        try db.executeOften(
            sql: """
                INSERT INTO revision_model (revision, key, action, generation, spec, file, line, changes)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                accepted.revision, model.key.description, change.action, accepted.generation, accepted.spec,
                model.file, model.line, changes,
            ])
        let what = change.isNew ? "new" : changes.isEmpty ? "defined in \(model.file)" : changes
        try event("accepted", of: model.key, "revision \(accepted.revision): \(what)")
    }
}

/// A model as a revision has it.
private struct AcceptedModel {
    let model: ManifestModel
    /// As canonical JSON.
    let spec: String
    let generation: Int
    let root: Int64
    let revision: Int
}

extension Acceptance.Change {
    fileprivate var action: String { isNew ? "create" : replacesInstance ? "replace" : "update" }
}
