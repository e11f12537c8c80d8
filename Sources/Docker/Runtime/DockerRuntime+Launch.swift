internal import Glibc
package import ModelCore
internal import Ports
package import Reconciler
internal import Synchronization

/// The gated launch: everything of an instance but its effect.
extension DockerRuntime {
    /// Ports of containers are published here, and nowhere else.
    static let host = "127.0.0.1"

    package func reservePort(
        for id: InstanceID, source: SourceSpec, leased: Set<Int>
    ) async throws(LoadFailure) -> Int {
        do throws(PortError) {
            let reservation: PortReservation
            if let port = source.fixedPort {
                if leased.contains(port) { throw .retryable("port \(port) is leased to another instance") }
                reservation = try await ports.take(fixed: port, host: Self.host)
            } else {
                reservation = try await ports.take(leased: leased)
            }
            table.withLock { $0.held[id] = .reserved(reservation) }
            return reservation.port
        } catch {
            throw LoadFailure(error, at: now())
        }
    }

    package func prepare(_ instance: InstanceRecord) async throws(LoadFailure) -> PreparedInstance {
        guard case .reserved(let reservation) = held(instance.id) else {
            throw failure(.retryable, "no port has been reserved for the instance")
        }
        wanted.ring()
        let order = try await order(for: instance)
        table.withLock { $0.held[instance.id] = .creating(reservation) }
        let id = try await create(order, for: instance)
        table.withLock { $0.held[instance.id] = .created(LaunchedContainer(id: id), reservation) }
        // Asked after the creation: if another engine has taken over in between, that one does not know what it is to
        // start, and nothing runs whose engine is recorded wrongly.
        return PreparedInstance(containerID: id, engine: try await identity())
    }

    private func identity() async throws(LoadFailure) -> EngineIdentity? {
        do throws(EngineError) {
            return try await engine.identity()
        } catch {
            throw failure(.retryable, "its engine does not say which one it is: \(error)")
        }
    }

    private func create(
        _ order: ContainerOrder, for instance: InstanceRecord
    ) async throws(LoadFailure) -> String {
        let name = ContainerLabels.containerName(of: instance.id)
        do throws(EngineError) {
            do throws(EngineError) {
                return try await engine.createContainer(name: name, order)
            } catch .refused(status: 409, let message) {
                // An earlier try whose answer did not come, or somebody else.
                guard case .created(let details) = await find(instance) else {
                    throw .refused(status: 409, message: message)
                }
                try await engine.remove(details.id, force: true)
                return try await engine.createContainer(name: name, order)
            }
        } catch {
            throw StartRefusal(error, isStart: false).failure(at: now())
        }
    }

    func failure(_ classification: LoadFailure.Class, _ message: String) -> LoadFailure {
        LoadFailure(classification, message, at: now())
    }

    package func abandon(_ id: InstanceID) async {
        switch held(id) {
        case .reserved(let reservation):
            reservation.give()
            table.withLock { $0.held[id] = nil }
        case .creating(let reservation):
            reservation.give()
            // The engine may have created it without an answer.
            await removeUnstarted(id, ContainerLabels.containerName(of: id))
        case .created(let container, let reservation):
            reservation.give()
            await removeUnstarted(id, container.id)
        case .running, .concluding, .ended, nil: break
        }
    }

    /// Removes the container of a launch that was given up. What the engine does not do now, the sweep does later.
    private func removeUnstarted(_ id: InstanceID, _ name: String) async {
        let record = ExitRecord(
            kind: .neverStarted, at: now(), message: "the launch was given up before it began")
        table.withLock { $0.held[id] = .ended(record) }
        guard let details = try? await engine.inspect(name) else { return }
        if case .foreign = finding(details, of: id) { return }
        try? await engine.remove(details.id, force: true)
    }
}

extension LoadFailure {
    init(_ error: PortError, at time: Timestamp) {
        switch error {
        case .retryable(let message): self.init(.retryable, message, at: time)
        case .terminal(let message): self.init(.terminal, message, at: time)
        }
    }
}
