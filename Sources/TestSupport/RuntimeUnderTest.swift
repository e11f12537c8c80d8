package import ModelCore
package import Reconciler
internal import Synchronization

/// A host on which instances are launched, and the runtimes, one after the other, that look after them.
package final class RuntimeUnderTest: Sendable {
    /// What a server does.
    package enum Habit: Hashable, Sendable {
        /// Runs until it is asked to end.
        case runs
        case ignoresTERM
        case exits(code: Int32, saying: String)
    }

    private let image: String?
    private let make: @Sendable () -> any Runtime
    private let current: Mutex<any Runtime>
    private let arrange: @Sendable (Habit, ModelKey) -> SourceSpec
    private let isUp: @Sendable (any Runtime, InstanceRecord) async throws -> Bool
    private let isLeft: @Sendable (InstanceRecord) async throws -> Bool
    package let key = ModelKey(domain: "d", source: "s", model: "m")

    /// - Parameters:
    ///   - image: what instances are launched from; `nil` where they are processes.
    ///   - make: a controller's runtime on this host. Those before it have died, or live on beside it.
    ///   - arrange: a source whose server does as told.
    ///   - isUp: whether a server does so by now.
    ///   - isLeft: whether anything of an instance exists on the host but files.
    package init(
        image: String? = nil, make: @escaping @Sendable () -> any Runtime,
        arrange: @escaping @Sendable (Habit, ModelKey) -> SourceSpec,
        isUp: @escaping @Sendable (any Runtime, InstanceRecord) async throws -> Bool,
        isLeft: @escaping @Sendable (InstanceRecord) async throws -> Bool
    ) {
        self.image = image
        self.make = make
        self.arrange = arrange
        self.isUp = isUp
        self.isLeft = isLeft
        current = Mutex(make())
    }

    package var runtime: any Runtime { current.withLock { $0 } }

    /// The controller dies, and with it what it held of its instances; another one comes.
    func restart() { current.withLock { $0 = make() } }

    /// Another controller's runtime beside the first.
    func another() -> any Runtime { make() }

    func source(_ habit: Habit) -> SourceSpec { arrange(habit, key) }

    func newID() -> InstanceID {
        var random = SystemRandomNumberGenerator()
        return InstanceID.make(at: Timestamp(milliseconds: 1_700_000_000_000), using: &random)
    }

    func instance(_ id: InstanceID, _ habit: Habit, port: Int) -> InstanceRecord {
        var instance = InstanceRecord(
            id: id, key: key, generation: 1, attempt: 0, source: source(habit), host: "127.0.0.1", port: port,
            createdAt: Timestamp(milliseconds: 0))
        instance.image = image
        return instance
    }

    /// Everything of an instance but its effect.
    func prepare(_ habit: Habit) async throws -> InstanceRecord {
        let id = newID()
        let port = try await runtime.reservePort(for: id, source: source(habit), leased: [])
        var instance = instance(id, habit, port: port)
        let prepared = try await runtime.prepare(instance)
        instance.shim = prepared.shim
        instance.containerID = prepared.containerID
        instance.engine = prepared.engine
        instance.phase = .gated
        return instance
    }

    func launch(_ habit: Habit) async throws -> InstanceRecord {
        var instance = try await prepare(habit)
        try await runtime.release(instance.id)
        instance.phase = .starting
        return instance
    }

    func untilUp(_ instance: InstanceRecord) async throws {
        try await eventually("the server is up") { try await self.isUp(self.runtime, instance) }
    }

    func expectNothingIsLeft(of instance: InstanceRecord) async throws {
        try await eventually("nothing is left") { try await !self.isLeft(instance) }
    }

    /// Ends an instance that the check itself has no further use for.
    func end(_ instance: InstanceRecord) async throws {
        let verdict = await runtime.stop(instance, grace: .seconds(60))
        guard case .exited = verdict else { throw BrokenPromise(description: "it cannot be ended: \(verdict)") }
        try await expectNothingIsLeft(of: instance)
    }
}
