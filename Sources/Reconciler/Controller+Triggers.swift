package import ModelCore
import Synchronization

/// What puts keys into the work queue.
extension Controller {
    /// Has a look taken at `key` soon. Returns at once.
    package func enqueue(_ key: ModelKey) {
        if state.withLock({ $0.queue.add(key) }) { submit.yield(.reconcile(key)) }
    }

    /// All at once: none is finished before the last is in the queue.
    func enqueue(_ keys: some Sequence<ModelKey>) {
        startWorkers(on: state.withLock { state in keys.filter { state.queue.add($0) } })
    }

    func startWorkers(on keys: [ModelKey]) {
        for key in keys { submit.yield(.reconcile(key)) }
    }

    /// Has a look taken at each of `keys`, and returns when that has been done; at once where the loop does not run.
    func look(at keys: [ModelKey]) async {
        let latches = state.withLock { state -> [Latch] in
            guard state.isLooping else { return [] }
            return keys.map { key in
                let latch = Latch()
                state.awaitedLooks[key, default: []].append(latch)
                return latch
            }
        }
        enqueue(keys)
        for latch in latches { await latch.wait() }
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

    /// Something that models may wait for has been given back.
    func wakeParked() {
        let keys = state.withLock { state in
            defer { state.parked = [] }
            return state.parked
        }
        enqueue(keys)
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
    /// The first caller counts, until all who came with it must have been answered.
    fileprivate mutating func noteCall(of key: ModelKey, at now: Timestamp) {
        if let since = calls[key], let model = models[key], now - since < model.spec.effective.loadTimeout { return }
        calls[key] = now
    }
}
