import Logging
import ModelCore
import Reconciler
import Synchronization
import TestSupport

/// A controller among fakes, whose host and store outlive it as they do in reality.
struct World {
    let time = ManualTime()
    let store: InMemoryStore
    let runtime: InMemoryRuntime
    let prober: ScriptedProber
    let manifests = ValueManifests()
    private let obstacle = Obstacle()
    static let root = "/manifests"

    /// What the disk says against every launch.
    private final class Obstacle: Sendable {
        let message = Mutex<String?>(nil)
    }

    func setObstacle(_ message: String?) { obstacle.message.withLock { $0 = message } }

    /// Whether containers run here, too.
    private let runsContainers: Bool

    init(containers: Bool = false) {
        runsContainers = containers
        store = InMemoryStore()
        runtime = InMemoryRuntime(time: time)
        prober = ScriptedProber(runtime: runtime)
    }

    /// Runs a controller while `body` lasts, then ends it as a crash would: with no step of its own.
    func run(
        startSlots: Int = 4, limits: HostLimits? = nil, _ body: (Controller, RecordingRoutes) async throws -> Void
    ) async throws {
        let routes = RecordingRoutes()
        let controller = controller(routes, limits: limits ?? HostLimits(startSlots: startSlots))
        try await controller.adoptInstances()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await controller.run() }
            try await controller.enqueueAll()
            let result: Result<Void, any Error>
            do {
                result = .success(try await body(controller, routes))
            } catch {
                result = .failure(error)
            }
            group.cancelAll()
            try? await group.waitForAll()
            try result.get()
        }
    }

    /// A controller that adopts, and dies before it does anything else.
    func adopt() async throws {
        try await controller(RecordingRoutes(), limits: HostLimits()).adoptInstances()
    }

    /// A controller that has adopted, and whose loop does not run.
    func controllerAtRest() async throws -> Controller {
        let controller = controller(RecordingRoutes(), limits: HostLimits())
        try await controller.adoptInstances()
        return controller
    }

    private func controller(_ routes: RecordingRoutes, limits: HostLimits) -> Controller {
        let runtime = runtime
        let obstacle = obstacle
        let runsContainers = runsContainers
        return Controller(
            Controller.Parts(
                store: store, runtime: { $0.container == nil || runsContainers ? runtime : nil },
                runtimes: runsContainers ? [runtime] : [], prober: prober, routes: routes, manifests: manifests,
                obstacle: { _, _ in obstacle.message.withLock(\.self) }, time: time,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }),
            limits: limits)
    }

    /// Defines exactly these models, and lets a running controller know.
    func define(_ specs: [ModelKey: ModelSpec], in controller: Controller? = nil) async throws {
        let models = specs.map { ManifestModel(key: $0.key, spec: $0.value, file: "m.yaml", line: 1) }
        manifests.set(ManifestSet(models: models), root: Self.root)
        let removalGuard = RemovalGuard(prune: true, allowEmpty: true)
        if let controller {
            _ = try await controller.apply(root: Self.root, removalGuard: removalGuard)
        } else {
            let applier = ManifestApplier(store: store, manifests: manifests)
            _ = try await applier.apply(directory: Self.root, removalGuard: removalGuard, at: time.now())
        }
    }

    func drift(of key: ModelKey) async throws -> String? { try await store.model(key)?.model.drift }
    func pull(of key: ModelKey) async throws -> PullProgress? { try await store.model(key)?.model.pull }

    func condition(of key: ModelKey) async throws -> ModelCondition? {
        guard let (model, instances) = try await store.model(key) else { return nil }
        return condition(model, instances)
    }

    private func condition(_ model: ModelRecord, _ instances: [InstanceRecord]) -> ModelCondition {
        ModelCore.condition(of: model, instances: instances, now: time.now())
    }
}

extension ModelKey {
    static let a = ModelKey(domain: "d", source: "a", model: "default")
    static let b = ModelKey(domain: "d", source: "b", model: "default")
}

extension ModelSpec {
    static func local(
        _ command: String = "serve", load: LoadPolicy? = nil, port: Int? = nil,
        _ change: (inout ModelSpec) -> Void = { _ in }
    ) -> ModelSpec {
        var spec = ModelSpec(
            endpoint: "/predict",
            source: .localArtifact(LocalArtifactSpec(path: "/artifact", startupCommand: command, port: port)))
        spec.load = load
        change(&spec)
        return spec
    }
}

extension ModelSpec {
    static func docker(
        _ image: String = "x:1", load: LoadPolicy? = nil, pull: PullPolicy? = nil, command: [String]? = nil,
        _ change: (inout ModelSpec) -> Void = { _ in }
    ) -> ModelSpec {
        var container = ContainerSpec(containerPort: 80)
        container.pull = pull
        container.command = command
        var spec = ModelSpec(endpoint: "/predict", source: .docker(DockerSpec(image: image, container: container)))
        spec.load = load
        change(&spec)
        return spec
    }
}

extension Route.Target? {
    /// The instance that serves.
    var instance: InstanceID? {
        if case .instance(let id, _, _) = self { id } else { nil }
    }

    var isInstance: Bool {
        if case .instance = self { true } else { false }
    }

    var unavailability: Unavailability? {
        if case .unavailable(let reason) = self { reason } else { nil }
    }

    func isCold(_ state: ModelState) -> Bool { self == .cold(state: state) }
}
