package import ModelCore

/// What a container of ours bears, so that it is found again where its record was lost, and never mistaken for that of
/// another state or another person.
package struct ContainerLabels: Hashable, Sendable {
    /// The uuid of the state that it belongs to.
    package var state: String
    package var instance: InstanceID
    package var key: ModelKey
    package var generation: Int
    /// ``runHash(of:)`` of what it was created from. A name and no proof: where it differs, more has to be looked at.
    package var runHash: String

    package static let stateName = "modelet.state"
    private static let instanceName = "modelet.instance"
    private static let modelName = "modelet.model"
    private static let generationName = "modelet.generation"
    private static let runHashName = "modelet.run-hash"

    package init(_ instance: InstanceRecord, state: String) {
        self.state = state
        self.instance = instance.id
        key = instance.key
        generation = instance.generation
        runHash = Self.runHash(of: instance.source)
    }

    /// `nil` where one of them is missing or malformed: then the container is not as we make them.
    package init?(_ labels: [String: String]) {
        guard let state = labels[Self.stateName], let instance = labels[Self.instanceName],
            let key = labels[Self.modelName].flatMap({ ModelKey($0) }),
            let generation = labels[Self.generationName].flatMap({ Int($0) }), let runHash = labels[Self.runHashName]
        else { return nil }
        self.state = state
        self.instance = InstanceID(instance)
        self.key = key
        self.generation = generation
        self.runHash = runHash
    }

    package var values: [String: String] {
        [
            Self.stateName: state, Self.instanceName: instance.text, Self.modelName: key.description,
            Self.generationName: "\(generation)", Self.runHashName: runHash,
        ]
    }

    /// The name of an instance's container.
    package static func containerName(of instance: InstanceID) -> String { "modelet-\(instance)" }
}
