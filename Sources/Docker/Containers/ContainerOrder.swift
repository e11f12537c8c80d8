internal import ModelCore

/// What a container is created with: the body of `POST /containers/create` (API 1.40 and later), as far as we say it.
///
/// A value of what is known: whatever has to be looked up is in the arguments (``ContainerOrder/make(for:_:)`` does
/// that). Everything that could reach beyond the container is closed unless its manifest opens it.
package struct ContainerOrder: Encodable, Hashable, Sendable {
    var labels: [String: String]
    var image: String
    /// `nil`: as the image has it.
    var command: [String]?
    var user: String?
    /// `NAME=value`, sorted.
    var environment: [String]
    var exposedPorts: [String: Empty]
    var hostConfig: HostConfig

    /// - Parameters:
    ///   - state: the uuid of the state that the instance belongs to.
    ///   - image: what to run, as the engine knows it: `repository@sha256:…`, or an id.
    ///   - environment: what the server gets besides what its image declares.
    ///   - hasInit: whether the engine's own init becomes the first process.
    init(
        _ instance: InstanceRecord, _ spec: ContainerSpec, state: String, image: String,
        environment: [String: String], mounts: [Mount], hasInit: Bool
    ) throws(ContainerOrderError) {
        labels = ContainerLabels(instance, state: state).values
        self.image = image
        command = spec.command
        user = spec.user
        self.environment = environment.map { "\($0.key)=\($0.value)" }.sorted()
        let port = "\(spec.containerPort)/tcp"
        exposedPorts = [port: Empty()]
        hostConfig = try HostConfig(spec, mounts: mounts, hasInit: hasInit)
        hostConfig.portBindings = [port: [PortBinding(hostPort: "\(instance.port)")]]
    }

    struct Empty: Encodable, Hashable, Sendable {}

    private enum CodingKeys: String, CodingKey {
        case labels = "Labels"
        case image = "Image"
        case command = "Cmd"
        case user = "User"
        case environment = "Env"
        case exposedPorts = "ExposedPorts"
        case hostConfig = "HostConfig"
    }
}

/// Why there can be no container as the manifest orders it. Somebody has to change something: it is terminal.
package struct ContainerOrderError: Error, Hashable, Sendable {
    /// A sentence for people.
    package let message: String

    package init(_ message: String) {
        self.message = message
    }
}
