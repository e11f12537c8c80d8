internal import ModelCore

extension Wire {
    struct Container: Decodable {
        struct State: Decodable {
            struct Health: Decodable {
                struct Check: Decodable {
                    var ExitCode: Int?
                    var Output: String?
                }

                var Status: String?
                var FailingStreak: Int?
                var Log: [Check]?
            }

            var Status: String?
            var Pid: Int32?
            var ExitCode: Int?
            var OOMKilled: Bool?
            var Error: String?
            var StartedAt: String?
            var FinishedAt: String?
            var Health: Health?
        }

        struct Config: Decodable {
            var Image: String?
            var Labels: [String: String]?
        }

        struct Binding: Decodable {
            var HostIp: String?
            var HostPort: String?
        }

        struct Network: Decodable {
            var IPAddress: String?
        }

        struct Networking: Decodable {
            var IPAddress: String?
            var Networks: [String: Network]?
            var Ports: [String: [Binding]?]?
        }

        var Id: String
        var Name: String?
        var Created: String?
        var Image: String?
        var RestartCount: Int?
        var State: State?
        var Config: Config?
        var NetworkSettings: Networking?
    }

    struct Summary: Decodable {
        var Id: String
        var Names: [String]?
        var Image: String?
        var ImageID: String?
        /// Seconds since 1970.
        var Created: Int64?
        var Labels: [String: String]?
        var State: String?
        var Status: String?
    }

    struct Stats: Decodable {
        struct Memory: Decodable {
            var usage: UInt64?
            /// Numbers of the kernel, some of which are no integers of 64 bits in every engine.
            var stats: [String: Double]?
        }

        var memory_stats: Memory?

        /// As `docker stats`: what the kernel counts, less the page cache that it would drop first. The name of that is
        /// one of cgroup v1, then one of v2.
        var usedMemory: Int64? {
            guard let memory = memory_stats, let usage = memory.usage, usage > 0 else { return nil }
            let used = Int64(clamping: usage)
            for name in ["total_inactive_file", "inactive_file"] {
                if let cache = memory.stats?[name] { return cache < Double(used) ? used - Int64(cache) : used }
            }
            return used
        }
    }
}

extension ContainerDetails {
    init(_ wire: Wire.Container) {
        id = wire.Id
        name = Self.name(wire.Name ?? "")
        labels = wire.Config?.Labels ?? [:]
        state = ContainerState(wire.State?.Status)
        pid = wire.State?.Pid.flatMap { $0 > 0 ? $0 : nil }
        exitCode = wire.State?.ExitCode ?? 0
        isOutOfMemory = wire.State?.OOMKilled ?? false
        error = wire.State?.Error ?? ""
        createdAt = wire.Created.flatMap { Timestamp(engineTime: $0) }
        startedAt = wire.State?.StartedAt.flatMap { Timestamp(engineTime: $0) }
        finishedAt = state.hasEnded ? wire.State?.FinishedAt.flatMap { Timestamp(engineTime: $0) } : nil
        health = wire.State?.Health.flatMap { ContainerHealth($0) }
        publishedPorts = Self.published(wire.NetworkSettings?.Ports ?? [:])
        ipAddress = Self.address(wire.NetworkSettings)
        imageID = wire.Image ?? ""
        image = wire.Config?.Image ?? ""
        restartCount = wire.RestartCount ?? 0
    }

    fileprivate static func name(_ name: String) -> String {
        name.hasPrefix("/") ? String(name.dropFirst()) : name
    }

    private static func published(_ ports: [String: [Wire.Container.Binding]?]) -> [PublishedPort] {
        ports.flatMap { port, bindings in
            let parts = port.split(separator: "/")
            return (bindings ?? []).compactMap { binding -> PublishedPort? in
                guard let inside = parts.first.flatMap({ Int($0) }), let outside = binding.HostPort.flatMap({ Int($0) })
                else { return nil }
                return PublishedPort(
                    containerPort: inside, transport: parts.count > 1 ? String(parts[1]) : "tcp",
                    hostAddress: binding.HostIp ?? "", hostPort: outside)
            }
        }
        .sorted { ($0.containerPort, $0.hostAddress, $0.hostPort) < ($1.containerPort, $1.hostAddress, $1.hostPort) }
    }

    private static func address(_ networking: Wire.Container.Networking?) -> String? {
        let networks = (networking?.Networks ?? [:]).sorted { $0.key < $1.key }.map(\.value.IPAddress)
        return ([networking?.IPAddress] + networks).compactMap(\.self).first { !$0.isEmpty }
    }
}

extension ContainerState {
    init(_ word: String?) {
        switch word {
        // Podman's word for created, in places.
        case "configured": self = .created
        default: self = word.flatMap { ContainerState(rawValue: $0) } ?? .other
        }
    }
}

extension ContainerHealth {
    /// `nil` where the status is `none`, or empty, as podman has it.
    init?(_ wire: Wire.Container.State.Health) {
        guard let status = wire.Status.flatMap({ Status(rawValue: $0) }) else { return nil }
        self.init(
            status: status, failures: wire.FailingStreak ?? 0, lastExitCode: wire.Log?.last?.ExitCode,
            lastOutput: wire.Log?.last?.Output ?? "")
    }
}

extension ContainerSummary {
    init(_ wire: Wire.Summary) {
        id = wire.Id
        name = ContainerDetails.name(wire.Names?.first ?? "")
        labels = wire.Labels ?? [:]
        state = ContainerState(wire.State)
        status = wire.Status ?? ""
        image = wire.Image ?? ""
        imageID = wire.ImageID ?? ""
        createdAt = wire.Created.map { Timestamp(milliseconds: $0 * 1000) }
    }
}
