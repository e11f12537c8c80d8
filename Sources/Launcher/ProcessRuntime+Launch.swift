internal import CLinux
internal import Glibc
package import ModelCore
internal import Ports
internal import ProcFS
package import Reconciler
internal import Synchronization

/// The gated launch: everything of an instance but its effect, then the effect.
extension ProcessRuntime {
    package func prepare(_ instance: InstanceRecord) async throws(LoadFailure) -> PreparedInstance {
        do throws(LaunchProblem) {
            guard case .localArtifact(let spec) = instance.source else {
                throw .terminal("source type \(instance.source.type) is not run as a process")
            }
            guard case .reserved(let reservation) = held(instance.id) else {
                throw .retryable("no port has been reserved for the instance")
            }
            let (shim, gate) = try await blocking { [self] () throws(LaunchProblem) -> (Shim, Gate) in
                try launchShim(instance, spec, reservation)
            }
            table.withLock { $0[instance.id] = .gated(shim, gate) }
            // The shim holds the port from here on. Ours must not be in the way of the server.
            await blocking { spawning.withLock { _ in reservation.give() } }
            return PreparedInstance(shim: shim.identity)
        } catch {
            throw error.failure(at: now())
        }
    }

    private func launchShim(
        _ instance: InstanceRecord, _ spec: LocalArtifactSpec, _ reservation: PortReservation
    ) throws(LaunchProblem) -> (Shim, Gate) {
        let plan = try LaunchPlan(instance, spec, inherited: inherited)
        let files = files(of: instance.id)
        do throws(SystemFailure) {
            try files.create()
            let order = try LaunchOrder.write(plan, descriptorLimit: descriptorLimit)
            defer { close(order) }
            let (gate, shimEnd) = try Gate.make()
            defer { close(shimEnd) }
            let shim = try spawnShim(instance, files, [shimEnd, order] + reservation.sockets)
            return (shim, gate)
        } catch {
            if error.code == ENOENT && access(shimPath, X_OK) != 0 {
                throw .terminal("\(shimPath) is missing or may not be executed; install modelet again")
            }
            throw .retryable(error.message)
        }
    }

    private func spawnShim(
        _ instance: InstanceRecord, _ files: InstanceFiles, _ descriptors: [Int32]
    ) throws(SystemFailure) -> Shim {
        let log = open(files.shimLog, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard log >= 0 else { throw SystemFailure("cannot create \(files.shimLog)", errno: errno) }
        defer { close(log) }
        let words = [
            "modelet-shim", "--protocol", "1", "--instance", instance.id.text, "--model", "\(instance.key)",
            "--state", stateUUID, "--folder", files.path, "--gate", "3", "--order", "4",
            "--reserved", "\(descriptors.count - 2)",
        ]
        // The marker: whoever looks for what is left of the instance finds the shim, and its child before it is executed.
        let environment = ["\(ServerEnvironment.instanceMarker)=\(instance.id)", "MODELET_STATE=\(stateUUID)"]
        var pid: pid_t = 0
        let failure = withCStrings(words) { arguments in
            withCStrings(environment) { environment in
                spawning.withLock { _ in
                    clinux_spawn_shim(shimPath, arguments, environment, log, descriptors, descriptors.count, &pid)
                }
            }
        }
        if failure != 0 { throw SystemFailure("cannot start \(shimPath)", errno: failure) }
        return try identify(pid)
    }

    /// Takes the identity of a child that nobody has reaped, and whose pid therefore is its own.
    private func identify(_ pid: pid_t) throws(SystemFailure) -> Shim {
        let pidfd = clinux_pidfd_open(pid)
        if pidfd < 0 {
            let reason = errno
            kill(pid, SIGKILL)
            waitpid(pid, nil, 0)
            throw SystemFailure("cannot open process \(pid)", errno: reason)
        }
        do throws(ProcFSError) {
            return Shim(identity: try Shim.identity(of: pid, pidfd), pidfd: pidfd, isChild: true)
        } catch {
            _ = clinux_pidfd_send_signal(pidfd, SIGKILL)
            waitpid(pid, nil, 0)
            close(pidfd)
            throw SystemFailure("cannot identify process \(pid): /proc cannot be read", errno: error.code)
        }
    }

    package func release(_ id: InstanceID) async throws(LoadFailure) {
        guard case .gated(let shim, let gate) = held(id) else {
            throw LoadFailure(.retryable, "the instance has not been prepared", at: now())
        }
        guard gate.open() else {
            let files = files(of: id)
            let said = await blocking { (try? readFile(files.shimLog, limit: 4096)) ?? [] }
            let reason = said.isEmpty ? "it has ended" : String(decoding: said, as: UTF8.self)
            throw LoadFailure(.retryable, "modelet-shim could not begin: \(reason)", at: now())
        }
        table.withLock { $0[id] = .running(shim) }
    }

    /// How long a shim may take to end that has been told to, or sees that its gate is closed.
    static let shimPatience = Duration.seconds(5)

    package func abandon(_ id: InstanceID) async {
        switch held(id) {
        case .reserved(let reservation):
            table.withLock { $0[id] = nil }
            reservation.give()
        case .gated(let shim, let gate):
            // Nothing has been launched, so nothing can be left of it.
            let abandoned = ExitRecord(
                kind: .neverStarted, at: now(), message: "the launch was given up before it began")
            table.withLock { $0[id] = .ended(.exited(abandoned)) }
            gate.close()
            if case .ended = await ended(shim, within: Self.shimPatience) {} else { shim.signal(SIGKILL) }
            _ = await ended(shim, within: Self.shimPatience)
            let files = files(of: id)
            await blocking {
                _ = shim.reap()
                files.delete()
            }
        case .running, .concluding, .ended, nil: break
        }
    }
}

extension ProcFSError {
    fileprivate var code: Int32 {
        switch self {
        case .gone: ESRCH
        case .unreadable(let code): code
        }
    }
}

/// Held from fork to exec. In between a child has copies of all our descriptors, those of other launches among them: a
/// port that is given away meanwhile would stay taken for a moment, and the server to which it belongs would fail.
private let spawning = Mutex<Void>(())

/// Calls `body` with a NULL-terminated array of C strings.
private func withCStrings<Result>(
    _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
) -> Result {
    let pointers = strings.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    return body(pointers)
}
