package import ModelCore
package import Reconciler
import Synchronization

/// A prober whose answers a test sets; otherwise what runs is ready.
package final class ScriptedProber: Prober {
    private let verdicts = Mutex<[Int: ProbeVerdict]>([:])
    private let runtime: InMemoryRuntime

    package init(runtime: InMemoryRuntime) {
        self.runtime = runtime
    }

    /// What a probe of this port says from now on; `nil`: whether something runs there.
    package func answer(_ verdict: ProbeVerdict?, onPort port: Int) {
        verdicts.withLock { $0[port] = verdict }
    }

    package func probe(_ target: ProbeTarget) async -> ProbeVerdict {
        if let verdict = verdicts.withLock({ $0[target.port] }) { return verdict }
        return runtime.isListening(target.port)
            ? .ready(address: "127.0.0.1") : .failed(reason: "connection refused")
    }
}

/// A gateway that only remembers its routes.
package final class RecordingRoutes: RouteTable {
    private struct State {
        var routes: [ModelKey: Route] = [:]
        var history: [RouteChange] = []
        var watchers: [UInt64: AsyncStream<Void>.Continuation] = [:]
        var nextWatcher: UInt64 = 0
        var isBusy = false
        var activity: [InstanceID: InstanceActivity] = [:]
        var usualActivity = InstanceActivity()
        var expiredDrains: Set<InstanceID> = []
    }

    private let state = Mutex(State())

    package init() {}

    package func target(_ key: ModelKey) -> Route.Target? { state.withLock { $0.routes[key]?.target } }
    package func route(_ key: ModelKey) -> Route? { state.withLock { $0.routes[key] } }
    package var history: [RouteChange] { state.withLock(\.history) }

    /// Waits until the route of `key` answers `condition`.
    package func wait(for key: ModelKey, _ condition: @Sendable (Route.Target?) -> Bool) async {
        let (changes, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let id = state.withLock { state in
            state.nextWatcher += 1
            state.watchers[state.nextWatcher] = continuation
            return state.nextWatcher
        }
        defer { _ = state.withLock { $0.watchers.removeValue(forKey: id) } }
        if condition(target(key)) { return }
        for await _ in changes where condition(target(key)) { return }
    }

    package func publish(_ changes: [RouteChange]) async {
        let watchers = state.withLock { state in
            for change in changes {
                switch change {
                case .set(let route): state.routes[route.key] = route
                case .remove(let key): state.routes[key] = nil
                }
            }
            state.history += changes
            return Array(state.watchers.values)
        }
        watchers.forEach { $0.yield() }
    }

    package func activity(of instances: [InstanceID]) async -> [InstanceID: InstanceActivity] {
        state.withLock { state in
            Dictionary(uniqueKeysWithValues: instances.map { ($0, state.activity[$0] ?? state.usualActivity) })
        }
    }

    /// What is known of every instance's requests from now on, where nothing is known of it in particular.
    package func setActivity(_ activity: InstanceActivity) { changeAndTell { $0.usualActivity = activity } }

    /// What is known of an instance's requests from now on.
    package func setActivity(_ activity: InstanceActivity, of instance: InstanceID) {
        changeAndTell { $0.activity[instance] = activity }
    }

    /// Requests in flight at the instance outlast every wait for them.
    package func expireDrains(of instance: InstanceID) {
        changeAndTell { $0.expiredDrains.insert(instance) }
    }

    private func changeAndTell(_ change: (inout State) -> Void) {
        let watchers = state.withLock { state in
            change(&state)
            return Array(state.watchers.values)
        }
        watchers.forEach { $0.yield() }
    }

    /// From now on no instance is ever idle.
    package func keepBusy() { state.withLock { $0.isBusy = true } }

    package func drained(_ instance: InstanceID, timeout: Duration) async -> Bool {
        let (changes, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let id = state.withLock { state in
            state.nextWatcher += 1
            state.watchers[state.nextWatcher] = continuation
            return state.nextWatcher
        }
        defer { _ = state.withLock { $0.watchers.removeValue(forKey: id) } }
        if let verdict = drainVerdict(on: instance) { return verdict }
        // Ends with the task.
        for await _ in changes {
            if let verdict = drainVerdict(on: instance) { return verdict }
        }
        return false
    }

    private func drainVerdict(on instance: InstanceID) -> Bool? {
        state.withLock { state in
            if state.isBusy { return nil }
            if state.activity[instance]?.inFlight ?? 0 == 0 { return true }
            return state.expiredDrains.contains(instance) ? false : nil
        }
    }
}

/// Manifests that a test writes as values.
package final class ValueManifests: ManifestSource {
    private let sets = Mutex<[String: ManifestSet]>([:])
    private let followedRoots = Mutex<[String]>([])
    package let changes: AsyncStream<Void>
    private let announcement: AsyncStream<Void>.Continuation

    package init() {
        (changes, announcement) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Says what a watch over the roots says after an edit.
    package func announce() { announcement.yield() }

    package var followed: [String] { followedRoots.withLock { $0 } }
    package func follow(_ roots: [String], trouble: @escaping @Sendable (String) -> Void) {
        followedRoots.withLock { $0 = roots }
    }

    package func set(_ set: ManifestSet, root: String) {
        sets.withLock { $0[root] = set }
    }

    package func load(root: String) -> ManifestSet {
        sets.withLock { $0[root] ?? ManifestSet() }
    }
}
