/// A file that is to be read as a manifest.
struct ManifestCandidate {
    /// Relative to the root.
    var file: String
    var path: String
    /// The name of the folder below the root; `nil` for a file in the root itself.
    var folder: String?
    /// As it was when the folder was listed.
    var stamp: FileStamp
}

/// Which files of a root are manifests: `ROOT/*.yaml` and `ROOT/FOLDER/*.yaml` (or `.yml`), without those whose name
/// begins with a dot. What lies deeper is never looked at: artifacts have YAML files of their own.
struct ManifestScan {
    /// How many names a folder may hold before it is taken for a mistake, `/tmp` or a data set.
    static let mostNames = 10_000

    /// How many manifests a root may have: ten times what one host could run.
    static let mostManifests = 10_000

    private(set) var candidates: [ManifestCandidate] = []
    /// Files and folders that cannot be read, relative to the root; `.` is the root.
    private(set) var failures: [(file: String, problem: Problem)] = []

    init(root: String) {
        guard let listed = list(root, as: ".") else { return }
        for name in listed.nonTexts where name.isFolder || Self.isManifestName(name.shown) { failNonText(name.shown) }
        for name in listed.names where !name.hasPrefix(".") {
            let path = absolutePath(name, in: root)
            guard let entry = look(at: path, as: name) else { continue }
            switch entry.kind {
            case .folder: scanFolder(name, at: path)
            case .file, .other: addFile(name, at: path, in: nil, entry.stamp)
            case .dangling: fail(name, "is a symbolic link to nothing")
            }
        }
    }

    private mutating func scanFolder(_ folder: String, at path: String) {
        guard let listed = list(path, as: folder) else { return }
        for name in listed.nonTexts where !name.isFolder && Self.isManifestName(name.shown) {
            failNonText("\(folder)/\(name.shown)")
        }
        for name in listed.names where !name.hasPrefix(".") && Self.isManifestName(name) {
            let file = "\(folder)/\(name)"
            let path = absolutePath(name, in: path)
            guard let entry = look(at: path, as: file) else { continue }
            switch entry.kind {
            case .folder: break
            case .file, .other: addFile(name, at: path, in: folder, entry.stamp)
            case .dangling: fail(file, "is a symbolic link to nothing")
            }
        }
    }

    private mutating func addFile(_ name: String, at path: String, in folder: String?, _ stamp: FileStamp) {
        guard Self.isManifestName(name) else { return }
        guard candidates.count < Self.mostManifests else {
            if !failures.contains(where: { $0.file == "." }) {
                fail(".", "holds more than \(Self.mostManifests) manifests; the rest is not read")
            }
            return
        }
        let file = folder.map { "\($0)/\(name)" } ?? name
        candidates.append(ManifestCandidate(file: file, path: path, folder: folder, stamp: stamp))
    }

    private mutating func list(_ path: String, as name: String) -> FolderNames? {
        do {
            return try FolderNames(of: path, limit: Self.mostNames)
        } catch {
            let reason = error.code == tooManyNames ? "it holds more than \(Self.mostNames) names" : error.message
            fail(name, "cannot be read: \(reason)")
            return nil
        }
    }

    private mutating func look(at path: String, as name: String) -> (kind: EntryKind, stamp: FileStamp)? {
        do {
            return try Manifests.look(at: path)
        } catch {
            // What has gone since the folder was listed is not there.
            if !error.isMissing { fail(name, "cannot be read: \(error.message)") }
            return nil
        }
    }

    /// Whether nothing has changed since `earlier`: what was read in between is of one moment.
    func isSame(as earlier: ManifestScan) -> Bool {
        candidates.elementsEqual(earlier.candidates) { $0.file == $1.file && $0.stamp == $1.stamp }
            && failures.elementsEqual(earlier.failures) {
                $0.file == $1.file && $0.problem.message == $1.problem.message
            }
    }

    /// Notes that the root has changed whenever it was read.
    mutating func noteUnrest() {
        fail(".", "changes while it is read: it is read again, and nothing of it is removed before it rests")
    }

    private mutating func fail(_ file: String, _ reason: String) {
        let subject = file == "." ? "the folder of manifests" : "the file or folder"
        failures.append((file, Problem("\(subject) \(reason)")))
    }

    /// What was a manifest before it was renamed so has not been taken away, for all that anybody can tell.
    private mutating func failNonText(_ name: String) {
        guard !name.split(separator: "/").contains(where: { $0.hasPrefix(".") }) else { return }
        fail(name, "cannot be read: its name is not UTF-8; rename it")
    }

    static func isManifestName(_ name: String) -> Bool {
        name.hasSuffix(".yaml") || name.hasSuffix(".yml")
    }
}

extension ManifestCandidate {
    /// The domain where the file does not name one: the folder's name, else the file's stem.
    var defaultDomain: String {
        guard folder == nil else { return folder ?? "" }
        return String(file.dropLast(file.hasSuffix(".yaml") ? ".yaml".count : ".yml".count))
    }
}
