internal import ModelCore
internal import Reconciler
internal import Synchronization

/// Starts that the engine did not answer in time: it may be at them still, and what it starts must not be taken away.
extension DockerRuntime {
    /// How long after a start that was not answered a container that merely exists may still come to run. The model's
    /// `start_timeout` mostly ends the wait before.
    private static let startPatience = Duration.seconds(600)
    /// Between two looks at such a container: not every engine tells of a start that fails.
    static let startPause = Duration.seconds(1)

    func noteUnanswered(_ error: EngineError, start id: InstanceID) {
        switch error {
        // Nobody is at a start whose engine has gone away.
        case .unreachable: break
        default: table.withLock { $0.unansweredStarts[id] = .now + Self.startPatience }
        }
    }

    /// Whether the engine may still be starting a container that it says has never run.
    func mayStillStart(_ details: ContainerDetails, _ id: InstanceID) -> Bool {
        guard details.error.isEmpty, case .running = held(id) else { return false }
        return table.withLock { $0.unansweredStarts[id].map { .now < $0 } ?? false }
    }
}
