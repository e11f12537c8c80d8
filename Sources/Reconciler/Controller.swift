package import Logging
package import ModelCore
import Synchronization

/// The loop: compares what should run with what does, one key at a time, and performs one step after the other.
///
/// Level-triggered. Whatever happens (a request, an exit, a timer, an edited manifest) only puts a key into the work
/// queue; the worker reads the state anew, asks ``decide(_:now:)`` and performs the step. A key is never in two hands,
/// and a key that is stuck delays no other.
package final class Controller: Sendable {
    /// The parts that a controller works with.
    package struct Parts: Sendable {
        package var store: any InstanceStore
        /// What runs a source of this kind; `nil` where nothing does.
        package var runtime: @Sendable (SourceSpec) -> (any Runtime)?
        /// Every runtime once.
        package var runtimes: [any Runtime]
        package var prober: any Prober
        package var routes: any RouteTable
        package var manifests: any ManifestSource
        /// What on the disk keeps a source from being launched; `nil` where nothing does.
        package var obstacle: @Sendable (SourceSpec, _ root: String) -> String?
        /// Deletes the runtimes' files of instances that ended long ago, save these.
        package var pruneFiles: @Sendable (Set<InstanceID>) async -> Void
        package var time: any Timekeeper
        package var logger: Logger

        package init(
            store: any InstanceStore, runtime: @escaping @Sendable (SourceSpec) -> (any Runtime)?,
            runtimes: [any Runtime] = [], prober: any Prober, routes: any RouteTable, manifests: any ManifestSource,
            obstacle: @escaping @Sendable (SourceSpec, String) -> String? = { _, _ in nil },
            pruneFiles: @escaping @Sendable (Set<InstanceID>) async -> Void = { _ in }, time: any Timekeeper,
            logger: Logger
        ) {
            self.store = store
            self.runtime = runtime
            self.runtimes = runtimes
            self.prober = prober
            self.routes = routes
            self.manifests = manifests
            self.obstacle = obstacle
            self.pruneFiles = pruneFiles
            self.time = time
            self.logger = logger
        }
    }

    package let limits: HostLimits
    let parts: Parts
    let state = Mutex(State())
    /// What the run loop is to do in tasks of its own.
    let jobs: AsyncStream<Job>
    let submit: AsyncStream<Job>.Continuation
    /// Open once everything is stopped, or is to be left as it is.
    let finished = Latch()
    /// Open once drains are to be cut short.
    let hurried = Latch()
    /// Who applies manifests.
    let applying = Turns()
    /// Who asks an engine for images.
    let supplying = Turns(atOnce: Controller.mostSupplied)

    package init(_ parts: Parts, limits: HostLimits = HostLimits()) {
        self.parts = parts
        self.limits = limits
        (jobs, submit) = AsyncStream.makeStream()
    }

    /// Runs until ``shutDown(keepingInstances:)`` has been carried out. ``adoptInstances()`` comes first.
    ///
    /// Throws ``StoreError/superseded`` when another controller has taken over the state; instances are then left as
    /// they are.
    package func run() async throws {
        state.withLock { $0.isLooping = true }
        defer { stopLooping() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await withThrowingDiscardingTaskGroup { workers in
                    for await job in self.jobs {
                        if case .superseded = job { throw StoreError.superseded }
                        workers.addTask { await self.perform(job) }
                    }
                }
            }
            group.addTask { await self.finished.wait() }
            group.addTask { await self.watchMemory() }
            group.addTask { await self.watchImages() }
            group.addTask { await self.listenToWakes() }
            // The first to end: the latch, or the loop by an error.
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func perform(_ job: Job) async {
        switch job {
        case .reconcile(let key):
            await work(on: key)
        case .watch(let instance):
            await watch(instance)
        case .wake(let key, let time):
            guard (try? await parts.time.sleep(until: time)) != nil else { return }
            state.withLock { state in
                if state.timers[key] == time { state.timers[key] = nil }
            }
            enqueue(key)
        case .callUp(let time):
            await callUp(at: time)
        case .awaitIdleness(let instances, let key):
            await awaitIdleness(of: instances, for: key)
        case .measure(let instance):
            await recordMemory(of: [instance])
        case .awaitDrain(let instance, let timeout):
            _ = await drain(instance.id, timeout: timeout)
            dismiss(instance)
        case .end(let instance, let runtime, let grace):
            await end(instance, with: runtime, grace: grace)
        case .lookAtImages:
            await lookAtImages()
        case .sweep:
            await sweep()
        case .superseded:
            break
        }
    }

    private func stopLooping() {
        let awaited = state.withLock { state in
            state.isLooping = false
            defer { state.awaitedLooks = [:] }
            return state.awaitedLooks.values.flatMap(\.self)
        }
        awaited.forEach { $0.open() }
    }
}
