internal import FoundationEssentials

/// A directory of a test's own, deleted with everything in it when the last reference to it goes.
package final class TemporaryDirectory: Sendable {
    package let path: String

    /// Makes it below the system's directory for temporary files. Paths are kept short: a Unix socket's may have no
    /// more than 107 bytes.
    package init() throws {
        let name = "modelet-" + String(UInt64.random(in: .min ... .max), radix: 36)
        path = FileManager.default.temporaryDirectory.appendingPathComponent(name).path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    /// The path of `name` in it.
    package func path(_ name: String) -> String { path + "/" + name }

    deinit {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            print("warning: \(path) was left behind: \(error)")
        }
    }
}
