import Gateway
import Logging
import ModelCore
import Reconciler
import Synchronization
import Testing

/// Remembers for which models somebody has asked.
final class RecordedDemand: DemandSink {
    private let keys = Mutex<[ModelKey]>([])
    private let stream: AsyncStream<ModelKey>
    private let continuation: AsyncStream<ModelKey>.Continuation

    init() { (stream, continuation) = AsyncStream.makeStream() }

    var all: [ModelKey] { keys.withLock { $0 } }

    func demand(_ key: ModelKey) {
        keys.withLock { $0.append(key) }
        continuation.yield(key)
    }

    /// Waits for the first demand.
    func first() async throws -> ModelKey {
        try await within("a demand") {
            for await key in self.stream { return key }
            throw CancellationError()
        }
    }

    /// Waits until there have been as many demands.
    func count(_ count: Int) async throws {
        try await within("\(count) demands") {
            if self.all.count >= count { return }
            for await _ in self.stream where self.all.count >= count { return }
            throw CancellationError()
        }
    }
}

let scorer = ModelKey(domain: "churn", source: "scorer", model: "default")

extension Gateway {
    /// Where it listens; only for gateways that do.
    var address: Address { listeningAddress ?? Address(host: "nowhere", port: 0) }
}

/// Runs `body` with a gateway of two loops, which is closed afterwards.
func withGateway(
    trustedAuthorities: String? = nil, loops: Int = 2, certificate: ListenerCertificate? = nil,
    maxConnections: Int? = nil, isComplete: Bool = true,
    _ body: (Gateway, RecordedDemand) async throws -> Void
) async throws {
    let demand = RecordedDemand()
    let gateway = Gateway(
        demand: demand, log: Logger(label: "gateway.tests") { _ in SwiftLogNoOpLogHandler() }, loops: loops,
        trustedAuthorities: trustedAuthorities)
    do {
        await gateway.setCertificate(certificate)
        if isComplete { await gateway.completeRoutes() }
        _ = try await gateway.listen(host: "127.0.0.1", port: 0, maxConnections: maxConnections)
        try await body(gateway, demand)
    } catch {
        await gateway.close()
        throw error
    }
    await gateway.close()
}

/// A route of ``scorer``, or of another key.
func route(
    _ target: Route.Target, key: ModelKey = scorer, base: String? = nil, endpoint: String? = "/predict",
    _ change: (inout Route) -> Void = { _ in }
) -> RouteChange {
    let source = LocalArtifactSpec(path: "/models/scorer", startupCommand: "serve")
    let spec = ModelSpec(baseURL: base, endpoint: endpoint, source: .localArtifact(source))
    var route = Route(ModelRecord(key: key, spec: spec, root: "/manifests", file: "churn.yaml"), target: target)
    change(&route)
    return .set(route)
}

extension Route.Target {
    static func instance(_ upstream: StubUpstream, id: String = "instance-1") -> Route.Target {
        .instance(InstanceID(id), address: "127.0.0.1", port: upstream.port)
    }
}

/// A prediction as most clients would send it.
func post(
    _ body: String = "{\"x\":1}", path: String = "/orchestrator/churn/scorer", headers: String = ""
) -> String {
    "POST \(path) HTTP/1.1\r\nHost: models.test\r\n\(headers)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
}

extension Gateway {
    /// Sends one request on a connection of its own.
    func ask(_ request: String) async throws -> RawResponse {
        let client = try await RawClient.connect(address.port)
        try await client.send(request)
        let response = try await client.response()
        await client.close()
        return response
    }
}
