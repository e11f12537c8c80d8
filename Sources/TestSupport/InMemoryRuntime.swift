package import ModelCore
package import Reconciler
import Synchronization

/// A host whose processes are entries in a table. It outlives the controllers that use it, as a real host does.
package final class InMemoryRuntime: Runtime {
    /// What a server does when it is launched.
    package enum Habit: Hashable, Sendable {
        case runs
        /// Ends only by SIGKILL.
        case ignoresTERM
        case exitsAtOnce(code: Int32, log: [String])
        case cannotBeExecuted
        case cannotBePrepared(LoadFailure.Class)
    }

    package struct Server: Sendable {
        package var instance: InstanceRecord
        package var isReleased = false
        package var exit: ExitRecord?
        package var isUnreadable = false
    }

    private struct State {
        var servers: [InstanceID: Server] = [:]
        var habits: [ModelKey: Habit] = [:]
        /// Of servers with this command; they outweigh those of their model.
        var commandHabits: [String: Habit] = [:]
        var nextPort = 20000
        var nextPID: Int32 = 1000
        var waiters: [InstanceID: [UInt64: CheckedContinuation<ExitVerdict, Never>]] = [:]
        var nextWaiter: UInt64 = 0
        var launches: [ModelKey: Int] = [:]
        var stops: [InstanceID] = []
        var reserved: Set<InstanceID> = []
        var mostReserved = 0
        var memory: [ModelKey: Int64] = [:]
        var mostAtOnce: [ModelKey: Int] = [:]
        var beforePreparing: @Sendable (_ command: String) async -> Void = { _ in }

        func habit(of instance: InstanceRecord) -> Habit {
            instance.source.command.flatMap { commandHabits[$0] } ?? habits[instance.key] ?? .runs
        }

        mutating func countAtOnce(_ key: ModelKey) {
            let count = servers.values.count { $0.instance.key == key && $0.isReleased && $0.exit == nil }
            mostAtOnce[key] = max(mostAtOnce[key] ?? 0, count)
        }
    }

    /// The images of containers.
    package let images = InMemoryImages()
    private let state = Mutex(State())
    private let time: any Timekeeper

    package init(time: any Timekeeper) {
        self.time = time
    }

    // MARK: - What tests do and see

    package func setHabit(_ habit: Habit, of key: ModelKey) {
        state.withLock { $0.habits[key] = habit }
    }

    /// What every server with this command does from now on; `nil`: what its model's do.
    package func setHabit(_ habit: Habit?, ofCommand command: String) {
        state.withLock { $0.commandHabits[command] = habit }
    }

    /// The commands of the servers that run.
    package func commands(_ key: ModelKey) -> [String] {
        state.withLock { state in
            state.servers.values.filter { $0.instance.key == key && $0.isReleased && $0.exit == nil }
                .compactMap { $0.instance.source.command }.sorted()
        }
    }

    /// The most servers of the model that have ever run at once.
    package func mostAtOnce(_ key: ModelKey) -> Int { state.withLock { $0.mostAtOnce[key] ?? 0 } }

    /// Servers that were let go and have not ended.
    package func running(_ key: ModelKey) -> [InstanceID] {
        state.withLock { state in
            state.servers.values.filter { $0.instance.key == key && $0.isReleased && $0.exit == nil }.map(\.instance.id)
        }
    }

    /// Whether a server that runs has this port.
    package func isListening(_ port: Int) -> Bool {
        state.withLock { state in
            state.servers.values.contains { $0.instance.port == port && $0.isReleased && $0.exit == nil }
        }
    }

    package func launches(of key: ModelKey) -> Int { state.withLock { $0.launches[key] ?? 0 } }
    package var stopped: [InstanceID] { state.withLock(\.stops) }
    /// The most ports that were held at one moment for instances that had not been let go.
    package var mostReserved: Int { state.withLock(\.mostReserved) }

    /// What happens while a process is about to be prepared, from now on.
    package func beforePreparing(_ body: @escaping @Sendable (_ command: String) async -> Void) {
        state.withLock { $0.beforePreparing = body }
    }

    /// Ends a server behind the controller's back.
    package func crash(_ id: InstanceID, code: Int32 = 1) {
        end(id, ExitRecord(kind: .exited(code: code), at: time.now(), message: "exited with code \(code)"))
    }

    /// Makes the identity of an instance neither provable nor disprovable, or provable again.
    package func setUnreadable(_ id: InstanceID, _ isUnreadable: Bool) {
        state.withLock { $0.servers[id]?.isUnreadable = isUnreadable }
    }

    /// What an instance of the model takes from now on, in bytes; it cannot be measured before.
    package func setMemory(_ bytes: Int64, of key: ModelKey) {
        state.withLock { $0.memory[key] = bytes }
    }

    private func end(_ id: InstanceID, _ exit: ExitRecord) {
        let waiters = state.withLock { state -> [CheckedContinuation<ExitVerdict, Never>] in
            guard state.servers[id]?.exit == nil else { return [] }
            state.servers[id]?.exit = exit
            return Array((state.waiters.removeValue(forKey: id) ?? [:]).values)
        }
        waiters.forEach { $0.resume(returning: .exited(exit)) }
    }

    // MARK: - Runtime

    package func reservePort(
        for id: InstanceID, source: SourceSpec, leased: Set<Int>
    ) async throws(LoadFailure) -> Int {
        state.withLock { state in
            state.reserved.insert(id)
            state.mostReserved = max(state.mostReserved, state.reserved.count)
        }
        if let port = source.fixedPort { return port }
        return state.withLock { state in
            repeat { state.nextPort += 1 } while leased.contains(state.nextPort)
            return state.nextPort
        }
    }

    package func prepare(_ instance: InstanceRecord) async throws(LoadFailure) -> PreparedInstance {
        if let command = instance.source.command { await state.withLock(\.beforePreparing)(command) }
        let habit = state.withLock { $0.habit(of: instance) }
        if case .cannotBePrepared(let classification) = habit {
            throw LoadFailure(classification, "cannot be prepared", at: time.now())
        }
        return state.withLock { state in
            state.nextPID += 1
            state.servers[instance.id] = Server(instance: instance)
            guard instance.source.container == nil else {
                return PreparedInstance(containerID: "container-\(instance.id)")
            }
            return PreparedInstance(
                shim: ProcessIdentity(
                    bootID: "boot", pid: state.nextPID, startTicks: UInt64(state.nextPID), pidNamespace: 1,
                    pidfdInode: nil))
        }
    }

    package func release(_ id: InstanceID) async throws(LoadFailure) {
        let released = state.withLock { state -> Habit? in
            state.reserved.remove(id)
            guard let instance = state.servers[id]?.instance else { return nil }
            state.servers[id]?.isReleased = true
            state.launches[instance.key, default: 0] += 1
            state.countAtOnce(instance.key)
            return state.habit(of: instance)
        }
        guard let habit = released else {
            throw LoadFailure(.retryable, "the instance has not been prepared", at: time.now())
        }
        switch habit {
        case .exitsAtOnce(let code, let log):
            end(
                id,
                ExitRecord(
                    kind: .exited(code: code), at: time.now(), message: "exited with code \(code)", logTail: log))
        case .cannotBeExecuted:
            end(id, ExitRecord(kind: .notExecuted(errno: 2), at: time.now(), message: "command not found"))
        case .runs, .ignoresTERM, .cannotBePrepared:
            break
        }
    }

    package func abandon(_ id: InstanceID) async {
        _ = state.withLock { $0.reserved.remove(id) }
        end(id, ExitRecord(kind: .neverStarted, at: time.now(), message: "never started"))
    }

    package func adopt(_ instance: InstanceRecord) async -> AdoptionVerdict {
        let now = time.now()
        return state.withLock { state in
            guard let server = state.servers[instance.id] else {
                return .gone(ExitRecord(kind: .lost, at: now, message: "no such process"))
            }
            if server.isUnreadable { return .unknown(reason: "cannot be read") }
            if let exit = server.exit { return .gone(exit) }
            // The gate was closed when the earlier controller died.
            guard server.isReleased else {
                let exit = ExitRecord(kind: .neverStarted, at: now, message: "never started")
                state.servers[instance.id]?.exit = exit
                return .gone(exit)
            }
            return .ours(server: ServerProcess(pid: 1, startTicks: 1))
        }
    }

    package func exit(of instance: InstanceRecord) async -> ExitVerdict {
        let id = instance.id
        let ticket = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let verdict = state.withLock { state -> ExitVerdict? in
                    guard let server = state.servers[id] else { return .unknown(reason: "never prepared") }
                    if let exit = server.exit { return .exited(exit) }
                    if Task.isCancelled { return .unknown(reason: "cancelled") }
                    state.waiters[id, default: [:]][ticket] = continuation
                    return nil
                }
                if let verdict { continuation.resume(returning: verdict) }
            }
        } onCancel: {
            let continuation = state.withLock { $0.waiters[id]?.removeValue(forKey: ticket) }
            continuation?.resume(returning: .unknown(reason: "cancelled"))
        }
    }

    package func stop(_ instance: InstanceRecord, grace: Duration) async -> ExitVerdict {
        let now = time.now()
        let end = state.withLock { state -> ExitRecord? in
            state.stops.append(instance.id)
            guard let server = state.servers[instance.id] else { return nil }
            guard server.isReleased else {
                return ExitRecord(kind: .neverStarted, at: now, message: "never started")
            }
            guard state.habit(of: instance) == .ignoresTERM else {
                return ExitRecord(kind: .signaled(signal: 15), at: now, message: "stopped")
            }
            return ExitRecord(
                kind: .signaled(signal: 9), at: now, message: "killed, because it did not end when asked to")
        }
        guard let end else {
            return .exited(ExitRecord(kind: .neverStarted, at: now, message: "never started"))
        }
        self.end(instance.id, end)
        return await exit(of: instance)
    }

    package func server(of instance: InstanceRecord) async -> ServerProcess? { ServerProcess(pid: 1, startTicks: 1) }
    package func residentMemory(of instances: [InstanceRecord]) async -> [InstanceID: Int64] {
        state.withLock { state in
            instances.reduce(into: [:]) { found, instance in
                guard let server = state.servers[instance.id], server.exit == nil else { return }
                found[instance.id] = state.memory[instance.key]
            }
        }
    }

    package func provide(_ source: SourceSpec, for key: ModelKey) async -> Provision {
        source.container == nil ? .ready(image: nil) : images.provide(source, for: key)
    }

    package func leave(_ key: ModelKey) async { images.leave(key) }
    package var wakes: AsyncStream<ModelKey> { images.wakes }
    package func currentImage(of source: SourceSpec) async -> String? { images.current(of: source) }

    package func sweep(live: @Sendable () async -> Set<InstanceID>?) async -> [String] {
        let found = state.withLock { state in state.servers.values.filter { $0.exit == nil }.map(\.instance.id) }
        await images.runBetweenListingAndLive()
        guard let live = await live() else { return [] }
        let leftovers = found.filter { !live.contains($0) }
        for id in leftovers { await abandon(id) }
        return leftovers.map { "\($0) was left behind, and is removed" }
    }

    package func logTail(of instance: InstanceRecord) async -> [String] {
        state.withLock { $0.servers[instance.id]?.exit?.logTail } ?? []
    }

    package func prune(keeping kept: Set<InstanceID>) async {}
}

extension SourceSpec {
    fileprivate var command: String? {
        if case .localArtifact(let spec) = self { spec.startupCommand } else { nil }
    }
}
