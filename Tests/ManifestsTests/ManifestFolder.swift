import Foundation
@testable import Manifests
import ModelCore

/// A folder of manifests that lasts as long as this object.
final class ManifestFolder: Sendable {
    let path: String

    init() throws {
        let created = FileManager.default.temporaryDirectory.appending(path: "manifests-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: created, withIntermediateDirectories: true)
        // The temporary folder may itself be reached through a symbolic link.
        path = created.resolvingSymlinksInPath().path(percentEncoded: false)
    }

    /// A folder with these files: path below it → contents.
    convenience init(_ files: [String: String]) throws {
        try self.init()
        for (file, text) in files { try write(Data(text.utf8), to: file) }
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    func write(_ data: Data, to file: String) throws {
        let target = URL(filePath: "\(path)/\(file)")
        try FileManager.default.createDirectory(
            at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
        try data.write(to: target)
    }

    func replace(_ file: String, by text: String) throws { try write(Data(text.utf8), to: file) }

    func remove(_ file: String) throws { try FileManager.default.removeItem(atPath: "\(path)/\(file)") }

    func makeFolder(_ name: String) throws {
        try FileManager.default.createDirectory(atPath: "\(path)/\(name)", withIntermediateDirectories: true)
    }

    func link(_ name: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: "\(path)/\(name)", withDestinationPath: target)
    }

    /// What its files say where nothing is enforced that could decide between two of them.
    func load(artifactRoots: [String] = []) -> ManifestSet {
        DirectoryManifests(artifactRoots: artifactRoots).loadAtOnce(root: path).decided(root: path, accepted: []).set
    }

    /// What accepting its files would change, where `accepted` is enforced.
    func judged(_ accepted: [ModelRecord], guard removalGuard: RemovalGuard = RemovalGuard()) -> Acceptance {
        judge(DirectoryManifests().loadAtOnce(root: path), root: path, accepted: accepted, guard: removalGuard)
    }

    /// Its models as they are recorded once they have been accepted.
    func accepted() throws -> [ModelRecord] {
        let set = load()
        guard set.brokenFiles.isEmpty else { throw UnexpectedlyBroken(errors: set.diagnostics.map(\.rendered)) }
        return set.models.map { ModelRecord(key: $0.key, spec: $0.spec, root: path, file: $0.file) }
    }

    struct UnexpectedlyBroken: Error {
        let errors: [String]
    }
}

/// What a root gives that holds `churn.yaml` with this text alone.
func load(_ text: String) throws -> ManifestSet {
    try ManifestFolder(["churn.yaml": text]).load()
}

/// A manifest with one model, `s/m`, whose `source` has these lines.
func manifest(source lines: String) -> String {
    let indented = lines.split(separator: "\n", omittingEmptySubsequences: false).map { "            \($0)" }
    return """
        ml:
          sources:
            s:
              models:
                m:
                  source:
        \(indented.joined(separator: "\n"))

        """
}

/// A manifest with one HTTP model, `s/m`, that has these lines.
func manifest(model lines: String) -> String {
    let indented = lines.split(separator: "\n", omittingEmptySubsequences: false).map { "          \($0)" }
    return """
        ml:
          sources:
            s:
              base_url: http://localhost:1
              models:
                m:
        \(indented.joined(separator: "\n"))

        """
}

extension ManifestSet {
    /// `line:column: message` of every error that is about the text.
    var errors: [String] {
        diagnostics.filter { $0.severity == .error && !$0.isAboutDisk }
            .map { "\($0.line):\($0.column): \($0.message)" }
    }

    var diskErrors: [Diagnostic] { diagnostics.filter(\.isAboutDisk) }
    var warnings: [Diagnostic] { diagnostics.filter { $0.severity == .warning } }

    func spec(_ key: String) -> ModelSpec? {
        models.first { $0.key.description == key }?.spec
    }
}
