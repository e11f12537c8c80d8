import Docker
import ModelCore

/// The log of a container: the engine has it for as long as the container is there, and what it had written in the end
/// lies in the state directory after that.
struct ContainerLog {
    private let recorded: RecordedInstance
    private let tail: LogTailLength
    private let follows: Bool

    init(_ recorded: RecordedInstance, _ tail: LogTailLength, follows: Bool) {
        self.recorded = recorded
        self.tail = tail
        self.follows = follows && recorded.instance.phase.isLive
    }

    private var kept: InstanceLog { InstanceLog(recorded, tail, follows: false) }
    private var instance: InstanceRecord { recorded.instance }
    /// By its name where its id is not recorded: it bears one that we gave it.
    private var container: String { instance.containerID ?? "modelet-\(instance.id)" }

    func show() async throws {
        if !instance.phase.isLive, kept.exists { return try await kept.show() }
        do throws(EngineError) {
            let engine = Engine(
                address: try EngineAddress.locate(environment: environmentVariables, home: homeDirectory))
            try await show(from: engine)
        } catch {
            // Of a container that has ended, the state may remember something.
            if !instance.phase.isLive { return try await kept.show() }
            throw CommandFailure("\(instance.key): the log of its container cannot be read: \(error)\(whereabouts)")
        }
        if follows { try await recorded.sayThatItHasEnded() }
    }

    /// For whoever asks another engine than its own.
    private var whereabouts: String {
        instance.engine.map { " (its container was made by the engine at \($0.address))" } ?? ""
    }

    private func show(from engine: Engine) async throws(EngineError) {
        while true {
            do throws(EngineError) {
                for try await chunk in try await engine.logs(container, tail: tail.count, follow: follows) {
                    LogOutput.write(chunk.bytes)
                }
                return try await checkThatItHasEnded(engine)
            } catch .refused(status: 404, let message) {
                // Being created, or just removed. For the moment that either takes the state is read at each look: the
                // engine's events would tell of a container, and not of a start that was given up.
                let mayCome = follows && recorded.isWatched && !recorded.hasEnded
                guard mayCome, (try? await Task.sleep(for: RecordedInstance.look)) != nil else {
                    throw .refused(status: 404, message: message)
                }
            }
        }
    }

    /// A log that was to go on until the end of the container may end with the engine instead.
    private func checkThatItHasEnded(_ engine: Engine) async throws(EngineError) {
        guard follows, try await engine.inspect(container)?.isRunning == true else { return }
        throw .unreachable("the engine has ended it although the container runs on; ask again")
    }
}
