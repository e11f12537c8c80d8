internal import Glibc
package import ModelCore
internal import Ports
internal import Reconciler
internal import Synchronization

/// Letting a container go.
extension DockerRuntime {
    package func release(_ id: InstanceID) async throws(LoadFailure) {
        guard case .created(let container, let reservation) = held(id) else {
            throw failure(.retryable, "the instance has not been prepared")
        }
        // The engine binds the port itself, and ours must not be in its way.
        reservation.give()
        do throws(EngineError) {
            try await start(container.id, port: reservation.port)
        } catch {
            // No answer is no proof that nothing has been started: it goes on as an instance that runs or does not, as
            // the engine says when it is back. Nothing is started in its place before that.
            guard case .refused = error else {
                noteUnanswered(error, start: id)
                table.withLock { $0.held[id] = .running(container) }
                return
            }
            throw await failure(error, port: reservation.port)
        }
        try await confirm(container, of: id)
    }

    /// Starts a container. Where its port turns out to be taken although nobody has it, tries once more: a program that
    /// this one was just starting had a copy of our socket for a moment.
    private func start(_ container: String, port: Int) async throws(EngineError) {
        do throws(EngineError) {
            try await engine.start(container)
        } catch {
            guard StartRefusal(error, isStart: true).isAboutPort,
                let reservation = try? await ports.take(fixed: port, host: Self.host)
            else { throw error }
            reservation.give()
            try await engine.start(container)
        }
    }

    private func failure(_ error: EngineError, port: Int) async -> LoadFailure {
        let refusal = StartRefusal(error, isStart: true)
        guard refusal.isAboutPort else { return refusal.failure(at: now()) }
        do throws(PortError) {
            try await ports.take(fixed: port, host: Self.host).give()
            return failure(.retryable, "port \(port) is in use, says the engine: \(refusal.words)")
        } catch {
            return LoadFailure(error, at: now())
        }
    }

    /// Looks at what was started. That it has ended by now is no failure of the launch: whoever waits for its exit is told.
    private func confirm(_ container: LaunchedContainer, of id: InstanceID) async throws(LoadFailure) {
        let details = try? await engine.inspect(container.id)
        guard let details, details.isRunning else {
            table.withLock { $0.held[id] = .running(container) }
            return
        }
        if case .foreign(let sentence)? = try? await engine.sharesNamespaces(with: details) {
            // Held as created: it is removed when the launch is abandoned.
            throw failure(.terminal, sentence)
        }
        table.withLock { $0.held[id] = .running(LaunchedContainer(details)) }
    }
}
