internal import NIOCore
internal import NIOHTTP1

extension Engine {
    /// Asks whether the engine is there, within ``EngineLimits/ping``. Maps to `GET /_ping`.
    package func ping() async throws(EngineError) -> EnginePing {
        try await ping(within: limits.ping)
    }

    func ping(within limit: Duration) async throws(EngineError) -> EnginePing {
        let call = EngineCall(method: .GET, path: "/_ping", timeout: limit)
        let reply = try await transport.exchange(call)
        guard reply.status == 200 else { throw EngineRefusal.error(status: reply.status, body: reply.body) }
        guard let version = reply.headers.first(name: "Api-Version").flatMap({ APIVersion($0) }) else {
            throw .malformed(
                "what answers at \(address) is no Docker engine: its ping names no version of Docker's API")
        }
        return EnginePing(apiVersion: version, isPodman: reply.isOfPodman)
    }

    /// Maps to `GET /version`.
    package func version() async throws(EngineError) -> EngineVersion {
        let call = EngineCall(method: .GET, path: "/version", timeout: limits.query)
        return EngineVersion(try await decode(Wire.Version.self, from: call))
    }

    /// Maps to `GET /info`.
    package func info() async throws(EngineError) -> EngineInfo {
        let call = EngineCall(method: .GET, path: "/info", timeout: limits.query)
        let reply = try await exchange(call)
        return EngineInfo(try Self.decode(Wire.Info.self, from: reply, call: call), isPodman: reply.isOfPodman)
    }
}

extension EngineReply {
    /// Podman says so in the head of every answer.
    fileprivate var isOfPodman: Bool { headers.contains(name: "Libpod-API-Version") }
}
