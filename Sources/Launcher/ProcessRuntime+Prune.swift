internal import Glibc
package import ModelCore
internal import Ports
internal import Synchronization

/// Forgetting what ended long ago.
extension ProcessRuntime {
    /// Logs of ended instances are kept this long, in seconds: over a weekend.
    private static let keptSeconds: Int64 = 3 * 24 * 3600
    /// … but of no more instances than this: a server that crashes once a minute has 1440 of them a day.
    private static let mostKept = 200

    package func prune(keeping kept: Set<InstanceID>) async {
        table.withLock { table in
            for (id, held) in table where !kept.contains(id) {
                if case .ended = held { table[id] = nil }
            }
        }
        let inUse = kept.union(table.withLock { $0.keys })
        let directory = runDirectory
        let oldest = now().milliseconds / 1000 - Self.keptSeconds
        await blocking { Self.prune(directory, keeping: inUse, since: oldest) }
    }

    private static func prune(_ directory: String, keeping kept: Set<InstanceID>, since oldest: Int64) {
        var ended: [(files: InstanceFiles, changed: Int64)] = []
        for name in entries(of: directory) where InstanceID.isPlausible(name) && !kept.contains(InstanceID(name)) {
            let files = InstanceFiles(runDirectory: directory, id: InstanceID(name))
            var info = stat()
            guard stat(files.path, &info) == 0, info.st_mode & S_IFMT == S_IFDIR else { continue }
            // Whose shim may live belongs to somebody, known or not.
            guard [.free, .none].contains(files.lockState()) else { continue }
            ended.append((files, Int64(info.st_mtim.tv_sec)))
        }
        ended.sort { $0.changed > $1.changed }
        for (index, entry) in ended.enumerated() where index >= mostKept || entry.changed < oldest {
            entry.files.delete()
        }
    }

    private static func entries(of directory: String) -> [String] {
        guard let folder = opendir(directory) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    pointer.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
                })
        }
        return names
    }
}

extension InstanceID {
    /// Whether a file of this name can be an instance's: what people put beside them is left alone.
    fileprivate static func isPlausible(_ name: String) -> Bool {
        name.utf8.count == 36
            && name.utf8.allSatisfy {
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
                    || $0 == UInt8(ascii: "-")
            }
    }
}
