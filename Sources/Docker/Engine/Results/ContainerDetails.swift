package import ModelCore

/// What the engine knows of one container.
package struct ContainerDetails: Hashable, Sendable {
    package var id: String
    /// Without the slash that the engine writes before it.
    package var name: String
    package var labels: [String: String]
    package var state: ContainerState
    /// Of its first process, in the engine's pid namespace; `nil` where none runs.
    package var pid: Int32?
    /// As the engine reports it; of meaning only once the container has ended. 128 + n where signal n ended it.
    package var exitCode: Int
    /// Whether the kernel killed a process of it for want of memory.
    package var isOutOfMemory: Bool
    /// Why it could not be started; empty where that is not so.
    package var error: String
    package var createdAt: Timestamp?
    package var startedAt: Timestamp?
    /// `nil` while it runs, or where it never ran.
    package var finishedAt: Timestamp?
    /// `nil` where it has no health check.
    package var health: ContainerHealth?
    /// Ports as they are published now; empty while it does not run.
    package var publishedPorts: [PublishedPort]
    /// Its address on the engine's network; `nil` on the host's, or while it does not run.
    package var ipAddress: String?
    /// `sha256:…`, of the image it was made of.
    package var imageID: String
    /// The image as it was asked for.
    package var image: String
    package var restartCount: Int

    package var isRunning: Bool { state.isRunning }
}

/// Where a container is in its life.
package enum ContainerState: String, Hashable, Sendable {
    case created, running, paused, restarting, removing, exited, dead
    /// Podman's word for created; being started.
    case initialized
    /// Podman's word for exited; what it took is not yet given back.
    case stopped
    /// Podman's: it is being stopped.
    case stopping
    /// A word of a later engine.
    case other

    /// Whether processes of it may be alive.
    package var isRunning: Bool {
        switch self {
        case .running, .paused, .restarting, .stopping: true
        case .created, .initialized, .removing, .exited, .stopped, .dead, .other: false
        }
    }

    /// Whether it ran and has ended.
    package var hasEnded: Bool { self == .exited || self == .dead || self == .stopped }
}

/// What the image's health check says.
package struct ContainerHealth: Hashable, Sendable {
    package enum Status: String, Hashable, Sendable {
        case starting, healthy, unhealthy
    }

    package var status: Status
    /// Failed checks in a row.
    package var failures: Int
    /// The last check's exit code; `nil` before the first.
    package var lastExitCode: Int?
    /// What the last check printed.
    package var lastOutput: String
}

/// A port of a container as the host offers it.
package struct PublishedPort: Hashable, Sendable {
    /// `8501`.
    package var containerPort: Int
    /// `tcp`.
    package var transport: String
    /// An IP address.
    package var hostAddress: String
    package var hostPort: Int
}

/// A container in a list.
package struct ContainerSummary: Hashable, Sendable {
    package var id: String
    /// Without the slash that the engine writes before it.
    package var name: String
    package var labels: [String: String]
    package var state: ContainerState
    /// As people read it: `Up 3 minutes (healthy)`.
    package var status: String
    /// As it was asked for.
    package var image: String
    package var imageID: String
    package var createdAt: Timestamp?
}
