import Glibc
import ModelCore
import ProcFS

/// Whether a process is still the one that was recorded, for who only looks and signals nothing.
enum RecordedProcess {
    /// `nil` where that cannot be told: a container, or a process that cannot be seen from here.
    static func isRunning(_ instance: InstanceRecord) -> Bool? {
        guard let shim = instance.shim else { return nil }
        do throws(ProcFSError) {
            guard try ProcFS.bootID() == shim.bootID else { return false }
            // A pid means something only within its namespace.
            guard try ProcFS.pidNamespace(of: getpid()) == shim.pidNamespace else { return nil }
            let stat = try ProcFS.stat(shim.pid)
            return stat.startTicks == shim.startTicks && !stat.isZombie
        } catch {
            return error == .gone ? false : nil
        }
    }
}
