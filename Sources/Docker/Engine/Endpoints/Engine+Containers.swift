internal import FoundationEssentials
internal import NIOCore
internal import NIOHTTP1

extension Engine {
    /// Creates a container, which does not run yet. Returns its id. Maps to `POST /containers/create`.
    ///
    /// `refused(404)`: there is no such image. `refused(409)`: the name is taken.
    /// - Parameter order: encoded as the body that the API defines.
    package func createContainer(
        name: String, _ order: some Encodable & Sendable
    ) async throws(EngineError) -> String {
        let body: ByteBuffer
        do {
            body = ByteBuffer(bytes: try JSONEncoder().encode(order))
        } catch {
            throw .malformed("the order for the container cannot be written: \(error)")
        }
        let call = EngineCall(
            method: .POST, path: "/containers/create", query: [("name", name)], body: body, timeout: limits.change)
        return try await decode(Wire.Created.self, from: call).Id
    }

    /// Starts a container; one that runs already is a success. Maps to `POST /containers/{id}/start`.
    package func start(_ id: String) async throws(EngineError) {
        let call = EngineCall(
            method: .POST, path: try Self.path(id, "start"), timeout: limits.start)
        _ = try await exchange(call, accepting: [304])
    }

    /// Ends a container: its stop signal, after `grace` KILL. Returns when that is done.
    /// Maps to `POST /containers/{id}/stop`.
    /// - Parameter grace: rounded up to whole seconds, as the API counts.
    package func stop(_ id: String, grace: Duration) async throws(EngineError) -> StopResult {
        let seconds = grace.components.seconds + (grace.components.attoseconds > 0 ? 1 : 0)
        let call = EngineCall(
            method: .POST, path: try Self.path(id, "stop"), query: [("t", String(max(0, seconds)))],
            timeout: .seconds(max(0, seconds)) + limits.stopMargin)
        switch try await exchange(call, accepting: [304, 404]).status {
        case 304: return .wasNotRunning
        case 404: return .notFound
        default: return .stopped
        }
    }

    /// What came of a stop.
    package enum StopResult: Hashable, Sendable {
        case stopped
        case wasNotRunning
        case notFound
    }

    /// Sends a signal to a container's first process. Maps to `POST /containers/{id}/kill`.
    ///
    /// `refused(409)`: it does not run. `refused(404)`: there is none.
    /// - Parameter signal: a number, or a name such as `KILL`.
    package func kill(_ id: String, signal: String) async throws(EngineError) {
        let call = EngineCall(
            method: .POST, path: try Self.path(id, "kill"), query: [("signal", signal)],
            timeout: limits.change)
        _ = try await exchange(call)
    }

    /// Removes a container; one that is not there is a success. `refused(409)` where it runs and `force` is not set, or
    /// where a removal of it is under way. Maps to `DELETE /containers/{id}`.
    /// - Parameters:
    ///   - force: kills it first.
    ///   - volumes: removes its anonymous volumes too.
    package func remove(_ id: String, force: Bool = false, volumes: Bool = true) async throws(EngineError) {
        let call = EngineCall(
            method: .DELETE, path: try Self.path(id),
            query: [("force", String(force)), ("v", String(volumes))], timeout: limits.removal)
        _ = try await exchange(call, accepting: [404])
    }

    /// What the engine knows of a container; `nil` where there is none. Maps to `GET /containers/{id}/json`.
    /// - Parameter id: its id or its name.
    package func inspect(_ id: String) async throws(EngineError) -> ContainerDetails? {
        let call = EngineCall(
            method: .GET, path: try Self.path(id, "json"), timeout: limits.query)
        let reply = try await exchange(call, accepting: [404])
        guard reply.status != 404 else { return nil }
        return ContainerDetails(try Self.decode(Wire.Container.self, from: reply, call: call))
    }

    /// All containers that bear every one of `labels`, whether or not they run. Maps to `GET /containers/json`.
    /// - Parameter labels: an empty value stands for any value.
    package func list(labels: [String: String]) async throws(EngineError) -> [ContainerSummary] {
        let wanted = labels.sorted { $0.key < $1.key }.map { $0.value.isEmpty ? $0.key : "\($0.key)=\($0.value)" }
        let call = EngineCall(
            method: .GET, path: "/containers/json",
            query: [("all", "true"), ("filters", try Self.filters(["label": wanted]))], timeout: limits.query)
        return try await decode([Wire.Summary].self, from: call).map { ContainerSummary($0) }
    }

    /// What a container takes of memory now, in bytes: as `docker stats` shows it, without the page cache that the kernel
    /// can drop. `nil` where it does not run, or is not there. Maps to `GET /containers/{id}/stats`.
    package func memory(_ id: String) async throws(EngineError) -> Int64? {
        let call = EngineCall(
            method: .GET, path: try Self.path(id, "stats"),
            query: [("stream", "false"), ("one-shot", "true")], timeout: limits.query)
        let reply = try await exchange(call, accepting: [404])
        // Podman has nothing at all to say of one that does not run.
        guard reply.status != 404, reply.body.readableBytes > 0 else { return nil }
        return try Self.decode(Wire.Stats.self, from: reply, call: call).usedMemory
    }

    /// `/containers/{id}`, or what is below it. An empty id would name the list of all.
    static func path(_ id: String, _ below: String? = nil) throws(EngineError) -> String {
        guard !id.isEmpty else { throw .refused(status: 400, message: "no container is named") }
        return "/containers/\(percentEncoded(id))" + (below.map { "/" + $0 } ?? "")
    }
}
