import Logging
import ModelCore
import Synchronization

/// What instances take of the memory, as measured.
extension Controller {
    /// How often all instances are measured where there is a budget: models grow in minutes, and a pass over `/proc`
    /// takes a few milliseconds.
    static let memoryInterval: Seconds = 10

    /// The resident memory of each instance's process tree, in bytes, where it can be measured.
    func measure(_ instances: [InstanceRecord]) async -> [InstanceID: Int64] {
        var found: [InstanceID: Int64] = [:]
        for group in Dictionary(grouping: instances, by: \.source.type).values {
            guard let runtime = group.first.flatMap({ parts.runtime($0.source) }) else { continue }
            found.merge(await runtime.residentMemory(of: group)) { $1 }
        }
        return found
    }

    /// Measures instances, and records what has changed much. What cannot be recorded now is so next time.
    func recordMemory(of instances: [InstanceRecord]) async {
        await record(await measure(instances), of: instances)
    }

    private func record(_ memory: [InstanceID: Int64], of instances: [InstanceRecord]) async {
        for instance in instances where instance.phase.isCurrent {
            guard let bytes = memory[instance.id], let model = state.withLock({ $0.models[instance.key] }) else {
                continue
            }
            let known = model.memory
            // What a former generation takes says nothing of the next.
            guard model.isFulfilled(by: instance), Self.isNews(bytes, after: known) else { continue }
            do throws(StoreError) {
                try await commit(.measured(instance.key, memory: bytes))
                state.withLock { $0.models[instance.key]?.memory = bytes }
            } catch {
                parts.logger.debug("memory cannot be recorded", metadata: ["reason": "\(error)"])
            }
        }
    }

    /// An eighth more or less matters; each smaller change is not worth a write.
    private static func isNews(_ bytes: Int64, after known: Int64?) -> Bool {
        guard let known else { return true }
        return (bytes - known).magnitude > (known / 8).magnitude
    }

    /// Keeps an eye on what runs, until cancelled. Returns at once where there is no budget.
    func watchMemory() async {
        guard limits.memory != nil else { return await untilCancelled() }
        while (try? await parts.time.sleep(for: Self.memoryInterval)) != nil {
            do throws(StoreError) {
                try await lookAtMemory()
            } catch {
                parts.logger.error("memory cannot be judged", metadata: ["reason": "\(error)"])
            }
        }
    }

    /// Measures everything; where more is taken than the budget allows, says so and asks idle models to leave. A busy
    /// one is never ended for it.
    func lookAtMemory() async throws(StoreError) {
        guard let budget = limits.memory, state.withLock({ $0.mode == .running }) else { return }
        let instances = try await parts.store.liveInstances()
        let uses = await uses(of: instances)
        await record(uses.compactMapValues(\.memory), of: instances)
        let ledger = Ledger(
            limits: limits, ports: [:], instances: instances, models: state.withLock(\.models), uses: uses,
            now: parts.time.now())
        let isOver = ledger.memory > budget
        if isOver, !state.withLock(\.isOverMemory) { try await warn(of: ledger, budget: budget) }
        state.withLock { $0.isOverMemory = isOver }
        if isOver {
            let chosen = Set(relief(ledger))
            let cause = "models have grown beyond the memory budget of \(ByteCount(budget))"
            await evict(instances.filter { chosen.contains($0.id) }, cause: cause)
        }
        // Memory may have been given back without an instance's having ended.
        if !isOver, state.withLock({ !$0.waitingForRoom.isEmpty }) { wakeParked() }
    }

    private func warn(of ledger: Ledger, budget: Int64) async throws(StoreError) {
        guard let largest = ledger.holders.max(by: { $0.memory < $1.memory }) else { return }
        let message =
            "models take \(ByteCount(ledger.memory)), more than the memory budget of \(ByteCount(budget)); "
            + "this one takes \(ByteCount(largest.memory)), the most"
        parts.logger.warning(
            "memory budget exceeded", metadata: ["model.key": "\(largest.key)", "reason": "\(message)"])
        try await commit(.noted(largest.key, message))
    }
}
