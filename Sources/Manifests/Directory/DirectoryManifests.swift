package import ModelCore
import Reconciler

/// Manifests in a directory: one file or one folder a domain.
///
/// A file is judged as a whole: one error, and none of its models counts. What only the disk is at fault for is
/// reported, and the model counts nevertheless. Which of two files is right that contradict each other is not decided
/// here: that depends on what is enforced.
package struct DirectoryManifests: ManifestSource {
    private let extraArtifactRoots: [String]
    private let sockets: EngineSockets
    private let watch = DirectoryWatch()
    private let memory = ManifestMemory()
    private let rest: FileRest

    /// - Parameters:
    ///   - artifactRoots: folders besides the root itself that artifacts may lie in; absolute paths.
    ///   - sockets: where container engines listen, which no container gets access to by accident.
    package init(artifactRoots: [String] = [], sockets: EngineSockets = .standard) {
        self.init(artifactRoots: artifactRoots, sockets: sockets, rest: FileRest())
    }

    init(artifactRoots: [String] = [], sockets: EngineSockets = .standard, rest: FileRest) {
        extraArtifactRoots = artifactRoots
        self.sockets = sockets
        self.rest = rest
    }

    package func follow(_ roots: [String], trouble: @escaping @Sendable (String) -> Void) {
        let roots = roots.map { absolutePath($0, in: "/") }
        memory.follow(roots)
        watch.follow(roots, trouble: trouble)
    }

    package var changes: AsyncStream<Void> { watch.changes }

    /// Where the artifacts of the models of `root` may lie. ``ArtifactRoots/check(path:)`` is for every launch.
    package func artifactRoots(of root: String) -> ArtifactRoots {
        ArtifactRoots([absolutePath(root, in: "/")] + extraArtifactRoots)
    }

    package func load(root: String) async -> ManifestSet {
        let root = absolutePath(root, in: "/")
        let memory = memory.of(root)
        let (set, restsIn) = read(root, memory, rest)
        guard let restsIn else { return set }
        // Once: of whoever writes on the watch tells, and a rescan reads it.
        await rest.pause(restsIn)
        return read(root, memory, rest).set
    }

    /// What is there now, whether or not it has rested.
    func loadAtOnce(root: String) -> ManifestSet {
        let root = absolutePath(root, in: "/")
        return read(root, memory.of(root), nil).set
    }

    /// - Returns: also how long it takes until all files have rested, where it cannot be known otherwise that they are whole.
    private func read(
        _ root: String, _ memory: RootMemory, _ rest: FileRest?
    ) -> (set: ManifestSet, restsIn: Seconds?) {
        let (scan, all) = readAtOneMoment(root, memory, rest)
        memory.forgetOthers(than: scan.candidates)
        let foreign = ForeignFiles(all)
        let files = all.filter { !foreign.contains($0) }

        let conflicts = Conflicts(files).all
        let disk = DiskChecks(artifactRoots: artifactRoots(of: root), sockets: sockets)
        files.forEach { disk.check($0) }
        return (
            set(files, failures: scan.failures, foreign: foreign, conflicts: conflicts),
            files.compactMap(\.restsIn).max()
        )
    }

    /// Reads all files as they were at one moment: where the folder has changed meanwhile, it is read again. Else a model
    /// that moves from one file to another, while a tree is swapped or removed, would be in neither.
    private func readAtOneMoment(
        _ root: String, _ memory: RootMemory, _ rest: FileRest?
    ) -> (ManifestScan, [ManifestFile]) {
        var scan = ManifestScan(root: root)
        var files: [ManifestFile] = []
        for _ in 0..<Self.mostReadings {
            files = scan.candidates.sorted { $0.file < $1.file }.map { ManifestFile($0, memory: memory, rest: rest) }
            let after = ManifestScan(root: root)
            if after.isSame(as: scan), files.allSatisfy(\.isAsListed) { return (scan, files) }
            scan = after
        }
        scan.noteUnrest()
        return (scan, files)
    }

    /// Whoever changes it all the time is read with the next rescan.
    private static let mostReadings = 4

    private func set(
        _ files: [ManifestFile], failures: [(file: String, problem: Problem)], foreign: ForeignFiles,
        conflicts: [ManifestConflict]
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
            diagnostics: (files.flatMap(\.findings.diagnostics) + unreadable + foreign.warnings).sorted(by: precedes),
            conflicts: conflicts)
    }

    private func precedes(_ a: Diagnostic, _ b: Diagnostic) -> Bool {
        (a.file, a.line, a.column, a.message) < (b.file, b.line, b.column, b.message)
    }
}
