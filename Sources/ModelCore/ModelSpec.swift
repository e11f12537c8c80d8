/// The desired state of one model, as its manifest gives it.
///
/// A field that a manifest leaves out is `nil` here and in the database: defaults are never materialised, so that a
/// later version may add a field without making any stored spec look changed. What holds in its place is read through
/// ``ModelSpec/effective``.
///
/// Fields of ``source`` are *run fields*, a change of which needs a new instance, but for those that
/// ``SourceSpec/runFields`` leaves out: how long to wait for readiness, and how an image is obtained.
/// All others are *route fields*, applied to what runs.
package struct ModelSpec: Codable, Hashable, Sendable {
    /// The fallback where the model has a ``source``; the upstream itself where it has none.
    package var baseURL: String?
    /// The path a prediction is sent to, beginning with `/`.
    package var endpoint: String?
    /// How long one prediction may take, up to the response head.
    package var timeout: Seconds?
    /// Headers set on every request sent upstream; they replace the client's.
    package var headers: [String: String]?
    package var load: LoadPolicy?
    /// How long a request is held for a load.
    package var loadTimeout: Seconds?
    /// How long a load may take, from launch.
    package var startTimeout: Seconds?
    package var idleTimeout: IdleTimeout?
    package var maxConcurrency: Limit?
    package var maxQueue: Int?
    package var update: UpdatePolicy?
    package var drainTimeout: Seconds?
    /// From TERM to KILL.
    package var stopTimeout: Seconds?
    package var readiness: ReadinessSpec?
    package var liveness: ProbeSpec?
    /// What the model is expected to take, in bytes.
    package var memory: Int64?
    package var pinned: Bool?
    /// Whether a request may be sent again after a reused connection closed before any answer.
    package var retry: Bool?
    /// How long an idle connection to an instance is kept.
    package var keepAlive: Seconds?
    package var source: SourceSpec?

    package init(baseURL: String? = nil, endpoint: String? = nil, source: SourceSpec? = nil) {
        self.baseURL = baseURL
        self.endpoint = endpoint
        self.source = source
    }

    private enum CodingKeys: String, CodingKey {
        case baseURL = "base_url"
        case endpoint, timeout, headers, load
        case loadTimeout = "load_timeout"
        case startTimeout = "start_timeout"
        case idleTimeout = "idle_timeout"
        case maxConcurrency = "max_concurrency"
        case maxQueue = "max_queue"
        case update
        case drainTimeout = "drain_timeout"
        case stopTimeout = "stop_timeout"
        case readiness, liveness, memory, pinned, retry
        case keepAlive = "keep_alive"
        case source
    }
}

package enum LoadPolicy: String, Codable, Hashable, Sendable, CaseIterable {
    case onDemand = "on_demand"
    case eager
}

package enum UpdatePolicy: String, Codable, Hashable, Sendable, CaseIterable {
    /// Start the new instance, switch to it, drain the old one.
    case availability
    /// Stop the old instance first.
    case resource
}

/// `never`, or a time without a request after which a model is unloaded.
package enum IdleTimeout: Codable, Hashable, Sendable {
    case never
    case after(Seconds)

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if (try? container.decode(String.self)) == "never" {
            self = .never
        } else {
            self = .after(try container.decode(Seconds.self))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .never: try container.encode("never")
        case .after(let span): try container.encode(span)
        }
    }
}

/// `unlimited`, or a count of at least 1.
package enum Limit: Codable, Hashable, Sendable {
    case unlimited
    case count(Int)

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if (try? container.decode(String.self)) == "unlimited" {
            self = .unlimited
        } else {
            self = .count(try container.decode(Int.self))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .unlimited: try container.encode("unlimited")
        case .count(let count): try container.encode(count)
        }
    }
}

/// What holds for a model once defaults stand in for what its manifest left out. Every default of design §2 is here
/// and nowhere else.
package struct EffectiveSpec: Sendable {
    package let spec: ModelSpec

    package var endpoint: String { spec.endpoint ?? "/" }
    package var timeout: Seconds { spec.timeout ?? 30 }
    package var headers: [String: String] { spec.headers ?? [:] }
    package var load: LoadPolicy { spec.load ?? .onDemand }
    package var loadTimeout: Seconds { spec.loadTimeout ?? 120 }
    package var startTimeout: Seconds { spec.startTimeout ?? 600 }
    package var idleTimeout: IdleTimeout { spec.idleTimeout ?? .never }
    package var maxConcurrency: Limit { spec.maxConcurrency ?? .unlimited }
    package var maxQueue: Int { spec.maxQueue ?? 100 }
    package var update: UpdatePolicy { spec.update ?? .availability }
    package var drainTimeout: Seconds { spec.drainTimeout ?? 30 }
    package var stopTimeout: Seconds { spec.stopTimeout ?? 10 }
    package var readiness: ReadinessSpec { spec.readiness ?? .standard }
    package var startupDelay: Seconds { spec.source?.startupDelay ?? .zero }
    package var pinned: Bool { spec.pinned ?? false }
    package var retry: Bool { spec.retry ?? true }
    package var keepAlive: Seconds { spec.keepAlive ?? 4 }
}

extension ModelSpec {
    package var effective: EffectiveSpec { EffectiveSpec(spec: self) }
    /// Whether nothing of ours runs for this model: it is an HTTP API elsewhere.
    package var isRemote: Bool { source == nil }
}
