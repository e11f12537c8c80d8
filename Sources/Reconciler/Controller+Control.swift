package import ModelCore
import Synchronization

/// What operators ask for. Each call records its word in the store and leaves the rest to the loop.
extension Controller {
    package func load(_ key: ModelKey, by: String) async throws(ControlError) {
        let model = try await existing(key)
        guard !model.spec.isRemote else {
            throw .refused("\(key) is an HTTP API elsewhere: there is nothing to load")
        }
        try await change(key, to: .load(key, by: by))
        state.withLock { $0.dismissed[key] = nil }
        enqueue(key)
    }

    package func unload(_ key: ModelKey, hold: Bool, by: String) async throws(ControlError) {
        let model = try await existing(key)
        guard !model.spec.isRemote else {
            throw .refused("\(key) is an HTTP API elsewhere: there is nothing to unload")
        }
        try await change(key, to: .unload(key, hold: hold || model.spec.effective.load == .eager, by: by))
        state.withLock { $0.dismissed[key] = by }
        enqueue(key)
    }

    package func restart(_ key: ModelKey, by: String) async throws(ControlError) {
        let model = try await existing(key)
        guard !model.spec.isRemote else {
            throw .refused("\(key) is an HTTP API elsewhere: there is nothing to restart")
        }
        try await change(key, to: .restart(key, by: by))
        enqueue(key)
    }

    /// Has a look taken at models that something on the disk kept from starting, and keeps no more.
    func retryWhatTheDiskAllows() async throws(StoreError) {
        for key in state.withLock({ Array($0.obstructed.keys) }) {
            let model = try await parts.store.model(key)?.model
            if let model, let source = model.spec.source, parts.obstacle(source, model.root) != nil { continue }
            _ = state.withLock { $0.unobstructed.insert(key) }
            enqueue(key)
        }
    }

    /// Forgets the failure of a model that the disk keeps from starting no more. What it has failed at since stands. Returns
    /// whether there was one.
    func forgetObstacle(to model: ModelRecord) async throws(StoreError) -> Bool {
        let key = model.key
        guard let obstacle = state.withLock({ $0.unobstructed.contains(key) ? $0.obstructed[key] : nil }) else {
            return false
        }
        let failure = model.backoff?.lastFailure
        let isItsFailure = failure?.classification == .terminal && failure?.message == obstacle
        if isItsFailure { try await commit(.backoff(key, nil)) }
        state.withLock { state in
            state.unobstructed.remove(key)
            state.obstructed[key] = nil
        }
        return isItsFailure
    }

    func existing(_ key: ModelKey) async throws(ControlError) -> ModelRecord {
        let keys: [ModelKey]
        do throws(StoreError) {
            if let (model, _) = try await parts.store.model(key), !model.isRemoved { return model }
            keys = try await parts.store.models().filter { !$0.isRemoved }.map(\.key)
        } catch {
            throw ControlError(error)
        }
        throw .noSuchModel(key, suggestion: keys.nearest(to: key)?.description)
    }

    private func change(_ key: ModelKey, to change: StateChange) async throws(ControlError) {
        do throws(StoreError) {
            try await commit(change)
        } catch {
            throw ControlError(error)
        }
    }

    // MARK: - Waiting

    package func wait(
        for goal: WaitGoal, of key: ModelKey, timeout: Duration
    ) async throws(ControlError) -> WaitOutcome {
        // What is not there is gone; for anything else somebody has mistyped.
        if goal != .gone { _ = try await existing(key) }
        let (changes, ticket) = listen(to: key)
        defer { stopListening(to: key, ticket) }
        let deadline = parts.time.now() + Seconds(milliseconds: Int64(timeout / .milliseconds(1)))
        var isLate = false
        while true {
            let awaited = try await awaited(key)
            let now = parts.time.now()
            let condition = awaited.condition(at: now)
            switch awaited.verdict(on: goal, at: now) {
            case .reached: return WaitOutcome(condition: condition, reached: true)
            case .impossible(let why): return WaitOutcome(condition: condition, reached: false, impossible: why)
            case .open: break
            }
            if isLate || Task.isCancelled { return WaitOutcome(condition: condition, reached: false) }
            isLate = await !nextChange(in: changes, before: deadline)
        }
    }

    private func awaited(_ key: ModelKey) async throws(ControlError) -> AwaitedModel {
        do throws(StoreError) {
            let found = try await parts.store.model(key)
            let mayMakeRoom = limits.areAboutRoom && found?.model.mayMakeRoom == true
            return AwaitedModel(
                key: key, model: found?.model, instances: found?.instances ?? [], mayMakeRoom: mayMakeRoom)
        } catch {
            throw ControlError(error)
        }
    }

    /// Returns whether something changed before `deadline`.
    func nextChange(in changes: AsyncStream<Void>, before deadline: Timestamp) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                for await _ in changes { return true }
                return false
            }
            group.addTask {
                try? await self.parts.time.sleep(until: deadline)
                return false
            }
            defer { group.cancelAll() }
            return await group.next() ?? false
        }
    }

    func listen(to key: ModelKey) -> (AsyncStream<Void>, UInt64) {
        let (stream, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let ticket = state.withLock { state in
            state.nextListener += 1
            state.listeners[key, default: [:]][state.nextListener] = continuation
            return state.nextListener
        }
        return (stream, ticket)
    }

    func stopListening(to key: ModelKey, _ ticket: UInt64) {
        state.withLock { state in
            state.listeners[key]?[ticket] = nil
            if state.listeners[key]?.isEmpty == true { state.listeners[key] = nil }
        }
    }

    /// Something about `key` may have changed.
    func tellListeners(of key: ModelKey) {
        let listeners = state.withLock { $0.listeners[key].map { Array($0.values) } ?? [] }
        for listener in listeners { listener.yield() }
    }
}

extension ControlError {
    package init(_ error: StoreError) {
        switch error {
        case .superseded: self = .unavailable("another controller has taken over this state directory")
        case .unavailable(let reason), .refused(let reason): self = .unavailable(reason)
        }
    }
}

extension [ModelKey] {
    /// The key that someone who typed `key` may have meant: one that shares its source or its domain.
    package func nearest(to key: ModelKey) -> ModelKey? {
        first { $0.source == key.source && $0.model == key.model }
            ?? first { $0.domain == key.domain && $0.source == key.source }
            ?? first { $0.domain == key.domain }
    }
}
