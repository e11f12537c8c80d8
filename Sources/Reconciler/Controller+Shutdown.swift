import Logging
package import ModelCore
import Synchronization

/// How a controller ends its work.
extension Controller {
    /// Ends ``run()``: at once where instances are kept, else when every instance is drained and stopped. A second
    /// call cuts the drains short. Returns at once.
    package func shutDown(keepingInstances keep: Bool) async {
        let isFirst = state.withLock { state in
            defer { if state.mode == .running { state.mode = keep ? .leaving : .preparingToStop } }
            return state.mode == .running
        }
        guard isFirst else { return hurried.open() }
        guard !keep else { return finished.open() }
        do throws(StoreError) {
            try await stopAll()
        } catch {
            parts.logger.error("instances cannot be stopped", metadata: ["reason": "\(error)"])
            finished.open()
        }
    }

    private func stopAll() async throws(StoreError) {
        let keys = try await parts.store.models().map(\.key)
        // In one piece: a worker that finds the queue empty while the controller is stopping ends the loop.
        startWorkers { state in
            state.mode = .stopping
            state.stoppingSince = parts.time.now()
            for key in keys { state.queue.add(key) }
        }
        finishIfNothingIsLeft()
    }

    /// While shutting down: ends the loop once no key is in work. A key that still has a live instance then has one
    /// that cannot be identified, and that is never signalled, or a database that cannot be written for too long.
    func finishIfNothingIsLeft() {
        let now = parts.time.now()
        let isDone = state.withLock { state in
            guard state.mode == .stopping, state.queue.isEmpty, state.attended.isEmpty else { return false }
            return state.unwritten.isEmpty || now - (state.stoppingSince ?? now) > Self.longestUnwritten
        }
        if isDone { finished.open() }
    }

    /// How long the end of the controller is put off by a database that cannot be written.
    static let longestUnwritten: Seconds = 60

    /// Waits until a second shutdown was asked for: what is still under way is to be cut short.
    package func untilHurried() async { await hurried.wait() }

    /// Instances that are left although everything was to be stopped.
    package func leftovers() async throws(StoreError) -> [InstanceRecord] {
        state.withLock(\.mode) == .stopping ? try await parts.store.liveInstances() : []
    }
}
