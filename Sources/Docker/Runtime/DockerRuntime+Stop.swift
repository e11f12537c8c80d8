package import ModelCore
package import Reconciler
internal import Synchronization

/// Ending instances: the engine asks a container's first process with its stop signal, and kills it after the grace. The
/// kernel then kills what is left in the container.
extension DockerRuntime {
    package func stop(_ instance: InstanceRecord, grace: Duration) async -> ExitVerdict {
        switch held(instance.id) {
        case .concluding, .ended: return await conclude(instance)
        case .reserved, .creating, .created, .running, nil: break
        }
        switch await find(instance) {
        case .unknown(let reason): return .unknown(reason: Task.isCancelled ? Self.interrupted : reason)
        case .foreign(let sentence) where instance.containerID != nil: return .unknown(reason: sentence)
        case .created, .ended, .absent, .foreign: return await conclude(instance)
        case .running(let details): return await stop(details, of: instance, grace: grace)
        }
    }

    private static let interrupted = "stopping it was interrupted"

    private func stop(
        _ details: ContainerDetails, of instance: InstanceRecord, grace: Duration
    ) async -> ExitVerdict {
        // However it ends from now on, it was asked to.
        table.withLock { _ = $0.stopping.insert(instance.id) }
        do throws(EngineError) {
            do throws(EngineError) {
                _ = try await engine.stop(details.id, grace: grace)
            } catch .refused {
                // It may have ended and be gone by now, or hold on.
                if case .running = await find(instance) { try await engine.kill(details.id, signal: "KILL") }
            }
        } catch {
            if Task.isCancelled { return .unknown(reason: Self.interrupted) }
            noteUnsettled(instance)
            return .unknown(reason: "it could not be stopped: \(error)")
        }
        return await conclude(instance)
    }
}
