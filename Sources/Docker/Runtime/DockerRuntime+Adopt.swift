package import ModelCore
package import Reconciler
internal import Synchronization

/// Finding the instances of an earlier run of this program again.
extension DockerRuntime {
    /// How long each step of a look at an instance waits for the engine: at the start of this program everything waits for its looks,
    /// and nothing may wait for an engine that hangs. One that is only slow is asked again when it has answered a ping.
    static let adoptionPatience = Duration.seconds(2)

    package func adopt(_ instance: InstanceRecord) async -> AdoptionVerdict {
        switch held(instance.id) {
        case .concluding, .ended: return await conclusion(of: instance)
        case .reserved, .creating, .created, .running, nil: break
        }
        switch await find(instance, within: Self.adoptionPatience) {
        case .unknown(let reason): return .unknown(reason: reason)
        case .foreign(let sentence) where instance.containerID != nil: return .unknown(reason: sentence)
        case .running(let details) where instance.phase == .intent:
            // We start nothing whose id is not recorded: somebody else has. It must not run on without a record.
            return await remove(details, of: instance)
        case .running(let details):
            let server = keep(details, of: instance).server
            return .ours(server: server, engine: await unrecordedEngine(of: instance))
        case .created(let details) where mayStillStart(details, instance.id):
            // Followed as what runs is: it comes to run, or its time to start runs out.
            return .ours(server: nil, engine: await unrecordedEngine(of: instance))
        case .created, .ended, .absent, .foreign:
            return await conclusion(of: instance)
        }
    }

    private func conclusion(of instance: InstanceRecord) async -> AdoptionVerdict {
        AdoptionVerdict(await conclude(instance, within: Self.adoptionPatience))
    }

    private func remove(_ details: ContainerDetails, of instance: InstanceRecord) async -> AdoptionVerdict {
        do throws(EngineError) {
            // An engine that is asked goes on with it when we hang up; the next look sees what came of it.
            try await Docker.within(Self.adoptionPatience, "a removal") { () async throws(EngineError) in
                try await self.engine.remove(details.id, force: true)
            }
        } catch {
            noteUnsettled(instance)
            return .unknown(reason: "\(error)")
        }
        return await conclusion(of: instance)
    }
}

extension AdoptionVerdict {
    fileprivate init(_ verdict: ExitVerdict) {
        switch verdict {
        case .exited(let record): self = .gone(record)
        case .unknown(let reason): self = .unknown(reason: reason)
        }
    }
}
