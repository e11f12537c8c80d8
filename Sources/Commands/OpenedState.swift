import Glibc
import Launcher
import ModelCore
import Reconciler
import StateStore

/// The state of this host, opened for writing: the lock is held and earlier controllers can write nothing more.
struct OpenedState {
    let directory: StateDirectory
    let store: SQLiteStore
    private let lock: StateLock

    /// Blocks. Ends with 75 and the holder's name where another controller runs.
    init(directory path: String) throws {
        directory = StateDirectory(path)
        do throws(StateLockError) {
            lock = try StateLock.acquire(at: directory)
        } catch {
            throw CommandFailure(error, directory: path)
        }
        do throws(StoreError) {
            store = try SQLiteStore.open(
                directory, claim: true, newUUID: Self.newUUID(), at: SystemTime().now())
        } catch {
            throw CommandFailure(error)
        }
    }

    private static func newUUID() -> String {
        var random = SystemRandomNumberGenerator()
        return InstanceID.make(at: SystemTime().now(), using: &random).text
    }

    func close() {
        // What was committed is on the disk; closing only gives files back.
        try? store.close()
        withExtendedLifetime(lock) {}
    }
}

extension StateDirectory {
    /// The admin API's socket.
    var socket: String { path + "/modelet.sock" }
    /// One folder an instance: its log, and what its shim reports.
    var run: String { path + "/run" }
}

/// Reads the state without taking it: also while a controller runs, and while none does.
func readState(_ path: String) throws -> StateSnapshot? {
    do throws(StoreError) {
        return try StateReader(StateDirectory(path)).snapshot()
    } catch {
        throw CommandFailure(error)
    }
}

extension CommandFailure {
    init(_ error: StateLockError, directory: String) {
        switch error {
        case .held(let pid, let command):
            let holder = pid.map { "pid \($0) (\(command))" } ?? command
            self.init("\(directory) is in use by another modelet: \(holder)", status: ExitStatus.locked)
        case .unavailable(let reason):
            self.init(reason)
        }
    }

    init(_ error: StoreError) {
        switch error {
        case .superseded: self.init("another modelet has taken over this state directory", status: ExitStatus.locked)
        case .unavailable(let reason), .refused(let reason): self.init(reason)
        }
    }
}
