internal import ModelCore
internal import Ports

extension DockerRuntime {
    /// What the container of an instance is created with: its image as it was fixed at launch.
    func order(for instance: InstanceRecord) async throws(LoadFailure) -> ContainerOrder {
        guard let image = instance.image else {
            throw failure(.terminal, "source type \(instance.source.type) is not run in containers")
        }
        let details: ImageDetails
        do throws(EngineError) {
            details = try await engine.inspectImage(image)
        } catch {
            throw StartRefusal(error, isStart: false).failure(at: now())
        }
        let check = try await volumes(instance.key)
        do throws(ContainerOrderError) {
            return try await blocking { [self] () throws(ContainerOrderError) in
                try ContainerOrder.make(
                    for: instance, state: stateUUID, image: image, of: details, inherited: inherited,
                    sockets: EngineSockets([engine.address.socket]), volumes: check)
            }
        } catch {
            throw failure(.terminal, error.message)
        }
    }
}
