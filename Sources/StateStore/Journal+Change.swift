internal import GRDB
internal import ModelCore
internal import Reconciler

extension Journal {
    /// Records a model that a revision makes or changes.
    func accept(_ change: Acceptance.Change, root: Int64, revision: Int) throws {
        let known = try ModelRecord.one(change.model.key, in: db)
        let accepted = AcceptedModel(
            model: change.model, spec: try CanonicalJSON.text(change.model.spec),
            generation: change.generation(after: known), root: root, revision: revision)
        try db.executeOften(
            sql: """
                INSERT INTO manifest_file (root_id, path, revision) VALUES (?, ?, ?)
                ON CONFLICT (root_id, path) DO UPDATE SET revision = excluded.revision
                """, arguments: [root, change.model.file, revision])
        if let known {
            try update(known, to: accepted, replacesInstance: change.replacesInstance)
        } else {
            try insert(accepted)
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

    private func update(_ known: ModelRecord, to accepted: AcceptedModel, replacesInstance: Bool) throws {
        try db.execute(
            sql: """
                UPDATE model SET spec = ?, root_id = ?, file = ?, line = ?, revision = ?, is_removed = 0
                WHERE key = ?
                """,
            arguments: [
                accepted.spec, accepted.root, accepted.model.file, accepted.model.line, accepted.revision,
                known.key.description,
            ])
        var model = known
        model.generation = accepted.generation
        // A new spec has not failed yet. A hold is about what would run: it lasts while that stays the same.
        if replacesInstance || known.spec != accepted.model.spec || known.isRemoved { model.backoff = nil }
        if replacesInstance || known.isRemoved { model.hold = nil }
        // What runs will be another thing, and its size another one.
        if replacesInstance { model.memory = nil }
        try model.save(in: db)
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

    /// As given, unless a restart has used that number up since the manifests were judged.
    fileprivate func generation(after known: ModelRecord?) -> Int {
        guard let known else { return generation }
        return max(generation, replacesInstance ? known.generation + 1 : known.generation)
    }
}
