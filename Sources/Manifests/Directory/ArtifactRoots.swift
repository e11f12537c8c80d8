import Glibc

/// The folders that artifacts may lie in. `path` of a `local_artifact` must not leave them, wherever its symbolic
/// links lead.
package struct ArtifactRoots: Hashable, Sendable {
    package let roots: [String]

    /// - Parameter roots: absolute paths. One that does not exist contains nothing.
    package init(_ roots: [String]) {
        self.roots = roots
    }

    /// Checks the folder with a model's artifacts: that it exists and lies in a root once every symbolic link is
    /// resolved. Meant for manifests and, again, for every launch, since the disk may have changed. Reads the disk.
    /// - Parameter path: absolute.
    /// - Returns: the folder without symbolic links.
    @discardableResult
    package func check(path: String) throws(ArtifactPathError) -> String {
        let resolved: String
        do {
            resolved = try resolve(path)
        } catch {
            throw error.isMissing ? .missing(path: path) : .unreadable(path: path, reason: error.message)
        }
        guard roots.contains(where: { root in (try? resolve(root)).map { isWithin(resolved, $0) } ?? false }) else {
            throw .outside(path: path, resolved: resolved, roots: roots)
        }
        guard isDirectory(resolved) else { throw .notAFolder(path: path) }
        return resolved
    }
}

package enum ArtifactPathError: Error, Hashable, Sendable {
    case missing(path: String)
    case notAFolder(path: String)
    case unreadable(path: String, reason: String)
    case outside(path: String, resolved: String, roots: [String])

    /// A sentence.
    package var message: String {
        switch self {
        case .missing(let path): "\(path) does not exist"
        case .notAFolder(let path): "\(path) is not a folder"
        case .unreadable(let path, let reason): "\(path) cannot be read: \(reason)"
        case .outside(let path, let resolved, let roots):
            path == resolved
                ? "\(path) lies outside the artifact roots (\(roots.joined(separator: ", ")))"
                : "\(path) is really \(resolved), outside the artifact roots (\(roots.joined(separator: ", ")))"
        }
    }

    package var hint: String? {
        switch self {
        case .missing, .unreadable: nil
        case .notAFolder: "`path` is the working directory of the command; name a file in `startup_command`"
        case .outside: "move the artifacts there, or have their folder added to the artifact roots"
        }
    }
}
