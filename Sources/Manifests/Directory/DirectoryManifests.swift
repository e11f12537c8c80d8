package import ModelCore
import Reconciler

/// Manifests in a directory: one file or one folder a domain.
///
/// A file is judged as a whole: one error, and none of its models counts. What only the disk is at fault for is
/// reported, and the model counts nevertheless.
package struct DirectoryManifests: ManifestSource {
    private let extraArtifactRoots: [String]
    private let sockets: EngineSockets
    private let watch = DirectoryWatch()

    /// - Parameters:
    ///   - artifactRoots: folders besides the root itself that artifacts may lie in; absolute paths.
    ///   - sockets: where container engines listen, which no container gets access to by accident.
    package init(artifactRoots: [String] = [], sockets: EngineSockets = .standard) {
        extraArtifactRoots = artifactRoots
        self.sockets = sockets
    }

    package func follow(_ roots: [String], trouble: @escaping @Sendable (String) -> Void) {
        watch.follow(roots.map { absolutePath($0, in: "/") }, trouble: trouble)
    }

    package var changes: AsyncStream<Void> { watch.changes }

    /// Where the artifacts of the models of `root` may lie. ``ArtifactRoots/check(path:)`` is for every launch.
    package func artifactRoots(of root: String) -> ArtifactRoots {
        ArtifactRoots([absolutePath(root, in: "/")] + extraArtifactRoots)
    }

    package func load(root: String) -> ManifestSet {
        let root = absolutePath(root, in: "/")
        let scan = ManifestScan(root: root)
        let all = scan.candidates.sorted { $0.file < $1.file }.map { ManifestFile($0) }
        let foreign = ForeignFiles(all)
        let files = all.filter { !foreign.contains($0) }

        Conflicts(files).report()
        let disk = DiskChecks(artifactRoots: artifactRoots(of: root), sockets: sockets)
        files.forEach { disk.check($0) }
        return set(files, failures: scan.failures, foreign: foreign)
    }

    private func set(
        _ files: [ManifestFile], failures: [(file: String, problem: Problem)], foreign: ForeignFiles
    ) -> ManifestSet {
        let good = files.filter { !$0.findings.isBroken }
        let broken = files.filter(\.findings.isBroken)
        let unreadable = failures.map { Diagnostic(.error, file: $0.file, message: $0.problem.message) }
        return ManifestSet(
            models: good.flatMap { file in
                file.models.map { model in
                    ManifestModel(
                        key: model.key, spec: model.spec, file: file.candidate.file, line: model.position.line)
                }
            },
            brokenFiles: (broken.map(\.candidate.file) + failures.map(\.file)).sorted(),
            diagnostics: (files.flatMap(\.findings.diagnostics) + unreadable + foreign.warnings).sorted(by: precedes))
    }

    private func precedes(_ a: Diagnostic, _ b: Diagnostic) -> Bool {
        (a.file, a.line, a.column, a.message) < (b.file, b.line, b.column, b.message)
    }
}
