/// What a reading of a root's manifests found beside what it changes.
package struct ManifestNotes: Hashable, Sendable {
    /// One a file, in the order of the files.
    package var faults: [ManifestFault]
    /// Models that are defined in another file than before.
    package var moves: [ManifestModel]

    package init(faults: [ManifestFault] = [], moves: [ManifestModel] = []) {
        self.faults = faults
        self.moves = moves
    }

    /// - Parameter set: with its conflicts decided.
    package init(_ set: ManifestSet, _ acceptance: Acceptance) {
        self.init(faults: set.faults, moves: acceptance.moves)
    }

    /// Whether there is nothing to remember about models.
    package var concernsNoModel: Bool { moves.isEmpty }
}

extension ManifestSet {
    /// What keeps each broken file from being accepted.
    fileprivate var faults: [ManifestFault] {
        guard !brokenFiles.isEmpty else { return [] }
        let errors = diagnostics.filter { $0.severity == .error && !$0.isAboutDisk }
        let first = Dictionary(errors.map { ($0.file, $0) }) { $0.hint == nil && $1.hint != nil ? $1 : $0 }
        return Set(brokenFiles).sorted().map { file in
            guard let error = first[file] else { return ManifestFault(file: file, message: "it cannot be accepted") }
            return ManifestFault(
                file: file, line: error.line, column: error.column, message: error.message, hint: error.hint)
        }
    }
}
