import Docker
import Foundation
import ModelCore
import Reconciler
import Synchronization
import TestSupport
import Testing

/// A real engine, a real registry, and the store under test, for one test.
final class ImageScope: Sendable {
    let engine: Engine
    let registry: PrivateRegistry
    let credentials: TestCredentials
    let store: ImageStore
    private let account: PrivateRegistry.Account?
    private let socket: String
    private let scratch: TemporaryDirectory
    private let woken = Mutex<[ModelKey: Int]>([:])
    /// Names that the engine has been given.
    private let named = Mutex<Set<String>>([])

    /// - Parameters:
    ///   - account: who is let in at the registry; `nil`: everybody.
    ///   - credentials: what the store introduces itself with.
    static func run(
        account: PrivateRegistry.Account? = nil, credentials: TestCredentials = TestCredentials(),
        limits: EngineLimits = EngineLimits(), _ body: @escaping @Sendable (ImageScope) async throws -> Void
    ) async throws {
        let scope = try await ImageScope(account: account, credentials: credentials, limits: limits)
        try await withThrowingTaskGroup { group in
            group.addTask { await scope.store.run() }
            group.addTask { await scope.listen() }
            defer { group.cancelAll() }
            try await body(scope)
        }
        try await scope.cleanUp()
    }

    private init(account: PrivateRegistry.Account?, credentials: TestCredentials, limits: EngineLimits) async throws {
        socket = try await PrivateEngine.shared().socket
        engine = Engine(address: EngineAddress(socket: socket), limits: limits)
        registry = try await PrivateRegistry(account: account)
        scratch = try TemporaryDirectory()
        self.account = account
        self.credentials = credentials
        store = ImageStore(engine: engine, credentials: credentials) { Timestamp(milliseconds: 1) }
    }

    private func listen() async {
        for await key in store.wakes { woken.withLock { $0[key, default: 0] += 1 } }
    }

    private func cleanUp() async throws {
        for name in named.withLock({ $0 }) { try await engine.removeImage(name) }
    }

    // MARK: - Images

    /// Builds an image and gives it a name at the engine.
    /// - Parameter layers: the size of each, in bytes; what is in them is random.
    func build(_ name: String, layers: [Int] = [64]) async throws {
        let folder = scratch.path("build")
        try? FileManager.default.removeItem(atPath: folder)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var lines = ["FROM scratch"]
        for (number, size) in layers.enumerated() {
            let bytes = try FileHandle(forReadingFrom: URL(fileURLWithPath: "/dev/urandom")).read(upToCount: size)
            try (bytes ?? Data()).write(to: URL(fileURLWithPath: "\(folder)/\(number)"))
            lines.append("ADD \(number) /")
        }
        try Data(lines.joined(separator: "\n").utf8).write(to: URL(fileURLWithPath: "\(folder)/Dockerfile"))
        try await docker("build", "-t", name, folder)
        _ = named.withLock { $0.insert(name) }
    }

    /// Builds a new image and publishes it as `repository:tag`. The engine forgets it, so that it has to be pulled.
    /// - Returns: `sha256:…`.
    @discardableResult
    func publish(_ name: String, layers: [Int] = [64]) async throws -> String {
        let build = "built-\(UInt32.random(in: 0 ... .max)):1"
        try await self.build(build, layers: layers)
        let full = try await registry.push(build, as: name, account: account, from: socket)
        let auth = account.map { RegistryAuth(username: $0.name, password: $0.password) }
        let digest = try await engine.distributionDigest(of: full, auth: auth)
        try await engine.removeImage(full)
        try await engine.removeImage(build)
        return digest
    }

    /// Publishes another image under a tag whose image is on the host, where it stays what it was.
    /// - Returns: the new image's digest.
    @discardableResult
    func publishBeside(_ name: String) async throws -> String {
        let full = "\(registry.host)/\(name)"
        let kept = "kept-\(UInt32.random(in: 0 ... .max))"
        try await engine.tagImage(full, as: kept, tag: "1")
        let digest = try await publish(name)
        // By its digest the engine knows it still.
        try await docker("tag", "\(kept):1", full)
        try await engine.removeImage("\(kept):1")
        return digest
    }

    /// Runs the `docker` command at the engine.
    func docker(_ arguments: String...) async throws {
        // The builder that needs no plug-in.
        try await runToEnd(
            ["docker", "-H", "unix://\(socket)"] + arguments, environment: ["DOCKER_BUILDKIT": "0"],
            scratch: scratch.path("output"))
    }

    /// The digests of the layers of a published image, the lowest first. Only where everybody is let in.
    func layers(of name: String) async throws -> [String] {
        struct Manifest: Decodable {
            struct Layer: Decodable { let digest: String }
            let layers: [Layer]
        }
        let parts = name.split(separator: ":")
        let text = try await runToEnd(
            [
                "curl", "-sS", "-H",
                "Accept: application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json",
                "http://\(registry.host)/v2/\(parts[0])/manifests/\(parts[1])",
            ], scratch: scratch.path("manifest"))
        return try JSONDecoder().decode(Manifest.self, from: Data(text.utf8)).layers.map(\.digest)
    }

    /// - Parameter port: where the registry is asked; `nil`: at its own.
    func request(_ name: String, _ policy: PullPolicy = .missing, port: Int? = nil) throws -> ImageRequest {
        let image = "127.0.0.1:\(port ?? registry.port)/\(name)"
        var spec = DockerSpec(image: image, container: ContainerSpec(containerPort: 80))
        spec.container.pull = policy
        _ = named.withLock { $0.insert(spec.image) }
        return try ImageRequest(spec)
    }

    // MARK: - Asking

    func timesWoken(_ key: ModelKey) -> Int { woken.withLock { $0[key] ?? 0 } }

    struct Provided: Sendable {
        var provision: Provision
        /// What was told on the way, in this order.
        var progress: [PullProgress]
    }

    static func failure(_ provided: Provided) throws -> LoadFailure {
        guard case .failed(let failure) = provided.provision else {
            throw ProgramError("did not fail: \(provided.provision)")
        }
        return failure
    }

    /// Asks for an image as a controller does: again at each wake, until it is there or has failed.
    func provide(_ request: ImageRequest, for key: ModelKey = key()) async throws -> Provided {
        var progress: [PullProgress] = []
        while true {
            let seen = timesWoken(key)
            let provision = await store.provide(request, for: key)
            guard case .underway(let now) = provision else { return Provided(provision: provision, progress: progress) }
            progress.append(now)
            try await eventually("\(key) is woken") { self.timesWoken(key) > seen }
        }
    }

    /// Asks again and again, for whoever has missed his wake.
    func provideAnew(_ request: ImageRequest, for key: ModelKey) async throws -> Provision {
        var provision = await store.provide(request, for: key)
        try await eventually("the image is there") {
            if case .underway = provision { provision = await self.store.provide(request, for: key) }
            if case .underway = provision { return false }
            return true
        }
        return provision
    }

    static func key(_ number: Int = 0) -> ModelKey {
        ModelKey(domain: "test", source: "model-\(number)", model: "default")
    }

    /// How often the registry has been asked what a name means: each pull asks the same.
    func questions(about name: String) -> Int {
        let parts = name.split(separator: ":")
        let path = "/v2/\(parts[0])/manifests/\(parts[1])"
        return registry.requests.count { $0.hasSuffix(path) && !$0.hasPrefix("PUT") }
    }
}
