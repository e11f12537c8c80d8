package import ModelCore

/// What becomes of desired state by applying manifests, or by going back to a revision: the one list that `plan` shows
/// and `apply` carries out.
package struct ChangePlan: Hashable, Sendable {
    package var root: String
    /// The part of the root that is meant; `nil`: all of it.
    package var scope: String?
    /// In the order of the keys.
    package var changes: [PlannedChange]
    /// Removals that the guard holds back.
    package var heldRemovals: [ModelKey]
    /// The line to run that lets them pass; `nil` where there are none.
    package var removalRemedy: String?
    /// Files that are not accepted; what they last defined stays.
    package var brokenFiles: [String]
    /// How many models each of these files has defined when it was last good.
    package var lastGood: [String: Int]
    /// Models of the root that wait for somebody to mend them.
    package var blocked: [BlockedModel]
    package var diagnostics: [Diagnostic]

    package init(
        root: String, scope: String? = nil, changes: [PlannedChange] = [], heldRemovals: [ModelKey] = [],
        removalRemedy: String? = nil, brokenFiles: [String] = [], lastGood: [String: Int] = [:],
        blocked: [BlockedModel] = [],
        diagnostics: [Diagnostic] = []
    ) {
        self.root = root
        self.scope = scope
        self.changes = changes
        self.heldRemovals = heldRemovals
        self.removalRemedy = removalRemedy
        self.brokenFiles = brokenFiles
        self.lastGood = lastGood
        self.blocked = blocked
        self.diagnostics = diagnostics
    }

    package var isEmpty: Bool { heldRemovals.isEmpty && changes.isEmpty }

    /// Whether the manifests themselves are at fault, rather than the disk of this host or its policy.
    package var isInvalid: Bool { diagnostics.contains { $0.severity == .error && !$0.isAboutDisk } }

    /// `1 to create, 2 to replace`; `nil` where there is nothing to do.
    package var summary: String? {
        var parts = PlannedChange.Action.allCases.compactMap { action -> String? in
            let count = changes.count { $0.action == action }
            return count > 0 ? "\(count) to \(action.rawValue)" : nil
        }
        if !heldRemovals.isEmpty { parts.append("\(heldRemovals.count) removals held") }
        return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }
}

/// What a plan does about one model.
package struct PlannedChange: Codable, Hashable, Sendable {
    /// In the order in which people are told.
    package enum Action: String, Codable, Hashable, Sendable, CaseIterable {
        /// A model that was not there before.
        case create
        /// Its run fields change: an instance, where one runs, is replaced.
        case replace
        /// Only other fields change: applied to what runs.
        case update
        case remove
    }

    package var key: ModelKey
    package var action: Action
    /// What changed, in one line.
    package var cause: String
    /// The fields that change, by their names in the manifest; empty for a new model and for one that goes.
    package var fields: [FieldChange]
    /// The manifest that defines it from now on, relative to the root, and the line where it begins; `nil` for one that
    /// goes.
    package var file: String?
    package var line: Int?
    /// What happens to what runs; `nil` where that was not asked.
    package var effect: PlannedEffect?

    package init(
        key: ModelKey, action: Action, cause: String, fields: [FieldChange] = [], file: String? = nil,
        line: Int? = nil, effect: PlannedEffect? = nil
    ) {
        self.key = key
        self.action = action
        self.cause = cause
        self.fields = fields
        self.file = file
        self.line = line
        self.effect = effect
    }
}

/// Where changes come from.
package enum ChangeOrigin: Hashable, Sendable {
    /// What the manifests on the disk say.
    case manifests
    /// What an earlier revision said.
    case revision(Int)
}

extension ChangePlan {
    /// What an assessment comes to, in words. Pure.
    /// - Parameters:
    ///   - accepted: the models of every root.
    ///   - instances: every live instance, oldest first.
    package init(
        _ assessment: ManifestApplier.Assessment, root: String, scope: String? = nil,
        origin: ChangeOrigin = .manifests, accepted: [ModelRecord], instances: [InstanceRecord], now: Timestamp
    ) {
        let acceptance = assessment.acceptance
        let ofRoot = accepted.filter { $0.root == root && !$0.isRemoved }
        let running = Dictionary(grouping: instances, by: \.key)
        self.init(
            root: root, scope: scope, heldRemovals: acceptance.heldRemovals,
            removalRemedy: acceptance.heldRemovals.isEmpty ? nil : acceptance.removalRemedy,
            brokenFiles: assessment.brokenFiles, diagnostics: assessment.diagnostics)
        for file in brokenFiles {
            let count = file == "." ? ofRoot.count : ofRoot.count { $0.file == file }
            if count > 0 { lastGood[file] = count }
        }
        blocked = ofRoot.filter { model in ManifestApplier.isMeant(model.file, by: scope) }
            .compactMap { BlockedModel($0, instances: running[$0.key] ?? []) }
        guard !acceptance.isEmpty else { return }
        let wording = ChangeWording(
            root: root, origin: origin,
            known: Dictionary(accepted.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first }),
            running: running, now: now)
        changes = (acceptance.changes.map { wording.change($0) } + acceptance.removals.map { wording.removal(of: $0) })
            .sorted { $0.key < $1.key }
    }
}

/// Puts changes into words.
private struct ChangeWording {
    let root: String
    let origin: ChangeOrigin
    let known: [ModelKey: ModelRecord]
    let running: [ModelKey: [InstanceRecord]]
    let now: Timestamp

    func change(_ change: Acceptance.Change) -> PlannedChange {
        let key = change.model.key
        let before = known[key]
        let action = action(of: change, before)
        return PlannedChange(
            key: key, action: action, cause: cause(of: change, action), fields: change.fields,
            file: change.model.file, line: change.model.line,
            effect: plannedEffect(
                of: change.applied(to: before, root: root), instances: running[key] ?? [], now: now))
    }

    func removal(of key: ModelKey) -> PlannedChange {
        let cause =
            switch origin {
            case .manifests: "no longer defined by any manifest"
            case .revision(let number): "not defined in revision \(number)"
            }
        let effect = known[key].map { model in
            var model = model
            model.isRemoved = true
            return plannedEffect(of: model, instances: running[key] ?? [], now: now)
        }
        return PlannedChange(key: key, action: .remove, cause: cause, effect: effect)
    }

    private func action(of change: Acceptance.Change, _ before: ModelRecord?) -> PlannedChange.Action {
        // One that is on its way out comes back.
        if change.isNew || before?.isRemoved ?? true { return .create }
        return change.replacesInstance ? .replace : .update
    }

    private func cause(of change: Acceptance.Change, _ action: PlannedChange.Action) -> String {
        switch action {
        case .create: "defined in \(change.model.file)"
        // Only where another directory has come to define it.
        case .update where change.fields.isEmpty: "defined in \(root)/\(change.model.file) now"
        case .replace, .update, .remove: change.fields.map(\.description).joined(separator: ", ")
        }
    }
}
