/// Where a model server comes from and how it is run.
package enum SourceSpec: Codable, Hashable, Sendable {
    case localArtifact(LocalArtifactSpec)
    case docker(DockerSpec)
    case ecr(ECRSpec)

    /// The word that manifests and people use for this kind.
    package var type: String {
        switch self {
        case .localArtifact: "local_artifact"
        case .docker: "docker"
        case .ecr: "ecr"
        }
    }

    package var startupDelay: Seconds? {
        switch self {
        case .localArtifact(let spec): spec.startupDelay
        case .docker(let spec): spec.container.startupDelay
        case .ecr(let spec): spec.container.startupDelay
        }
    }

    /// The port on this host that the manifest fixes, if it does.
    package var fixedPort: Int? {
        switch self {
        case .localArtifact(let spec): spec.port
        case .docker(let spec): spec.container.hostPort
        case .ecr(let spec): spec.container.hostPort
        }
    }

    /// What a container has, wherever its image comes from; `nil` for a process.
    package var container: ContainerSpec? {
        switch self {
        case .localArtifact: nil
        case .docker(let spec): spec.container
        case .ecr(let spec): spec.container
        }
    }

    /// Only the run fields: two sources that differ elsewhere can share an instance. How an image is obtained is no matter
    /// of the instance that runs it.
    package var runFields: SourceSpec {
        switch self {
        case .localArtifact(var spec):
            spec.startupDelay = nil
            return .localArtifact(spec)
        case .docker(var spec):
            spec.registryAuth = nil
            spec.container = spec.container.runFields
            return .docker(spec)
        case .ecr(var spec):
            spec.container = spec.container.runFields
            return .ecr(spec)
        }
    }

    private enum CodingKeys: String, CodingKey { case type }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        switch try container.decode(String.self, forKey: .type) {
        case "local_artifact": self = .localArtifact(try LocalArtifactSpec(from: decoder))
        case "docker": self = .docker(try DockerSpec(from: decoder))
        case "ecr": self = .ecr(try ECRSpec(from: decoder))
        case let other:
            throw DecodingError.dataCorruptedError(
                forKey: .type, in: container, debugDescription: "unknown source type \(other)")
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(type, forKey: .type)
        switch self {
        case .localArtifact(let spec): try spec.encode(to: encoder)
        case .docker(let spec): try spec.encode(to: encoder)
        case .ecr(let spec): try spec.encode(to: encoder)
        }
    }
}

/// A local process: a command, run in the folder that holds the model's artifacts.
package struct LocalArtifactSpec: Codable, Hashable, Sendable {
    /// Absolute and without `.` or `..`, symbolic links left as they are. The working directory of the command.
    package var path: String
    /// As the manifest writes it; ``StartupCommand`` splits it.
    package var startupCommand: String
    package var host: String?
    /// `nil`: a port is allocated.
    package var port: Int?
    package var startupDelay: Seconds?
    package var environment: [String: String]?
    package var inheritEnvironment: InheritedEnvironment?
    /// The user that the server runs as; `nil`: the daemon's own.
    package var user: String?

    package init(path: String, startupCommand: String, host: String? = nil, port: Int? = nil) {
        self.path = path
        self.startupCommand = startupCommand
        self.host = host
        self.port = port
    }

    package var effectiveHost: String { host ?? "localhost" }

    private enum CodingKeys: String, CodingKey {
        case path
        case startupCommand = "startup_command"
        case host, port
        case startupDelay = "startup_delay"
        case environment
        case inheritEnvironment = "inherit_environment"
        case user
    }
}

/// What a server gets of the daemon's own environment.
package enum InheritedEnvironment: Codable, Hashable, Sendable {
    case all
    case none
    case only([String])

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let all = try? container.decode(Bool.self) {
            self = all ? .all : .none
        } else {
            self = .only(try container.decode([String].self))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .all: try container.encode(true)
        case .none: try container.encode(false)
        case .only(let names): try container.encode(names)
        }
    }
}

