internal import CLinux
internal import Glibc
internal import ProcFS

/// Writes a ``LaunchPlan`` for the shim (docs/shim-protocol.md), into a file in memory: it holds secrets.
enum LaunchOrder {
    /// How much less a model server is worth than others when memory runs out; from 0 to 1000.
    private static let oomScore = 500

    /// The descriptor of the order, which the caller closes.
    static func write(_ plan: LaunchPlan, descriptorLimit: DescriptorLimit?) throws(SystemFailure) -> Int32 {
        var fields = [("executable", plan.executable), ("directory", plan.directory), ("oom-score", "\(oomScore)")]
        fields += plan.arguments.map { ("argument", $0) }
        fields += plan.environment.map { ("environment", $0) }
        if let user = plan.user {
            let ids = [user.user, user.group] + user.groups
            fields.append(("user", ids.map(String.init).joined(separator: ":")))
        }
        if let limit = descriptorLimit { fields.append(("descriptors", "\(limit.soft):\(limit.hard)")) }

        let file = clinux_memory_file("modelet-launch-order")
        guard file >= 0 else { throw SystemFailure("launch order", errno: errno) }
        do throws(SystemFailure) {
            try writeAll(fields.flatMap { Array("\($0.0)=\($0.1)".utf8) + [0] }, file, "launch order")
        } catch {
            close(file)
            throw error
        }
        return file
    }
}

/// How many files a server may have open: what this program was started with, where it has changed its own since.
package struct DescriptorLimit: Hashable, Sendable {
    package var soft: UInt64
    package var hard: UInt64

    package init(soft: UInt64, hard: UInt64) {
        self.soft = soft
        self.hard = hard
    }
}
