internal import Glibc
package import ModelCore
internal import Ports
internal import Reconciler
internal import Synchronization

/// Runs instances as local processes, each below a shim that outlives this program.
///
/// The order of a launch is `reservePort`, `prepare`, (the caller records what it returned,) `release`. Between any two
/// of them this program may die: an instance that was not released ends by itself, one that was goes on.
///
/// SIGCHLD must not be ignored by the program, nor may anybody in it reap children that are not his own.
package final class ProcessRuntime: Runtime {
    let shimPath: String
    let runDirectory: String
    let stateUUID: String
    let inherited: [String: String]
    let descriptorLimit: DescriptorLimit?
    let now: @Sendable () -> Timestamp
    private let ports: PortAllocator
    let table = Mutex<[InstanceID: Held]>([:])
    let recordings = Mutex(TreeRecordings())

    /// What this program holds of an instance.
    enum Held {
        case reserved(PortReservation)
        case gated(Shim, Gate)
        case running(Shim)
        /// The task is awaited by all who want the verdict, and ends by itself within bounded time.
        case concluding(Task<ExitVerdict, Never>)
        case ended(ExitVerdict)
    }

    /// - Parameters:
    ///   - shim: the absolute path of `modelet-shim`.
    ///   - runDirectory: the absolute path of the folder of instances, made if missing; `STATE/run`.
    ///   - portRange: where ports come from that no manifest fixes.
    ///   - stateUUID: the name of the state, borne by every shim.
    ///   - environment: what servers inherit; the daemon's own.
    ///   - descriptorLimit: how many files a server may have open; `nil`: as many as this program.
    ///   - now: the clock that failures and exits are dated by.
    package init(
        shim: String, runDirectory: String, portRange: ClosedRange<Int>, stateUUID: String,
        environment: [String: String] = ProcessRuntime.ownEnvironment(), descriptorLimit: DescriptorLimit? = nil,
        now: @escaping @Sendable () -> Timestamp = hostTime
    ) {
        shimPath = shim
        self.runDirectory = runDirectory
        self.stateUUID = stateUUID
        inherited = environment
        self.descriptorLimit = descriptorLimit
        self.now = now
        ports = PortAllocator(range: portRange)
    }

    /// The environment of this program.
    package static func ownEnvironment() -> [String: String] {
        var values: [String: String] = [:]
        var next = environ
        while let assignment = next.pointee {
            let text = String(cString: assignment)
            if let equals = text.firstIndex(of: "="), equals != text.startIndex {
                values[String(text[..<equals])] = String(text[text.index(after: equals)...])
            }
            next += 1
        }
        return values
    }

    func files(of id: InstanceID) -> InstanceFiles { InstanceFiles(runDirectory: runDirectory, id: id) }

    func held(_ id: InstanceID) -> Held? { table.withLock { $0[id] } }

    // MARK: Ports

    package func reservePort(
        for id: InstanceID, source: SourceSpec, leased: Set<Int>
    ) async throws(LoadFailure) -> Int {
        do throws(LaunchProblem) {
            let reservation = try await reservation(for: source, leased: leased)
            table.withLock { $0[id] = .reserved(reservation) }
            return reservation.port
        } catch {
            throw error.failure(at: now())
        }
    }

    private func reservation(
        for source: SourceSpec, leased: Set<Int>
    ) async throws(LaunchProblem) -> PortReservation {
        guard case .localArtifact(let spec) = source else {
            throw .terminal("source type \(source.type) is not run as a process")
        }
        do throws(PortError) {
            guard let port = spec.port else { return try await ports.take(leased: leased) }
            if leased.contains(port) { throw .retryable("port \(port) is leased to another instance") }
            return try await ports.take(fixed: port, host: spec.effectiveHost)
        } catch {
            throw LaunchProblem(error)
        }
    }

    // MARK: What is known of an instance

    package func server(of instance: InstanceRecord) async -> ServerProcess? {
        let files = files(of: instance.id)
        return await blocking { files.server() }
    }

    package func logTail(of instance: InstanceRecord) async -> [String] {
        let files = files(of: instance.id)
        return await blocking { files.logTail() }
    }
}
