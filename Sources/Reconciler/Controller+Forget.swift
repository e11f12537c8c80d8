import Logging
import ModelCore
import Synchronization

extension Controller {
    /// Gives up an instance that is unknown, as ``InstanceForgetting`` does; its model goes on at once.
    package func forget(_ instance: String, by: String) async throws(ControlError) -> ForgottenInstance {
        let forgotten = try await InstanceForgetting(store: parts.store).forget(
            instance, by: by, at: parts.time.now())
        parts.logger.notice(
            "instance forgotten",
            metadata: [
                "model.key": "\(forgotten.model)", "instance.id": "\(forgotten.instance)", "operator": "\(by)",
            ])
        state.withLock { $0.forget(forgotten.instance) }
        enqueue(forgotten.model)
        // Its port, its slot and its memory are nobody's now.
        wakeParked()
        return forgotten
    }
}
