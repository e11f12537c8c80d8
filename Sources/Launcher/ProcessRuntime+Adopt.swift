internal import CLinux
internal import Glibc
package import ModelCore
internal import Ports
internal import ProcFS
package import Reconciler
internal import Synchronization

/// Finding the instances of an earlier run of this program again.
extension ProcessRuntime {
    /// Where an instance is that this program has not launched itself.
    enum Located {
        case running(Shim)
        case ended(ExitVerdict)
        case unknown(reason: String)

        var isUnknown: Bool {
            switch self {
            case .unknown, .ended(.unknown): true
            case .running, .ended(.exited): false
            }
        }
    }

    package func adopt(_ instance: InstanceRecord) async -> AdoptionVerdict {
        switch await locate(instance) {
        case .unknown(let reason): return .unknown(reason: reason)
        case .ended(.unknown(let reason)): return .unknown(reason: reason)
        case .ended(.exited(let record)): return .gone(record)
        case .running(let shim):
            if case .ended = await waitIfEnding(instance, shim) {
                switch await conclude(instance, shim) {
                case .exited(let record): return .gone(record)
                case .unknown(let reason): return .unknown(reason: reason)
                }
            }
            await recordTree(of: instance.id, shim)
            return .ours(server: await server(of: instance))
        }
    }

    /// Finds the shim and proves that it is ours; where it is gone, says what has become of the instance. From then on
    /// the instance is held like one that this program launched.
    func locate(_ instance: InstanceRecord) async -> Located {
        switch held(instance.id) {
        case .gated(let shim, _), .running(let shim): return .running(shim)
        case .concluding, .ended: return .ended(await conclude(instance, nil))
        case .reserved, nil: break
        }
        var located = await locateUnheld(instance)
        // A shim that was just being started when its controller died may take its lock while we look. It is about to
        // see that its gate has closed; then it is clear what it was.
        for _ in 0..<Self.looksForLock where instance.shim == nil && located.isUnknown {
            try? await Task.sleep(for: Self.look)
            located = await locateUnheld(instance)
        }
        return located
    }

    private static let looksForLock = 50

    private func locateUnheld(_ instance: InstanceRecord) async -> Located {
        let files = files(of: instance.id)
        let lookup = await blocking {
            instance.shim.map { Shim.find($0) } ?? Shim.find(lockHolderOf: files)
        }
        switch lookup {
        case .unknown(let reason): return .unknown(reason: reason)
        case .gone: return .ended(await conclude(instance, nil))
        case .alive(let shim):
            // Who came first, when two look at once, keeps his: both are the same process.
            let kept = table.withLock { table in
                if case .running(let first) = table[instance.id] { return first }
                table[instance.id] = .running(shim)
                return shim
            }
            return .running(kept)
        }
    }

    /// How often to look whether a shim that may be ending has launched its server instead.
    private static let look = Duration.milliseconds(20)

    /// An instance whose release is not recorded was either released in the last moment, or its gate has closed and
    /// its shim is about to end. Waits until it is clear which, for at most ``shimPatience``.
    private func waitIfEnding(_ instance: InstanceRecord, _ shim: Shim) async -> ExitWatcher.Outcome {
        guard instance.phase == .intent || instance.phase == .gated else { return .timedOut }
        if case .gated = held(instance.id) { return .timedOut }
        let deadline = ContinuousClock.now + Self.shimPatience
        while ContinuousClock.now < deadline {
            switch await ended(shim, within: Self.look) {
            case .timedOut: if await server(of: instance) != nil { return .timedOut }
            case let outcome: return outcome
            }
        }
        // It holds on to a gate that somebody else keeps open. It is ours all the same, and can be stopped.
        return .timedOut
    }
}

extension Shim {
    /// Finds the shim of an instance whose identity was never recorded by the lock that it holds.
    static func find(lockHolderOf files: InstanceFiles) -> ShimLookup {
        switch files.lockState() {
        case .none, .free: return .gone(reason: "it was never launched")
        case .unreadable(let reason): return .unknown(reason: reason)
        case .held(by: 0): return .unknown(reason: "\(files.path)/shim.lock is held from where modelet cannot see")
        case .held(let pid):
            let pidfd = clinux_pidfd_open(pid)
            if pidfd < 0 { return .unknown(reason: "process \(pid) cannot be opened: \(systemMessage(errno))") }
            do throws(ProcFSError) {
                let shim = Shim(identity: try identity(of: pid, pidfd), pidfd: pidfd, isChild: false)
                // The descriptor stands for the holder only if it is still the holder.
                return files.lockState() == .held(by: pid)
                    ? .alive(shim) : .unknown(reason: "process \(pid) is just ending")
            } catch {
                close(pidfd)
                return .unknown(reason: "/proc/\(pid) cannot be read: \(error.sentence)")
            }
        }
    }
}
