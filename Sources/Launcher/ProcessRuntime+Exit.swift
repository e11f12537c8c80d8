internal import Glibc
package import ModelCore
internal import Ports
internal import ProcFS
package import Reconciler
internal import Synchronization

/// Seeing instances end, and saying how.
extension ProcessRuntime {
    /// Waits for the end of a shim. No more than descriptors is needed for it.
    func ended(_ shim: Shim, within limit: Duration) async -> ExitWatcher.Outcome {
        guard let watcher = ExitWatcher.shared else { return .failed(errno: EMFILE) }
        return await watcher.end(of: shim.pidfd, within: limit)
    }

    package func exit(of instance: InstanceRecord) async -> ExitVerdict {
        let shim: Shim
        switch held(instance.id) {
        case .gated(let held, _), .running(let held): shim = held
        case .concluding, .ended: return await conclude(instance, nil)
        case .reserved: return .unknown(reason: "it has not been launched")
        case nil:
            switch await locate(instance) {
            case .running(let found): shim = found
            case .ended(let verdict): return verdict
            case .unknown(let reason): return .unknown(reason: reason)
            }
        }
        var distance = TreeRecordings.firstDistance
        while true {
            switch await ended(shim, within: TreeRecordings.pause(about: distance)) {
            case .ended: return await conclude(instance, shim)
            case .cancelled: return .unknown(reason: "nobody waits for its end any more")
            case .failed(let code): return .unknown(reason: "its end cannot be watched: \(systemMessage(code))")
            case .timedOut:
                await recordTreeWithOthers(of: instance.id, shim)
                distance = min(distance * 2, TreeRecordings.longestDistance)
            }
        }
    }

    /// Says how an instance ended whose shim is gone, once for all who ask.
    /// - Parameter shim: the shim whose death was seen; `nil` where it was found dead.
    func conclude(_ instance: InstanceRecord, _ shim: Shim?) async -> ExitVerdict {
        let id = instance.id
        let task: Task<ExitVerdict, Never>? = table.withLock { table in
            switch table[id] {
            case .ended: return nil
            case .concluding(let task): return task
            case .reserved, .gated, .running, nil: break
            }
            // Awaited below, by this caller and all who come meanwhile; it is not theirs to cancel.
            let task = Task { await self.examineRemains(of: instance, shim) }
            table[id] = .concluding(task)
            return task
        }
        guard let task else {
            if case .ended(let verdict) = held(id) { return verdict }
            return .unknown(reason: "it was forgotten meanwhile")
        }
        let verdict = await task.value
        table.withLock { table in
            guard case .concluding(let current) = table[id], current == task else { return }
            // What could not be proved is examined again when somebody asks again.
            if case .exited = verdict { table[id] = .ended(verdict) } else { table[id] = nil }
        }
        return verdict
    }

    private func examineRemains(of instance: InstanceRecord, _ shim: Shim?) async -> ExitVerdict {
        let files = files(of: instance.id)
        let now = now
        return await blocking {
            let end = shim?.reap()
            // The shim writes it last, when nothing is left.
            if let report = files.exit() { return .exited(report.record(logTail: files.logTail())) }
            let remains = Remains(instance: instance, files: files, watchedDeath: shim != nil)
            return remains.verdict(shimEnd: end, at: now())
        }
    }
}
