import ModelCore

/// YAML files that lie where manifests lie, but belong to a model's artifacts: `conda.yaml` in `ROOT/models/`, say.
///
/// A file is passed over only if it lies in a folder that a model of another file has as its artifacts (or that holds
/// them), or that one of its own folder does, and if nothing in it looks like a manifest.
struct ForeignFiles {
    private let folders: Set<String>
    let warnings: [Diagnostic]

    init(_ files: [ManifestFile]) {
        // There may be thousands of files, and few folders in which something is suspect.
        let suspects = Set(files.filter { $0.candidate.folder != nil && $0.isForeign }.map(\.folder))
        var folders: Set<String> = []
        for file in files where !suspects.isEmpty {
            let claimed = file.models.flatMap(\.diskClaims).filter(\.isOfItsOwn).map(\.path)
            for candidate in suspects where !claimed.isEmpty && !folders.contains(candidate) {
                let holds =
                    candidate == file.folder
                    ? claimed.contains(candidate) : claimed.contains { isWithin($0, candidate) }
                if holds { folders.insert(candidate) }
            }
        }
        self.folders = folders
        warnings = files.filter { Self.contains($0, folders) }.map { file in
            Diagnostic(
                .warning, file: file.candidate.file,
                message: "the file has no `ml:` and lies among the artifacts of a model: it is not read as a manifest")
        }
    }

    func contains(_ file: ManifestFile) -> Bool { Self.contains(file, folders) }

    private static func contains(_ file: ManifestFile, _ folders: Set<String>) -> Bool {
        file.isForeign && folders.contains(file.folder)
    }
}
