import FoundationEssentials
import Logging
import ModelCore
import Ports
import Reconciler
import Synchronization
import TestSupport
import Testing

@testable import Docker

/// An engine that gets there, and takes its time.
@Suite("Containers at a slow engine")
struct RuntimeSlowEngineTests {
    @Test("a container whose start was not answered in time is waited for, and not removed")
    func slowStart() async throws {
        try await Scope.run { request, reply, scope in
            switch (request.method, request.unversioned) {
            case ("POST", "/containers/c1/start"): try await reply.hang()
            case ("GET", "/containers/c1/json"):
                let looks = scope.looks.withLock { looks in
                    looks += 1
                    return looks
                }
                try await reply.answer(200, scope.container(looks < 3 ? "created" : "exited"))
            case ("GET", "/containers/c1/logs"): try await reply.answer()
            default: try await Scope.answerAsUsual(request, reply)
            }
        } _: { scope in
            let instance = try await scope.launch()
            let record = try #require(await scope.runtime.exit(of: instance).record)
            #expect(record.kind == .exited(code: 3), "\(record)")
            #expect(scope.looks.withLock(\.self) >= 3)
        }
    }

    @Test("an instance whose start was not answered is followed on when it is looked at again")
    func slowStartIsAdopted() async throws {
        try await Scope.run { request, reply, scope in
            switch (request.method, request.unversioned) {
            case ("POST", "/containers/c1/start"): try await reply.hang()
            case ("GET", "/containers/c1/json"): try await reply.answer(200, scope.container("created"))
            default: try await Scope.answerAsUsual(request, reply)
            }
        } _: { scope in
            let instance = try await scope.launch()
            #expect(await scope.runtime.adopt(instance) == .ours(server: nil))
            #expect(!scope.stub.requests.contains { $0.method == "DELETE" })
            // Whoever does not want it any more does not wait.
            #expect(await scope.runtime.stop(instance, grace: .zero).record?.kind == .neverStarted)
            #expect(scope.stub.requests.contains { $0.method == "DELETE" })
        }
    }

    @Test("a start that was not answered and has failed is told at once")
    func slowStartFails() async throws {
        try await Scope.run { request, reply, scope in
            switch (request.method, request.unversioned) {
            case ("POST", "/containers/c1/start"): try await reply.hang()
            case ("GET", "/containers/c1/json"):
                try await reply.answer(200, scope.container("created", error: "no such device"))
            default: try await Scope.answerAsUsual(request, reply)
            }
        } _: { scope in
            let instance = try await scope.launch()
            let record = try #require(await scope.runtime.exit(of: instance).record)
            #expect(record.kind == .neverStarted)
            #expect(record.message.contains("no such device"), "\(record)")
        }
    }

    @Test("an end that is examined for long keeps nobody from starting, and is told when it is known")
    func slowEnd() async throws {
        let gate = Bell()
        try await Scope.run { request, reply, scope in
            switch (request.method, request.unversioned) {
            case ("GET", "/containers/c1/json"): try await reply.answer(200, scope.container("exited"))
            case ("GET", "/containers/c1/logs"): try await reply.answer()
            case ("DELETE", _):
                await gate.wait()
                try await reply.answer(204)
            default: try await Scope.answerAsUsual(request, reply)
            }
        } _: { scope in
            let instance = scope.instance(.ready, container: "c1")
            let runtime = scope.runtime
            #expect(await runtime.adopt(instance) == .unknown(reason: "its end is being examined"))
            #expect(await runtime.adopt(instance) == .unknown(reason: "its end is being examined"))
            gate.ring()
            for await key in runtime.wakes {
                #expect(key == instance.key)
                break
            }
            guard case .gone(let record) = await runtime.adopt(instance) else {
                Issue.record("its end is known")
                return
            }
            #expect(record.kind == .exited(code: 3))
            #expect(scope.stub.requests.filter { $0.method == "DELETE" }.count == 1)
        }
    }
}

/// A runtime on a stub, and its one container, `c1`.
private final class Scope: Sendable {
    let stub: StubEngine
    let runtime: DockerRuntime
    /// How often the container has been looked at.
    let looks = Mutex(0)
    private let directory: TemporaryDirectory
    private let id: InstanceID
    private static let state = "5a7e0000-0000-4000-8000-000000000000"

    typealias Answer = @Sendable (StubEngine.Request, StubReply, Scope) async throws -> Void

    static func run(_ answer: @escaping Answer, _ body: @escaping @Sendable (Scope) async throws -> Void) async throws {
        let scope = try Scope()
        try await scope.stub.run { request, reply in
            if request.path == "/_ping" { return try await reply.pong() }
            try await answer(request, reply, scope)
        } _: {
            _ = try await scope.runtime.engine.agreedVersion(within: .seconds(60))
            try await body(scope)
        }
    }

    static func answerAsUsual(_ request: StubEngine.Request, _ reply: StubReply) async throws {
        switch (request.method, request.unversioned) {
        case ("POST", "/containers/create"): try await reply.answer(201, #"{"Id":"c1"}"#)
        case ("GET", let path) where path.hasPrefix("/images/"): try await reply.answer(200, #"{"Id":"sha256:1"}"#)
        case ("GET", "/info"): try await reply.answer(200, "{}")
        case ("DELETE", _): try await reply.answer(204)
        default: try await reply.answer(404, #"{"message":"no such thing"}"#)
        }
    }

    private init() throws {
        stub = try StubEngine()
        directory = try TemporaryDirectory()
        var limits = EngineLimits.patient
        limits.start = .milliseconds(100)
        let engine = Engine(address: EngineAddress(socket: stub.socket), limits: limits)
        let watch = EngineWatch(
            engine: engine, labels: [ContainerLabels.stateName: Self.state], times: EngineWatch.Times(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        runtime = DockerRuntime(
            engine: engine, watch: watch, images: NoImages(), runDirectory: directory.path("run"),
            ports: PortAllocator(range: RuntimeScope.ports), stateUUID: Self.state, environment: [:],
            volumes: { _ in { path, _ throws(ContainerOrderError) in path } },
            now: { Timestamp(milliseconds: 1_000_000) })
        var random = SystemRandomNumberGenerator()
        id = InstanceID.make(at: Timestamp(milliseconds: 1_700_000_000_000), using: &random)
    }

    func instance(_ phase: Phase, container: String? = nil, port: Int = 1) -> InstanceRecord {
        var instance = InstanceRecord(
            id: id, key: ModelKey(domain: "d", source: "s", model: "m"), generation: 1, attempt: 0,
            source: .docker(DockerSpec(image: "i:1", container: ContainerSpec(containerPort: 8000))),
            host: "127.0.0.1", port: port, createdAt: Timestamp(milliseconds: 0))
        instance.image = "i:1"
        instance.phase = phase
        instance.containerID = container
        return instance
    }

    func launch() async throws -> InstanceRecord {
        let source = instance(.intent).source
        let port = try await runtime.reservePort(for: id, source: source, leased: [])
        #expect(try await runtime.prepare(instance(.intent, port: port)).containerID == "c1")
        try await runtime.release(id)
        return instance(.starting, container: "c1", port: port)
    }

    func container(_ state: String, error: String = "") -> String {
        let labels = ContainerLabels(instance(.intent), state: Self.state).values
            .map { "\"\($0)\":\"\($1)\"" }.joined(separator: ",")
        return """
            {"Id":"c1","Name":"c1","State":{"Status":"\(state)","Pid":0,"ExitCode":3,"Error":"\(error)"},
            "Config":{"Labels":{\(labels)}}}
            """
    }
}
