import Glibc

/// Which folders have to be watched so that no edit of a root's manifests goes unseen, and which names in them matter.
///
/// Beside the root and its folders these are the folders through which their paths lead: a root that is deleted and made
/// again, or a symbolic link that is pointed elsewhere (the way in which mounted configuration is swapped as a whole), is
/// a change of a name in one of those.
struct WatchPlan: Equatable {
    /// What matters in one folder.
    struct Interest: Equatable {
        /// These names, whatever happens to them.
        var names: Set<String> = []
        /// Whether files in it are manifests.
        var holdsManifests = false
        /// Whether folders in it hold manifests: then every visible name may come to be one.
        var holdsFolders = false
    }

    /// By the path of the folder, without symbolic links.
    private(set) var folders: [String: Interest] = [:]

    /// How many symbolic links a path may lead through, as in the kernel.
    private static let mostLinks = 40

    /// Reads the disk. What cannot be read is left out; a folder above it tells when that changes.
    init(roots: [String]) {
        for root in roots { addRoot(root) }
    }

    private mutating func addRoot(_ root: String) {
        guard let folder = follow(root), isDirectory(folder) else { return }
        folders[folder, default: Interest()].holdsManifests = true
        folders[folder, default: Interest()].holdsFolders = true
        for name in visibleNames(in: folder) {
            guard let target = follow("\(folder)/\(name)"), isDirectory(target) else { continue }
            folders[target, default: Interest()].holdsManifests = true
            for name in visibleNames(in: target) where ManifestScan.isManifestName(name) {
                _ = follow("\(target)/\(name)")
            }
        }
    }

    private func visibleNames(in folder: String) -> [String] {
        (try? FolderNames(of: folder, limit: ManifestScan.mostNames))?.names.filter { !$0.hasPrefix(".") } ?? []
    }

    /// Walks along a path as the kernel would, and notes every name that it depends on.
    /// - Returns: the path without symbolic links; `nil` where it leads nowhere.
    private mutating func follow(_ path: String) -> String? {
        var rest = path.split(separator: "/").map(String.init)[...]
        var folder = ""
        var links = 0
        while let name = rest.popFirst() {
            if name == "." { continue }
            if name == ".." {
                folder = String(folder.prefix(upTo: folder.lastIndex(of: "/") ?? folder.startIndex))
                continue
            }
            folders[folder.isEmpty ? "/" : folder, default: Interest()].names.insert(name)
            let next = "\(folder)/\(name)"
            var info = stat()
            guard lstat(next, &info) == 0 else { return nil }
            guard info.st_mode & S_IFMT == S_IFLNK else {
                folder = next
                continue
            }
            links += 1
            guard links <= Self.mostLinks, let target = linkTarget(next) else { return nil }
            if target.hasPrefix("/") { folder = "" }
            rest = target.split(separator: "/").map(String.init) + rest
        }
        return folder.isEmpty ? "/" : folder
    }

    private func linkTarget(_ path: String) -> String? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(path, &buffer, buffer.count)
        guard count > 0 else { return nil }
        return String(decoding: buffer.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

extension WatchPlan.Interest {
    /// Whether what happened to `name` can have changed the manifests.
    /// - Parameter isWrite: whether only its content or its permissions changed: of a file that is no manifest, that says
    ///   nothing.
    func concerns(_ name: String, isWrite: Bool) -> Bool {
        // What a link that is followed leads to, under whatever name.
        if names.contains(name) { return true }
        guard !name.hasPrefix(".") else { return false }
        return ManifestScan.isManifestName(name) ? holdsManifests : holdsFolders && !isWrite
    }
}
