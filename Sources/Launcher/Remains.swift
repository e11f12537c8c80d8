internal import Glibc
internal import ModelCore
internal import ProcFS
internal import Reconciler

/// What is left of an instance whose shim ended without a report.
struct Remains {
    let instance: InstanceRecord
    let files: InstanceFiles
    let watchedDeath: Bool

    /// Ends what is proved to be left. Blocks for as long as ``Sweep`` does.
    /// - Parameter shimEnd: how the shim ended, as a sentence; `nil` where nobody knows.
    func verdict(shimEnd: String?, at time: Timestamp) -> ExitVerdict {
        // Who holds the lock is alive, whatever the recorded identity says.
        if case .held(let pid) = files.lockState(), !watchedDeath {
            return .unknown(
                reason: "process \(pid) holds \(files.path)/shim.lock, though it is not the shim that was recorded")
        }
        let bootID: String
        let namespace: UInt64
        do throws(ProcFSError) {
            bootID = try ProcFS.bootID()
            namespace = try ProcFS.pidNamespace(of: getpid())
        } catch {
            return .unknown(reason: "/proc cannot be read: \(error.sentence)")
        }
        if let shim = instance.shim, shim.bootID != bootID { return lost("the host was restarted while it ran", time) }
        let isHere = instance.shim?.pidNamespace == namespace
        let evidence = TreeEvidence(
            instance: instance.id, port: instance.port, shim: isHere ? instance.shim : nil,
            snapshot: files.recordedTree(), watchedDeath: watchedDeath)
        switch Sweep(evidence: evidence).run() {
        case .notProved(let reason):
            return .unknown(reason: "its shim is gone, and it cannot be proved that nothing is left: \(reason)")
        case .empty(let killed):
            guard files.server() != nil else { return neverStarted(shimEnd, time) }
            let left = killed == 0 ? "" : "; \(killed) of its processes were left and have been killed"
            return lost("\(shimEnd ?? "its shim ended without a report")\(left)", time)
        }
    }

    private func lost(_ message: String, _ time: Timestamp) -> ExitVerdict {
        .exited(ExitRecord(kind: .lost, at: time, message: message, logTail: files.logTail()))
    }

    /// The shim reports the server before it executes it: without a report nothing was executed.
    private func neverStarted(_ shimEnd: String?, _ time: Timestamp) -> ExitVerdict {
        let message = shimEnd.map { "it was never started: \($0)" } ?? "the launch was given up before it began"
        return .exited(ExitRecord(kind: .neverStarted, at: time, message: message))
    }
}
