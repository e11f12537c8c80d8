import ModelCore
import Reconciler

/// How two states of desired models differ, field by field.
struct Difference {
    /// What is on either side, for people.
    let from: String
    let to: String
    /// In the order of their keys.
    let models: [ModelDifference]
    var diagnostics: [Diagnostic] = []

    /// As `diff` and `kubectl diff` would mark it: `-` on the one side, `+` on the other.
    func lines(isColoured: Bool) -> [String] {
        guard !models.isEmpty else { return [] }
        let paint = Paint(isOn: isColoured)
        return [paint.removed("--- \(from.printable)"), paint.added("+++ \(to.printable)")]
            + models.flatMap { ["", paint.bold($0.title)] + $0.fields.flatMap { lines(of: $0, paint) } }
    }

    private func lines(of change: FieldChange, _ paint: Paint) -> [String] {
        let field = change.field.printable
        if FieldText(change).isHidden { return ["~ \(FieldText(change).line)"] }
        return [
            change.old.map { paint.removed("- \(field): \($0.printable)") },
            change.new.map { paint.added("+ \(field): \($0.printable)") },
        ].compactMap(\.self)
    }
}

/// A model that is not the same on both sides.
struct ModelDifference: Encodable {
    enum Kind: String, Encodable {
        case added, removed, changed
    }

    var key: ModelKey
    var kind: Kind
    var fields: [FieldChange]

    fileprivate var title: String {
        switch kind {
        case .added: "\(key) (new)"
        case .removed: "\(key) (removed)"
        case .changed: "\(key)"
        }
    }

    init?(_ key: ModelKey, from old: ModelSpec?, to new: ModelSpec?) {
        guard old != new else { return nil }
        self.key = key
        kind = old == nil ? .added : new == nil ? .removed : .changed
        fields = fieldChanges(from: old ?? ModelSpec(), to: new ?? ModelSpec())
    }
}

/// The models in which two sides differ, in the order of their keys.
func modelDifferences(
    from old: [ModelKey: ModelSpec], to new: [ModelKey: ModelSpec]
) -> [ModelDifference] {
    Set(old.keys).union(new.keys).sorted().compactMap { ModelDifference($0, from: old[$0], to: new[$0]) }
}

extension Acceptance {
    /// The same as ``modelDifferences(from:to:)``, of what is accepted and what would be.
    /// - Parameter accepted: the models of every root.
    func differences(from accepted: [ModelRecord]) -> [ModelDifference] {
        let known = Dictionary(
            accepted.filter { !$0.isRemoved }.map { ($0.key, $0.spec) }, uniquingKeysWith: { first, _ in first })
        let edited = changes.compactMap { change in
            ModelDifference(change.model.key, from: known[change.model.key], to: change.model.spec)
        }
        let gone = (removals + heldRemovals).compactMap { ModelDifference($0, from: known[$0], to: nil) }
        return (edited + gone).sorted { $0.key < $1.key }
    }
}

extension Difference {
    struct Document: Encodable {
        let version = 1
        var from: String
        var to: String
        var models: [ModelDifference]
        var diagnostics: [Diagnostic]
    }

    /// For programs.
    var document: Document { Document(from: from, to: to, models: models, diagnostics: diagnostics) }
}
