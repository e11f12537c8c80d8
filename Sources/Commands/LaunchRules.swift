import Docker
import Glibc
import Launcher
import Manifests
import ModelCore
import Reconciler

/// What may be launched on this host: from which folders, from which images, and with which privileges.
///
/// `serve` asks before each launch, since the disk may have changed; `validate`, `plan` and `apply` with the same options
/// say the same beforehand.
struct LaunchRules: Sendable {
    let policy: LaunchPolicy
    private let files: DirectoryManifests
    private let sockets: EngineSockets

    /// - Parameter artifactRoots: folders besides the directory of manifests that artifacts and volumes may lie in;
    ///   absolute paths.
    init(policy: LaunchPolicy = LaunchPolicy(), artifactRoots: [String] = []) {
        self.policy = policy
        let environment = ProcessRuntime.ownEnvironment()
        let engine = try? EngineAddress.locate(environment: environment, home: environment["HOME"])
        sockets = EngineSockets(engine.map { [$0.socket] } ?? [])
        files = DirectoryManifests(artifactRoots: artifactRoots, sockets: sockets)
    }

    /// The manifests, with what these rules say against them.
    var manifests: any ManifestSource { JudgedManifests(files: files, policy: policy) }

    /// What speaks against a launch now, as opposed to the text of the manifest: a sentence.
    /// - Parameter root: the directory of manifests that the model is from.
    func obstacle(to source: SourceSpec, root: String) -> String? {
        if let objection = policy.objection(to: source) { return objection.sentence }
        do throws(ArtifactPathError) {
            if case .localArtifact(let spec) = source { try files.artifactRoots(of: root).check(path: spec.path) }
            if let container = source.container {
                for path in (container.volumes ?? [:]).keys.sorted() {
                    _ = try check(volume: path, opensSocket: container.dockerSocket ?? false, root: root)
                }
            }
            return nil
        } catch {
            return error.sentence
        }
    }

    /// The same for each volume, at the moment that it is mounted: the disk may have changed since ``obstacle(to:root:)``.
    func volumeCheck(root: String) -> VolumeCheck {
        { path, opensSocket throws(ContainerOrderError) in
            do throws(ArtifactPathError) {
                return try check(volume: path, opensSocket: opensSocket, root: root)
            } catch {
                throw ContainerOrderError("volumes: \(error.sentence)")
            }
        }
    }

    private func check(
        volume path: String, opensSocket: Bool, root: String
    ) throws(ArtifactPathError) -> String {
        try files.artifactRoots(of: root).check(volume: path, opensSocket: opensSocket, sockets: sockets)
    }
}

extension ArtifactPathError {
    fileprivate var sentence: String { [message, hint].compactMap(\.self).joined(separator: "; ") }
}

/// Manifests of which each model is judged by the policy. What it objects to is no mistake of a file: the file counts,
/// and that model alone is not launched.
private struct JudgedManifests: ManifestSource {
    let files: DirectoryManifests
    let policy: LaunchPolicy

    var changes: AsyncStream<Void> { files.changes }
    func follow(_ roots: [String], trouble: @escaping @Sendable (String) -> Void) {
        files.follow(roots, trouble: trouble)
    }

    func load(root: String) async -> ManifestSet {
        var set = await files.load(root: root)
        let objections = set.models.compactMap { model -> Diagnostic? in
            guard let source = model.spec.source, let objection = policy.objection(to: source) else { return nil }
            return Diagnostic(
                .error, file: model.file, line: model.line, message: "\(model.key): \(objection.message)",
                hint: objection.hint, isAboutDisk: true)
        }
        set.diagnostics = (set.diagnostics + objections).sorted {
            ($0.file, $0.line, $0.column, $0.message) < ($1.file, $1.line, $1.column, $1.message)
        }
        return set
    }
}
