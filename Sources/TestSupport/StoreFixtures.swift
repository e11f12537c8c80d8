package import ModelCore
package import Reconciler

/// Values to fill a store with, each complete and like what a host would report.
package enum Sample {
    package static let root = "/srv/manifests"
    package static let key = ModelKey(domain: "churn", source: "scorer", model: "default")
    package static let otherKey = ModelKey(domain: "churn", source: "scorer", model: "second")

    /// A time that is not on a whole second.
    package static func time(_ seconds: Int64) -> Timestamp {
        Timestamp(milliseconds: 1_750_000_000_123 + seconds * 1000)
    }

    package static func spec(command: String = "python serve.py --port ${PORT}", load: LoadPolicy? = nil) -> ModelSpec {
        var source = LocalArtifactSpec(path: "/srv/models/churn", startupCommand: command)
        source.environment = ["OMP_NUM_THREADS": "2"]
        source.startupDelay = Seconds(milliseconds: 1500)
        var spec = ModelSpec(
            baseURL: "http://localhost:5002", endpoint: "/predict", source: .localArtifact(source))
        spec.load = load
        spec.headers = ["Content-Type": "application/json"]
        spec.readiness = .http(ProbeSpec(isStandard: true))
        return spec
    }

    package static func manifest(
        _ key: ModelKey = key, _ spec: ModelSpec = spec(), file: String = "churn.yaml", line: Int = 3
    ) -> ManifestModel {
        ManifestModel(key: key, spec: spec, file: file, line: line)
    }

    package static func intent(
        _ id: String = "0197a000-0000-7000-8000-000000000001", of key: ModelKey = key, generation: Int = 1,
        attempt: Int = 0, port: Int = 20_000, at: Timestamp = time(0)
    ) -> InstanceRecord {
        InstanceRecord(
            id: InstanceID(id), key: key, generation: generation, attempt: attempt,
            source: spec().source?.runFields ?? .localArtifact(LocalArtifactSpec(path: "/", startupCommand: "true")),
            host: "localhost", port: port, createdAt: at)
    }

    /// The intent of a container.
    package static func containerIntent(
        _ id: String = "0197a000-0000-7000-8000-0000000000c0", of key: ModelKey = key, port: Int = 20_080
    ) -> InstanceRecord {
        let source = SourceSpec.docker(DockerSpec(image: "python:3.12", container: ContainerSpec(containerPort: 80)))
        var intent = InstanceRecord(
            id: InstanceID(id), key: key, generation: 1, attempt: 0, source: source, host: "127.0.0.1", port: port,
            createdAt: time(0))
        intent.image = "docker.io/library/python@sha256:" + String(repeating: "a", count: 64)
        return intent
    }

    package static let shim = ProcessIdentity(
        bootID: "5b1f1c0a-7b5e-4b5c-9c38-0f3a52b0f3f1", pid: 4711, startTicks: 123_456_789,
        pidNamespace: 4_026_531_836, pidfdInode: .max - 1)
    package static let server = ServerProcess(pid: 4712, startTicks: 123_456_800)
    package static let address = "127.0.0.1"
    package static let engine = EngineIdentity(name: "docker 1 /var/lib/docker", address: "unix:///run/docker.sock")

    package static func exit(_ kind: ExitRecord.Kind = .exited(code: 3), at: Timestamp = time(60)) -> ExitRecord {
        ExitRecord(
            kind: kind, at: at, message: "exited with code 3", logTail: ["loading", "ValueError: \"x\"\n\u{1F4A5}"])
    }

    package static func backoff(failures: Int = 2, until: Timestamp = time(90)) -> Backoff {
        let failure = LoadFailure(.retryable, "exited with code 3", at: time(60), exit: exit())
        return Backoff(failures: failures, lastFailure: failure, nextAttempt: until)
    }
}

extension InstanceStore {
    /// Accepts models as the only ones of a root, as an `apply` would.
    @discardableResult
    package func accept(
        _ models: [ManifestModel], root: String = Sample.root, at: Timestamp = Sample.time(0)
    ) async throws -> Int {
        let everything = RemovalGuard(prune: true, allowEmpty: true)
        let acceptance = judge(
            ManifestSet(models: models), root: root, accepted: try await self.models(), guard: everything)
        return try await accept(acceptance, root: root, at: at)
    }

    /// Launches an instance and takes it as far as `phase`.
    package func launch(_ intent: InstanceRecord = Sample.intent(), to phase: Phase) async throws {
        let granted = try await begin(intent, cause: "demanded by a test", startSlots: 100, at: intent.createdAt)
        try expectEqual(granted, .granted)
        let path: [(Phase, StateChange)] = [
            (.gated, .gated(intent.id, PreparedInstance(shim: Sample.shim))),
            (.starting, .released(intent.id)),
            (.ready, .ready(intent.id, address: Sample.address)),
            (.unready, .unready(intent.id, reason: "readiness probe fails")),
            (.draining, .draining(intent.id, cause: "unloaded by a test")),
            (.stopping, .stopping(intent.id, cause: "unloaded by a test")),
            (.exited, .exited(intent.id, Sample.exit(), backoff: nil, endsDemand: true)),
        ]
        guard phase != .intent else { return }
        for (index, step) in path.enumerated() {
            try await commit(step.1, at: intent.createdAt + Seconds(Int64(index + 1)))
            if step.0 == phase { return }
        }
    }

    /// Records what was read in the manifests of a root that is not pinned.
    package func accept(_ acceptance: Acceptance, root: String, at time: Timestamp) async throws(StoreError) -> Int {
        try await accept(acceptance, root: root, cause: .edited, at: time)
    }

    /// Leased ports and the models that hold them.
    package func leasedPorts() async throws(StoreError) -> [Int: ModelKey] {
        try await ledger(limits: HostLimits(), uses: [:], at: Sample.time(0)).ports
    }

    /// One instance as it is now, if it is live.
    package func live(_ id: InstanceID) async throws -> InstanceRecord? {
        try await liveInstances().first { $0.id == id }
    }
}
