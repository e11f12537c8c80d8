internal import Glibc
package import ModelCore
internal import ProcFS
internal import Reconciler
internal import Synchronization

/// Looking for the container of an instance.
extension DockerRuntime {
    enum Finding {
        case running(ContainerDetails)
        /// It exists and never ran.
        case created(ContainerDetails)
        case ended(ContainerDetails)
        /// The engine that had it has it no more.
        case absent
        /// What has its name or id is not the instance's: a sentence.
        case foreign(String)
        case unknown(reason: String)
    }

    /// Looks for the container by the id that was recorded, else by its name.
    /// - Parameter limit: how long to wait for the engine; `nil`: as long as it may take for such a question.
    func find(_ instance: InstanceRecord, within limit: Duration? = nil) async -> Finding {
        wanted.ring()
        let name = instance.containerID ?? ContainerLabels.containerName(of: instance.id)
        do throws(EngineError) {
            guard let details = try await inspect(name, within: limit) else {
                return try await absence(of: instance, within: limit)
            }
            return finding(details, of: instance.id)
        } catch {
            // A call that its caller gave up says nothing of the engine.
            if !Task.isCancelled { noteUnsettled(instance) }
            return .unknown(reason: "\(error)")
        }
    }

    func inspect(_ name: String, within limit: Duration?) async throws(EngineError) -> ContainerDetails? {
        guard let limit else { return try await engine.inspect(name) }
        if case .unreachable(let error) = watch.state { throw error }
        return try await Docker.within(limit, "an inspection") { () async throws(EngineError) in
            try await self.engine.inspect(name)
        }
    }

    func finding(_ details: ContainerDetails, of id: InstanceID) -> Finding {
        guard let labels = ContainerLabels(details.labels), labels.state == stateUUID, labels.instance == id else {
            return .foreign("container \(details.name) is not modelet's, though it has the name of this instance")
        }
        switch details.state {
        case .created, .initialized: return .created(details)
        case .exited, .dead, .stopped, .removing: return .ended(details)
        case .running, .paused, .restarting, .stopping: return .running(details)
        case .other: return .unknown(reason: "container \(details.name) is in a state that modelet does not know")
        }
    }

    /// Holds on to what runs, like to what this program has launched itself.
    @discardableResult
    func keep(_ details: ContainerDetails, of instance: InstanceRecord) -> LaunchedContainer {
        let container = LaunchedContainer(details)
        table.withLock { table in
            table.unansweredStarts[instance.id] = nil
            switch table.held[instance.id] {
            case .running, .created, .creating, .reserved, nil: table.held[instance.id] = .running(container)
            case .concluding, .ended: break
            }
        }
        return container
    }

    package func server(of instance: InstanceRecord) async -> ServerProcess? {
        if case .running(let container) = held(instance.id), let server = container.server { return server }
        guard case .running(let details) = await find(instance) else { return nil }
        return keep(details, of: instance).server
    }
}

/// What stays true of a container for as long as it runs.
struct LaunchedContainer: Hashable, Sendable {
    var id: String
    /// Its first process; `nil` while it does not run, or where this host's `/proc` does not show it.
    var server: ServerProcess?
    var hasHealthcheck = false
    var publishedPorts: [PublishedPort] = []

    init(id: String) {
        self.id = id
    }

    init(_ details: ContainerDetails) {
        id = details.id
        hasHealthcheck = details.health != nil
        publishedPorts = details.publishedPorts
        guard let pid = details.pid, let stat = try? ProcFS.stat(pid) else { return }
        server = ServerProcess(pid: pid, startTicks: stat.startTicks)
    }

    /// Whether its first process lives, as this host's `/proc` tells.
    var isAlive: Bool {
        guard let server, let stat = try? ProcFS.stat(server.pid) else { return false }
        return stat.startTicks == server.startTicks && !stat.isZombie
    }
}
