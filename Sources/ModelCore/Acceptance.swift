/// One model as a manifest defines it, before it is accepted.
package struct ManifestModel: Hashable, Sendable {
    package var key: ModelKey
    package var spec: ModelSpec
    /// Relative to the root.
    package var file: String
    package var line: Int

    package init(key: ModelKey, spec: ModelSpec, file: String, line: Int) {
        self.key = key
        self.spec = spec
        self.file = file
        self.line = line
    }
}

/// Everything that one reading of a root found.
package struct ManifestSet: Hashable, Sendable {
    /// The models of the files that are good as a whole.
    package var models: [ManifestModel]
    /// Files that are not good, relative to the root. While there is one, nothing of the root is removed.
    package var brokenFiles: [String]
    /// Everything found wrong, in the order of files and lines.
    package var diagnostics: [Diagnostic]
    /// What is between files of which each is good by itself. Not among ``diagnostics`` before that is decided.
    package var conflicts: [ManifestConflict]

    package init(
        models: [ManifestModel] = [], brokenFiles: [String] = [], diagnostics: [Diagnostic] = [],
        conflicts: [ManifestConflict] = []
    ) {
        self.models = models
        self.brokenFiles = brokenFiles
        self.diagnostics = diagnostics
        self.conflicts = conflicts
    }
}

/// What accepting a manifest set changes in the database.
package struct Acceptance: Hashable, Sendable {
    /// A new or changed model.
    package struct Change: Hashable, Sendable {
        package var model: ManifestModel
        package var generation: Int
        /// What changed from the accepted spec; empty for a new model.
        package var fields: [FieldChange]
        package var isNew: Bool
        /// Whether the change needs a new instance.
        package var replacesInstance: Bool
    }

    package var changes: [Change] = []
    package var removals: [ModelKey] = []
    /// Removals that the guard holds back: these models stay as they are.
    package var heldRemovals: [ModelKey] = []
    /// The line to run that lets ``heldRemovals`` pass; `nil` where there are none.
    package var removalRemedy: String?
    /// Models whose removal is no longer held back, because they are defined again.
    package var releasedRemovals: [ModelKey] = []
    /// Models that are now defined in another file of the root, and in nothing else changed: no change of what is desired.
    package var moves: [ManifestModel] = []
    /// Keys that the set defines but another root already owns: theirs stays.
    package var refused: [ModelKey] = []

    package init() {}

    package var isEmpty: Bool { changes.isEmpty && removals.isEmpty }
}
