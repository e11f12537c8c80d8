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
