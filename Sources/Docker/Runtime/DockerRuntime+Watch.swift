internal import ModelCore
internal import Reconciler
internal import Synchronization

/// Hearing from the engine.
extension DockerRuntime {
    /// Follows the engine, from the first time that there is anything to follow until cancelled. To be run once, beside
    /// the controller; without it nobody is told when an instance ends.
    package func run() async {
        await wanted.wait()
        guard !Task.isCancelled else { return }
        let signals = watch.signals()
        await withTaskGroup { group in
            group.addTask { await self.watch.run() }
            group.addTask { await self.images.run() }
            group.addTask {
                await withDiscardingTaskGroup { group in
                    for await signal in signals {
                        guard case .unreachable(let error) = signal else {
                            self.hear(signal)
                            continue
                        }
                        group.addTask { await self.bear(with: error) }
                    }
                }
            }
            group.addTask {
                for await key in self.images.wakes { self.wake.yield(key) }
            }
            await group.waitForAll()
        }
    }

    private func hear(_ signal: EngineWatch.Signal) {
        switch signal {
        case .event(let event):
            guard event.isOfContainer, let labels = ContainerLabels(event.attributes) else { return }
            bells.ring(labels.instance, event.action == "die" ? .ended : .look)
        case .reachable:
            bells.ringAll(.look)
            let keys = table.withLock { table in
                defer { table.unsettled = [:] }
                return Set(table.unsettled.values)
            }
            keys.forEach { wake.yield($0) }
        case .unreachable:
            break
        }
    }

    /// How long an engine may be away before what runs is unknown, where its processes are seen to live: one that keeps
    /// its containers while it is restarted (`live-restore`) is back by then.
    private static let restartPatience = Duration.seconds(5)

    /// Tells those who follow an instance that the engine cannot be asked any more.
    private func bear(with error: EngineError) async {
        let running = table.withLock { table in
            table.held.compactMapValues { if case .running(let container) = $0 { container } else { nil } }
        }
        for (id, container) in running where !container.isAlive { bells.ring(id, .away(error)) }
        // It was given its time already.
        guard case .unreachable = error else { return bells.ringAll(.away(error)) }
        guard (try? await Task.sleep(for: Self.restartPatience)) != nil, case .unreachable(let error) = watch.state
        else { return }
        bells.ringAll(.away(error))
    }

    /// Notes that an instance is to be looked at when the engine is back.
    func noteUnsettled(_ instance: InstanceRecord) {
        table.withLock { $0.unsettled[instance.id] = instance.key }
    }
}