/// A container from an image that a registry or the engine itself holds.
package struct DockerSpec: Codable, Hashable, Sendable {
    package var image: String
    package var registryAuth: String?
    package var container: ContainerSpec

    package init(image: String, container: ContainerSpec) {
        self.image = image
        self.container = container
    }

    private enum CodingKeys: String, CodingKey {
        case image
        case registryAuth = "registry_auth"
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        image = try values.decode(String.self, forKey: .image)
        registryAuth = try values.decodeIfPresent(String.self, forKey: .registryAuth)
        container = try ContainerSpec(from: decoder)
    }

    package func encode(to encoder: any Encoder) throws {
        try container.encode(to: encoder)
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(image, forKey: .image)
        try values.encodeIfPresent(registryAuth, forKey: .registryAuth)
    }
}

/// A container from an image in Amazon ECR.
package struct ECRSpec: Codable, Hashable, Sendable {
    package var repository: String
    package var tag: String?
    package var digest: String?
    package var region: String?
    package var registry: String?
    package var container: ContainerSpec

    /// What is run where a manifest has neither tag nor digest.
    package static let standardTag = "latest"

    package init(repository: String, container: ContainerSpec) {
        self.repository = repository
        self.container = container
    }

    private enum CodingKeys: String, CodingKey { case repository, tag, digest, region, registry }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        repository = try values.decode(String.self, forKey: .repository)
        tag = try values.decodeIfPresent(String.self, forKey: .tag)
        digest = try values.decodeIfPresent(String.self, forKey: .digest)
        region = try values.decodeIfPresent(String.self, forKey: .region)
        registry = try values.decodeIfPresent(String.self, forKey: .registry)
        container = try ContainerSpec(from: decoder)
    }

    package func encode(to encoder: any Encoder) throws {
        try container.encode(to: encoder)
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(repository, forKey: .repository)
        try values.encodeIfPresent(tag, forKey: .tag)
        try values.encodeIfPresent(digest, forKey: .digest)
        try values.encodeIfPresent(region, forKey: .region)
        try values.encodeIfPresent(registry, forKey: .registry)
    }
}

/// What every container has, wherever its image comes from.
package struct ContainerSpec: Codable, Hashable, Sendable {
    package var pull: PullPolicy?
    package var hostPort: Int?
    package var containerPort: Int
    package var environment: [String: String]?
    /// Absolute host path → `container path[:ro]`.
    package var volumes: [String: String]?
    package var command: [String]?
    package var user: String?
    package var gpus: String?
    /// Bytes.
    package var memory: Int64?
    package var cpus: Double?
    /// Bytes.
    package var shmSize: Int64?
    package var addedCapabilities: [String]?
    package var readOnly: Bool?
    package var privileged: Bool?
    /// Whether programs may get privileges that their parents lack, as setuid programs do.
    package var newPrivileges: Bool?
    /// How many processes and threads may be in it at once.
    package var pidsLimit: Limit?
    /// Whether a volume may be, or hold, the socket of a container engine.
    package var dockerSocket: Bool?
    /// Whether the engine's own init is its first process; `nil`: where the image brings none.
    package var initProcess: Bool?
    package var startupDelay: Seconds?

    /// How many processes and threads there may be where no manifest says: servers of Python and CUDA have hundreds,
    /// a fork bomb has millions.
    package static let standardPIDsLimit = 4096

    package init(containerPort: Int) {
        self.containerPort = containerPort
    }

    fileprivate var runFields: ContainerSpec {
        var spec = self
        spec.startupDelay = nil
        spec.pull = nil
        return spec
    }

    private enum CodingKeys: String, CodingKey {
        case pull
        case hostPort = "host_port"
        case containerPort = "container_port"
        case environment, volumes, command, user, gpus
        case memory = "container_memory"
        case cpus
        case shmSize = "shm_size"
        case addedCapabilities = "capabilities_add"
        case readOnly = "read_only"
        case privileged
        case newPrivileges = "new_privileges"
        case pidsLimit = "pids_limit"
        case dockerSocket = "docker_socket"
        case initProcess = "init"
        case startupDelay = "startup_delay"
    }
}

package enum PullPolicy: String, Codable, Hashable, Sendable, CaseIterable {
    case missing
    case always
    case never
}
