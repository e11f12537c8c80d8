package import ModelCore
internal import Reconciler
internal import Synchronization

/// What containers take of the memory.
extension DockerRuntime {
    package func residentMemory(of instances: [InstanceRecord]) async -> [InstanceID: Int64] {
        await withTaskGroup(of: (InstanceID, Int64?).self) { group in
            for instance in instances {
                guard let container = instance.containerID else { continue }
                if case .ended = held(instance.id) { continue }
                group.addTask { [engine] in (instance.id, (try? await engine.memory(container)) ?? nil) }
            }
            return await group.reduce(into: [:]) { found, entry in found[entry.0] = entry.1 }
        }
    }

    /// The files of containers lie among those of processes, and go with them; here only what ended is forgotten.
    package func prune(keeping kept: Set<InstanceID>) async {
        table.withLock { table in
            for (id, held) in table.held where !kept.contains(id) {
                if case .ended = held { table.held[id] = nil }
            }
            table.unsettled = table.unsettled.filter { kept.contains($0.key) }
        }
    }
}
