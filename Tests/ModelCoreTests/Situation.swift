import ModelCore

/// The words in which the tests below describe models and instances.
enum Situation {
    /// The moment of every decision that does not say otherwise.
    static let now = Timestamp(milliseconds: 1_000_000_000)
    static let key = ModelKey(domain: "d", source: "s", model: "m")

    static func artifact(command: String = "serve", port: Int? = nil) -> SourceSpec {
        .localArtifact(LocalArtifactSpec(path: "/models/m", startupCommand: command, port: port))
    }

    static func spec(load: LoadPolicy? = nil, source: SourceSpec? = artifact()) -> ModelSpec {
        var spec = ModelSpec(baseURL: "http://localhost:1", source: source)
        spec.load = load
        return spec
    }

    /// An on-demand model that nothing asks for.
    static func model(
        _ spec: ModelSpec = spec(), key: ModelKey = key, generation: Int = 1,
        _ change: (inout ModelRecord) -> Void = { _ in }
    ) -> ModelRecord {
        var model = ModelRecord(key: key, spec: spec, generation: generation, root: "/manifests", file: "d.yaml")
        change(&model)
        return model
    }

    static func eager(_ change: (inout ModelRecord) -> Void = { _ in }) -> ModelRecord {
        model(spec(load: .eager), change)
    }

    static func demanded(_ change: (inout ModelRecord) -> Void = { _ in }) -> ModelRecord {
        var demanded = model()
        demanded.demand = .loaded(since: now + -10, by: "request")
        change(&demanded)
        return demanded
    }

    /// An instance that was launched, and entered its phase, ten seconds ago.
    static func instance(
        _ phase: Phase, id: String = "i", generation: Int = 1, isRouted: Bool = false,
        source: SourceSpec = artifact(), _ change: (inout InstanceRecord) -> Void = { _ in }
    ) -> InstanceRecord {
        var instance = InstanceRecord(
            id: InstanceID(id), key: key, generation: generation, attempt: 0, source: source.runFields,
            host: "localhost", port: 20000, createdAt: now + -11)
        instance.phase = phase
        instance.phaseSince = now + -10
        instance.startedAt = phase == .intent || phase == .gated ? nil : now + -10
        instance.isRouted = isRouted
        change(&instance)
        return instance
    }

    static func failure(
        _ classification: LoadFailure.Class = .retryable, _ message: String = "exited with code 1",
        at time: Timestamp = now
    ) -> LoadFailure {
        LoadFailure(classification, message, at: time)
    }

    static func backoff(
        failures: Int = 2, until nextAttempt: Timestamp, _ classification: LoadFailure.Class = .retryable
    ) -> Backoff {
        Backoff(failures: failures, lastFailure: failure(classification), nextAttempt: nextAttempt)
    }
}

extension InstanceID {
    static let i = InstanceID("i")
    static let other = InstanceID("other")
}

/// Reproducible chance: SplitMix64, whole sequences named by a seed.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: Int) {
        state = UInt64(truncatingIfNeeded: seed)
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// `true` once in `count` times.
    mutating func oneIn(_ count: Int) -> Bool { Int.random(in: 0..<count, using: &self) == 0 }
}
