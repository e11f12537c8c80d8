/// A port of this host that a spec fixes, on one address or on all.
package struct PortClaim: Hashable, Sendable {
    package var number: Int
    /// `nil`: every address of the host.
    package var host: String?

    package init(number: Int, host: String?) {
        self.number = number
        self.host = host
    }

    /// Whether both could not be bound at once. Names are not looked up: an unknown one is only itself.
    package func overlaps(_ other: PortClaim) -> Bool {
        guard number == other.number else { return false }
        guard let mine = addresses, let theirs = other.addresses else { return true }
        return !mine.isDisjoint(with: theirs)
    }

    /// `nil`: all addresses.
    private var addresses: Set<String>? {
        switch host?.lowercased() {
        case nil, "0.0.0.0", "::": nil
        case "localhost": ["127.0.0.1", "::1"]
        case let host?: [host]
        }
    }
}

extension SourceSpec {
    /// The port of this host that the manifest fixes, and where; `nil` where one is allocated.
    package var portClaim: PortClaim? {
        switch self {
        case .localArtifact(let spec): spec.port.map { PortClaim(number: $0, host: spec.effectiveHost) }
        case .docker(let spec): spec.container.hostPort.map { PortClaim(number: $0, host: nil) }
        case .ecr(let spec): spec.container.hostPort.map { PortClaim(number: $0, host: nil) }
        }
    }
}
