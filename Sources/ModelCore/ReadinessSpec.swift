/// How it is found out that an instance can answer predictions.
package enum ReadinessSpec: Codable, Hashable, Sendable {
    /// No probe: the startup delay is the whole wait.
    case none
    /// A TCP connection that is accepted.
    case tcp(ProbeSpec)
    /// An HTTP answer with an expected status.
    case http(ProbeSpec)

    /// What holds where a manifest has no `readiness`: `GET /`, asked until it first succeeds.
    package static let standard = ReadinessSpec.http(ProbeSpec(isStandard: true))

    package var probe: ProbeSpec? {
        switch self {
        case .none: nil
        case .tcp(let probe), .http(let probe): probe
        }
    }

    private enum CodingKeys: String, CodingKey { case kind }

    package init(from decoder: any Decoder) throws {
        let kind = try decoder.container(keyedBy: CodingKeys.self).decode(String.self, forKey: .kind)
        switch kind {
        case "none": self = .none
        case "tcp": self = .tcp(try ProbeSpec(from: decoder))
        default: self = .http(try ProbeSpec(from: decoder))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .none:
            try container.encode("none", forKey: .kind)
        case .tcp(let probe):
            try container.encode("tcp", forKey: .kind)
            try probe.encode(to: encoder)
        case .http(let probe):
            try container.encode("http", forKey: .kind)
            try probe.encode(to: encoder)
        }
    }
}

/// One probe, for readiness or liveness. Fields left out are `nil`; read them through the `effective…` properties.
package struct ProbeSpec: Codable, Hashable, Sendable {
    package var path: String?
    package var status: StatusRange?
    package var timeout: Seconds?
    package var interval: Seconds?
    /// How many failures in a row make a ready instance unready.
    package var failures: Int?
    package var owner: PortOwner?
    /// Whether this is the probe of ``ReadinessSpec/standard``, which no manifest asked for.
    package var isStandard: Bool { standard ?? false }
    private var standard: Bool?

    package init(isStandard: Bool = false) {
        standard = isStandard ? true : nil
    }

    package var effectivePath: String { path ?? "/" }
    package var effectiveStatus: StatusRange { status ?? StatusRange(200...399) }
    package var effectiveTimeout: Seconds { timeout ?? 2 }
    package var effectiveInterval: Seconds { interval ?? 10 }
    package var effectiveFailures: Int { failures ?? 3 }
    package var effectiveOwner: PortOwner { owner ?? .ours }
}

/// Who must be listening on the port for an instance to count as ready.
package enum PortOwner: String, Codable, Hashable, Sendable, CaseIterable {
    /// A process of the instance's own tree.
    case ours
    /// Whoever answers.
    case any
}

/// HTTP status codes that count as success, written `200` or `200-399`.
package struct StatusRange: Hashable, Sendable, Codable, CustomStringConvertible {
    package let codes: ClosedRange<Int>

    package init(_ codes: ClosedRange<Int>) {
        self.codes = codes
    }

    /// `nil` where `text` is not a code or a rising range of codes between 100 and 599.
    package init?(_ text: String) {
        let bounds = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        guard (1...2).contains(bounds.count), let low = bounds[0], let high = bounds[bounds.count - 1],
            low <= high, (100...599).contains(low), (100...599).contains(high)
        else { return nil }
        codes = low...high
    }

    package var description: String {
        codes.lowerBound == codes.upperBound ? "\(codes.lowerBound)" : "\(codes.lowerBound)-\(codes.upperBound)"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let range = StatusRange(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a status range: \(text)")
        }
        self = range
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
