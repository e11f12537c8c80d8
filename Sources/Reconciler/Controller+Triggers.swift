package import ModelCore
import Synchronization

/// What puts keys into the work queue.
extension Controller {
    /// Has a look taken at `key` soon. Returns at once.
    package func enqueue(_ key: ModelKey) {
        startWorkers { $0.add(key, .event) }
    }

    /// All at once: none is finished before the last is in the queue.
    func enqueue(_ keys: some Sequence<ModelKey>, _ urgency: WorkQueue.Urgency = .routine) {
        startWorkers { state in
            for key in keys { state.add(key, urgency) }
        }
    }

    /// Changes what is in the queue, and has as many keys looked at as there are hands for.
    func startWorkers(after change: (inout State) -> Void) {
        let keys = state.withLock { state in
            change(&state)
            return state.queue.take()
        }
        for key in keys { submit.yield(.reconcile(key)) }
    }

    /// To be called by the worker of `key` before it does what may take long.
    func giveHandBack(_ key: ModelKey) {
        startWorkers { $0.queue.giveHandBack(key) }
    }

    /// Has a look taken at each of `keys`, and returns when that has been done; at once where the loop does not run.
    func look(at keys: [ModelKey]) async {
        for latch in beginLooks(at: keys) { await latch.wait() }
    }

    /// Has a look taken at each of `keys`, soon. Returns what opens when that has been done.
    func beginLooks(at keys: [ModelKey]) -> [Latch] {
        let latches = state.withLock { state -> [Latch] in
            guard state.isLooping else { return [] }
            return keys.map { key in
                let latch = Latch()
                state.awaitedLooks[key, default: []].append(latch)
                return latch
            }
        }
        enqueue(keys)
        return latches
    }

    /// Waits until all are open, or for as long as `patience` none of them has opened.
    func wait(for latches: [Latch], patience: Seconds) async {
        if latches.allSatisfy(\.isOpen) { return }
        await withTaskGroup { group in
            group.addTask { for latch in latches { await latch.wait() } }
            group.addTask {
                var before: Int
                repeat {
                    before = latches.count(where: \.isOpen)
                    guard (try? await self.parts.time.sleep(for: patience)) != nil else { return }
                } while latches.count(where: \.isOpen) > before
            }
            await group.next()
            group.cancelAll()
        }
    }

    /// Has a look taken at whatever a runtime says has come further, until cancelled.
    func listenToWakes() async {
        await withDiscardingTaskGroup { group in
            for runtime in parts.runtimes {
                group.addTask { for await key in runtime.wakes { self.enqueue(key) } }
            }
        }
        await untilCancelled()
    }

    func untilCancelled() async {
        let (never, _) = AsyncStream<Never>.makeStream()
        for await _ in never {}
    }

    /// Has a look taken at `key` at `time`; an earlier look that is already planned serves as well.
    func wake(_ key: ModelKey, at time: Timestamp) {
        let isEarlier = state.withLock { state in
            if let planned = state.timers[key], planned <= time { return false }
            state.timers[key] = time
            return true
        }
        if isEarlier { submit.yield(.wake(key, at: time)) }
    }

    func isWatched(_ instance: InstanceRecord) -> Bool {
        state.withLock { $0.watched.contains(instance.id) }
    }

    func startWatching(_ instance: InstanceRecord) {
        if state.withLock({ $0.watched.insert(instance.id).inserted }) { submit.yield(.watch(instance)) }
    }

    /// Something that models may wait for has been given back. Those who stand in line are called up in their order.
    func wakeParked() {
        startWorkers { state in
            for key in state.parked where state.waitingForRoom[key] == nil {
                state.parked.remove(key)
                state.add(key, .event)
            }
        }
        callUpLine()
    }
}

extension Controller: DemandSink {
    package func demand(_ key: ModelKey) {
        let now = parts.time.now()
        let isRunning = state.withLock { state in
            guard state.mode == .running else { return false }
            state.demanded.insert(key)
            state.noteCall(of: key, at: now)
            return true
        }
        if isRunning { enqueue(key) }
    }
}

extension Controller.State {
    /// Whatever is the matter with a model that somebody is held for: it is urgent.
    fileprivate mutating func add(_ key: ModelKey, _ urgency: WorkQueue.Urgency) {
        queue.add(key, calls[key] == nil ? urgency : .caller)
    }

    /// The first caller counts, until all who came with it must have been answered.
    fileprivate mutating func noteCall(of key: ModelKey, at now: Timestamp) {
        if let since = calls[key], let model = models[key], now - since < model.spec.effective.loadTimeout { return }
        calls[key] = now
    }
}
