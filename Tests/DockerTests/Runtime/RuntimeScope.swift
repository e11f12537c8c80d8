import Docker
import FoundationEssentials
import Glibc
import Logging
import ModelCore
import Ports
import Reconciler
import Synchronization
import TestSupport
import Testing

/// A state of a test's own on the tests' engine, and runtimes on it. What a test has created goes with it.
final class RuntimeScope: Sendable {
    let engine: Engine
    let privateEngine: PrivateEngine
    let directory: TemporaryDirectory
    let stateUUID = UUID().uuidString.lowercased()
    let clock = TestClock()
    private let runtimes: AsyncStream<DockerRuntime>
    private let run: AsyncStream<DockerRuntime>.Continuation
    private let shared: Mutex<DockerRuntime?> = Mutex(nil)
    private let woken = Mutex<[ModelKey]>([])

    /// Of the stub server, whose flags are the container's command.
    static let image = "modelet-test/runtime-stub:latest"
    static let port = 8000
    /// The ports of all scopes together.
    static let ports = 20000...29999

    /// The first runtime; what it hears is heard while the body runs.
    var runtime: DockerRuntime {
        shared.withLock { runtime in
            let first = runtime ?? makeRuntime()
            runtime = first
            return first
        }
    }

    static func run(_ body: @escaping @Sendable (RuntimeScope) async throws -> Void) async throws {
        let scope = try await RuntimeScope()
        do {
            try await withThrowingTaskGroup { group in
                group.addTask {
                    await withDiscardingTaskGroup { running in
                        for await runtime in scope.runtimes {
                            running.addTask { await runtime.run() }
                        }
                        running.cancelAll()
                    }
                }
                defer { group.cancelAll() }
                try await body(scope)
            }
        } catch {
            try await scope.removeContainers()
            throw error
        }
        try await scope.removeContainers()
    }

    private init() async throws {
        privateEngine = try await PrivateEngine.shared()
        engine = Engine(address: EngineAddress(socket: privateEngine.socket))
        directory = try TemporaryDirectory()
        (runtimes, run) = AsyncStream.makeStream()
        try await Self.provideImage(privateEngine, directory)
    }

    /// Another controller's runtime on the same state, as after a crash of the first.
    /// - Parameter volumes: what may be mounted; usually whatever there is.
    func makeRuntime(
        engine other: Engine? = nil, volumes: @escaping VolumeCheck = { path, _ throws(ContainerOrderError) in path }
    ) -> DockerRuntime {
        let engine = other ?? engine
        var times = EngineWatch.Times()
        times.interval = .milliseconds(200)
        let watch = EngineWatch(
            engine: engine, labels: [ContainerLabels.stateName: stateUUID], times: times,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let runtime = DockerRuntime(
            engine: engine, watch: watch, images: NoImages(), runDirectory: directory.path("run"),
            ports: PortAllocator(range: Self.ports), stateUUID: stateUUID, environment: [:],
            volumes: { _ in volumes }, now: { [clock] in clock.now })
        run.yield(runtime)
        return runtime
    }

    func removeContainers() async throws {
        for container in try await engine.list(labels: [ContainerLabels.stateName: stateUUID]) {
            try await engine.remove(container.id, force: true)
        }
    }

    // MARK: - Launching

    func source(
        _ flags: [String] = [], image: String = image, _ change: (inout ContainerSpec) -> Void = { _ in }
    ) -> SourceSpec {
        var container = ContainerSpec(containerPort: Self.port)
        container.command = flags
        change(&container)
        return .docker(DockerSpec(image: image, container: container))
    }

    /// An intent, with its port reserved.
    func reserve(_ source: SourceSpec, with runtime: DockerRuntime? = nil) async throws -> InstanceRecord {
        var random = SystemRandomNumberGenerator()
        let id = InstanceID.make(at: Timestamp(milliseconds: 1_700_000_000_000), using: &random)
        let port = try await (runtime ?? self.runtime).reservePort(for: id, source: source, leased: [])
        var instance = InstanceRecord(
            id: id, key: ModelKey(domain: "d", source: "s", model: "m"), generation: 1, attempt: 0, source: source,
            host: "127.0.0.1", port: port, createdAt: Timestamp(milliseconds: 0))
        if case .docker(let spec) = source { instance.image = spec.image }
        return instance
    }

    func prepare(_ source: SourceSpec) async throws -> InstanceRecord {
        var instance = try await reserve(source)
        let prepared = try await runtime.prepare(instance)
        instance.containerID = prepared.containerID
        instance.engine = prepared.engine
        instance.phase = .gated
        return instance
    }

    func launch(_ source: SourceSpec) async throws -> InstanceRecord {
        var instance = try await prepare(source)
        try await runtime.release(instance.id)
        instance.phase = .starting
        return instance
    }

    /// Launches the stub and waits until it listens.
    func launchStub(_ flags: [String] = []) async throws -> InstanceRecord {
        let instance = try await launch(source(flags))
        try await eventually("the stub listens") { await self.isListening(instance) }
        return instance
    }

    func isListening(_ instance: InstanceRecord) async -> Bool {
        await runtime.logTail(of: instance).contains { $0.hasPrefix("listening") }
    }

    func details(of instance: InstanceRecord) async throws -> ContainerDetails? {
        try await engine.inspect(ContainerLabels.containerName(of: instance.id))
    }

    func file(_ name: String, of instance: InstanceRecord) -> String {
        directory.path("run/\(instance.id)/\(name)")
    }
}

/// Images are there already.
struct NoImages: ImageSource {
    var wakes: AsyncStream<ModelKey> { AsyncStream { $0.finish() } }
    func provide(_ source: SourceSpec, for key: ModelKey) async -> Provision { .ready(image: nil) }
    func leave(_ key: ModelKey) {}
    func currentImage(of source: SourceSpec) async -> String? { nil }
    func run() async {}
}

extension ExitVerdict {
    var record: ExitRecord? {
        if case .exited(let record) = self { record } else { nil }
    }
}

/// A wall clock that tests move.
final class TestClock: Sendable {
    private let time = Mutex(Timestamp(milliseconds: 1_000_000))

    var now: Timestamp { time.withLock { $0 } }

    func advance(by span: Seconds) { time.withLock { $0 = $0 + span } }
}
