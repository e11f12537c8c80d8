internal import Glibc
package import ModelCore
internal import ProcFS
package import Reconciler

/// Ending instances: the server is asked, then its whole tree is killed, and only a shim that does neither is killed
/// itself.
extension ProcessRuntime {
    /// How long a shim may take to kill and reap a whole tree: the kernel frees the memory of large models.
    private static let killPatience = Duration.seconds(20)

    package func stop(_ instance: InstanceRecord, grace: Duration) async -> ExitVerdict {
        let shim: Shim
        switch await locate(instance) {
        case .ended(let verdict): return verdict
        case .unknown(let reason): return .unknown(reason: reason)
        case .running(let found): shim = found
        }
        await recordTree(of: instance.id, shim)
        // A shim that somebody has suspended must wake to hear the rest. One that is still gated ends on TERM.
        shim.signal(SIGCONT)
        for (signal, patience) in [(SIGTERM, grace), (SIGUSR1, Self.killPatience)] {
            shim.signal(signal)
            switch await ended(shim, within: patience) {
            case .ended: return await conclude(instance, shim)
            case .cancelled: return .unknown(reason: "stopping it was interrupted")
            case .failed(let code): return .unknown(reason: "its end cannot be watched: \(systemMessage(code))")
            case .timedOut: continue
            }
        }
        return await killShim(instance, shim)
    }

    /// The last resort: what the shim could not end is left to the sweep, which needs to know what that is.
    private func killShim(_ instance: InstanceRecord, _ shim: Shim) async -> ExitVerdict {
        await recordTree(of: instance.id, shim)
        shim.signal(SIGKILL)
        guard case .ended = await ended(shim, within: Self.shimPatience) else {
            return .unknown(reason: "its shim, pid \(shim.pid), does not end even when killed")
        }
        return await conclude(instance, shim)
    }
}
