import ModelCore

extension InstanceRecord {
    /// The id of its container with as many digits as Docker shows.
    var shortContainerID: String? { containerID.map { String($0.prefix(12)) } }
}
