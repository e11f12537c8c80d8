package import ModelCore

/// Something that happened at the engine.
package struct EngineEvent: Hashable, Sendable {
    /// `container`, `image`, …
    package var type: String
    /// `create`, `start`, `die`, `oom`, `health_status`, `destroy`, `tag`, …: Docker's word for it, without what stands
    /// behind a colon.
    package var action: String
    /// What the engine writes behind the action's colon: `healthy` of `health_status: healthy`. Empty where there is none.
    package var detail: String
    /// The container's id; for an image its name or id.
    package var actor: String
    /// Labels of the container, and `name`, `image`, `exitCode`, `signal`.
    package var attributes: [String: String]
    package var time: Timestamp?

    /// Of `die`; podman writes one beside every event.
    package var exitCode: Int? { action == "die" ? attributes["exitCode"].flatMap { Int($0) } : nil }
    package var containerName: String? { attributes["name"] }
    package var isOfContainer: Bool { type == "container" }
    package var isOfImage: Bool { type == "image" }
}
