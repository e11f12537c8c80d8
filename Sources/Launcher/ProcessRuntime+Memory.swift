internal import Glibc
package import ModelCore
internal import Ports
internal import ProcFS
internal import Reconciler

/// What instances take of the memory.
extension ProcessRuntime {
    /// From one pass over all processes, however many instances there are.
    package func residentMemory(of instances: [InstanceRecord]) async -> [InstanceID: Int64] {
        let shims = instances.compactMap { instance in instance.shim.map { (instance.id, $0) } }
        guard !shims.isEmpty else { return [:] }
        return await blocking {
            guard let all = try? ProcFS.processes(), let bootID = try? ProcFS.bootID() else { return [:] }
            let forest = ProcessForest(all)
            return shims.reduce(into: [:]) { found, entry in
                let (id, shim) = entry
                guard shim.bootID == bootID,
                    all.contains(where: { $0.pid == shim.pid && $0.startTicks == shim.startTicks })
                else { return }
                let tree = [shim.pid] + forest.descendants(of: shim.pid).map(\.pid)
                // One that has ended meanwhile takes nothing.
                let sizes = tree.map { (try? ProcFS.residentMemory(of: $0)) ?? 0 }
                found[id] = Int64(clamping: sizes.reduce(0, +))
            }
        }
    }
}
