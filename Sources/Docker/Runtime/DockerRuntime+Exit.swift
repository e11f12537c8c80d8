internal import Glibc
package import ModelCore
internal import Ports
package import Reconciler
internal import Synchronization

/// Seeing instances end, and saying how.
extension DockerRuntime {
    package func exit(of instance: InstanceRecord) async -> ExitVerdict {
        // Before the first look: what happens from now on rings.
        var rings = bells.rings(for: instance.id).makeAsyncIterator()
        var ring = Bells.Ring.look
        while true {
            switch held(instance.id) {
            case .reserved, .creating: return .unknown(reason: "it has not been launched")
            case .created, .running, .concluding, .ended, nil: break
            }
            if let verdict = await end(of: instance, after: ring) { return verdict }
            guard let next = await rings.next() else {
                return .unknown(reason: "nobody waits for its end any more")
            }
            ring = next
        }
    }

    /// `nil`: it runs on.
    private func end(of instance: InstanceRecord, after ring: Bells.Ring) async -> ExitVerdict? {
        switch ring {
        case .away(let error):
            noteUnsettled(instance)
            return .unknown(reason: "\(error)")
        case .look:
            return await endIfSeen(instance)
        case .ended:
            for _ in 0..<Self.looksAfterEnd {
                if let verdict = await endIfSeen(instance) { return verdict }
                guard (try? await Task.sleep(for: Self.look)) != nil else { return nil }
            }
            return nil
        }
    }

    /// Podman tells of an end before it shows; how long that is followed.
    private static let looksAfterEnd = 50
    private static let look = Duration.milliseconds(20)

    private func endIfSeen(_ instance: InstanceRecord) async -> ExitVerdict? {
        while true {
            switch held(instance.id) {
            case .concluding, .ended: return await conclude(instance)
            case .reserved, .creating, .created, .running, nil: break
            }
            switch await find(instance) {
            case .running(let details):
                keep(details, of: instance)
                return nil
            case .created where isHeldAsCreated(instance.id): return nil
            case .created(let details) where mayStillStart(details, instance.id):
                guard (try? await Task.sleep(for: Self.startPause)) != nil else { return nil }
            case .unknown where Task.isCancelled: return nil
            case .unknown(let reason): return .unknown(reason: reason)
            case .created, .ended, .absent, .foreign: return await conclude(instance)
            }
        }
    }

    private func isHeldAsCreated(_ id: InstanceID) -> Bool {
        if case .created = held(id) { true } else { false }
    }

    /// Says how an instance ended that does not run any more, once for all who ask, and removes its container.
    /// - Parameter limit: how long to wait for that; `nil`: until it is done, which is bounded too. It goes on without
    ///   those who have waited long enough, and their model is named on ``wakes`` when it is done.
    func conclude(_ instance: InstanceRecord, within limit: Duration? = nil) async -> ExitVerdict {
        if case .ended(let record) = held(instance.id) { return .exited(record) }
        let (task, done) = conclusion(of: instance)
        if let limit, !(await done.rings(within: limit)) {
            noteUnsettled(instance)
            // It may have come about before that was noted.
            if case .ended(let record) = held(instance.id) { return .exited(record) }
            return .unknown(reason: "its end is being examined")
        }
        return await task.value
    }

    private func conclusion(of instance: InstanceRecord) -> (Task<ExitVerdict, Never>, done: Bell) {
        table.withLock { table in
            switch table.held[instance.id] {
            case .concluding(let task, let done): return (task, done)
            case .created(_, let reservation), .creating(let reservation), .reserved(let reservation):
                reservation.give()
            // What was written down is read again.
            case .ended: break
            case .running, nil: break
            }
            let wasAsked = instance.phase == .stopping || table.stopping.contains(instance.id)
            let done = Bell()
            // Awaited by this caller and all who come meanwhile; it is not theirs to cancel.
            let task = Task {
                let verdict = await self.examineRemains(of: instance, wasAsked: wasAsked)
                self.settle(verdict, of: instance)
                done.ring()
                self.bells.ring(instance.id, .look)
                return verdict
            }
            table.held[instance.id] = .concluding(task, done: done)
            return (task, done)
        }
    }

    private func settle(_ verdict: ExitVerdict, of instance: InstanceRecord) {
        let awaited: ModelKey? = table.withLock { table in
            guard case .concluding = table.held[instance.id] else { return nil }
            // What could not be proved is examined again when somebody asks again.
            guard case .exited(let record) = verdict else {
                table.held[instance.id] = nil
                return nil
            }
            table.held[instance.id] = .ended(record)
            table.stopping.remove(instance.id)
            table.unansweredStarts[instance.id] = nil
            return table.unsettled.removeValue(forKey: instance.id)
        }
        if let awaited { wake.yield(awaited) }
    }

    /// What is written down is what happened, however often it is looked at: the last words and the end are on the disk
    /// before the container is removed.
    private func examineRemains(of instance: InstanceRecord, wasAsked: Bool) async -> ExitVerdict {
        let files = files(of: instance.id)
        if let record = await blocking({ files.end() }) {
            await remove(instance)
            return .exited(record)
        }
        switch await find(instance) {
        case .unknown(let reason): return .unknown(reason: reason)
        case .running: return .unknown(reason: "its container runs again, though it has ended")
        case .foreign(let sentence) where instance.containerID != nil: return .unknown(reason: sentence)
        case .foreign, .absent: return .exited(await absent(instance, files))
        case .created(let details):
            await remove(instance)
            return .exited(ContainerEnd(details, instance, wasAsked: wasAsked).neverStarted(at: now()))
        case .ended(let details):
            return await save(details, of: instance, wasAsked: wasAsked, files)
        }
    }

    private func absent(_ instance: InstanceRecord, _ files: ContainerFiles) async -> ExitRecord {
        switch instance.phase {
        case .intent, .gated:
            return ExitRecord(kind: .neverStarted, at: now(), message: "the launch was given up before it began")
        default:
            let record = ExitRecord(kind: .lost, at: now(), message: "its container was removed by somebody")
            // For the next look to say the same; where that cannot be, it is as true.
            await blocking { try? files.finish(record, log: nil) }
            return record
        }
    }

    private func save(
        _ details: ContainerDetails, of instance: InstanceRecord, wasAsked: Bool, _ files: ContainerFiles
    ) async -> ExitVerdict {
        let log: [UInt8]
        do throws(EngineError) {
            log = try await lastWords(of: details.id)
        } catch {
            noteUnsettled(instance)
            return .unknown(reason: "\(error)")
        }
        let end = ContainerEnd(details, instance, wasAsked: wasAsked)
        let record = end.record(at: now(), logTail: LogLines.last(of: log[...]))
        // What cannot be written is not thrown away: the container stays until a sweep finds it.
        if await blocking({ (try? files.finish(record, log: log)) != nil }) { await remove(instance) }
        return .exited(record)
    }

    /// Removes the container of an instance that has ended. What the engine does not do now, the sweep does later.
    private func remove(_ instance: InstanceRecord) async {
        switch await find(instance) {
        case .created(let details), .ended(let details), .running(let details):
            try? await engine.remove(details.id, force: true)
        case .absent, .foreign, .unknown: break
        }
    }
}
