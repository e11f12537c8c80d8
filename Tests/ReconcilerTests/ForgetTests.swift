import ModelCore
import Reconciler
import TestSupport
import Testing

/// Giving up what is unknown.
@Suite(.timeLimit(.minutes(1))) struct ForgetTests {
    /// An instance of each model, unknown to the next controller. Returns that of `a`.
    private func leaveUnknown(_ world: World, _ models: [ModelKey: ModelSpec]) async throws -> InstanceID {
        try await world.define(models)
        try await world.run { controller, routes in
            for key in models.keys {
                controller.demand(key)
                await routes.wait(for: key) { $0.isInstance }
                world.runtime.setUnreadable(try #require(world.runtime.running(key).first), true)
            }
        }
        return try #require(world.runtime.running(.a).first)
    }

    /// What is said of an instance that is not forgotten; empty where it is.
    private func refusal(of name: String, by controller: Controller) async -> String {
        do throws(ControlError) {
            _ = try await controller.forget(name, by: "ann")
            return ""
        } catch {
            guard case .refused(let sentence) = error else { return "\(error)" }
            return sentence
        }
    }

    @Test(arguments: [LoadPolicy.eager, .onDemand])
    func modelGoesOnAndWhatIsForgottenIsLeftAlone(_ load: LoadPolicy) async throws {
        let world = World()
        let old = try await leaveUnknown(world, [.a: .local(load: load, port: 9000)])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.unavailability?.code == "model_unknown" }
            let message = routes.target(.a).unavailability?.message ?? ""
            #expect(message.hasSuffix("; `modelet forget \(old)` gives it up"), "\(message)")
            let forgotten = try await controller.forget(old.text, by: "ann")
            #expect(forgotten.instance == old && forgotten.model == .a)
            // The same fixed port, and the same demand.
            await routes.wait(for: .a) { $0.isInstance }
            #expect(routes.target(.a).instance != old)
            #expect(world.runtime.launches(of: .a) == 2)
            #expect(world.runtime.stopped == [])
            #expect(world.runtime.running(.a).contains(old))
            let record = try #require(world.store.allInstances.first { $0.id == old })
            #expect(record.phase == .lost && record.exit?.message == "forgotten by ann")
            let model = try await world.store.model(.a)?.model
            #expect(model?.backoff == nil)
            try await controller.unload(.a, hold: true, by: "ann")
            _ = try await controller.wait(for: .standby, of: .a, timeout: .seconds(60))
            #expect(!world.runtime.stopped.contains(old))
        }
        // Nor by a later controller.
        try await world.run { _, routes in
            await routes.wait(for: .a) { $0.unavailability?.code == "model_held" }
            #expect(!world.runtime.stopped.contains(old))
            #expect(world.runtime.running(.a) == [old])
        }
    }

    @Test func beginningIsEnoughWhereItIsOfOneAlone() async throws {
        let world = World()
        let a = try await leaveUnknown(world, [.a: .local(), .b: .local()])
        let b = try #require(world.runtime.running(.b).first)
        try await world.run { controller, routes in
            for key in [ModelKey.a, .b] { await routes.wait(for: key) { $0.unavailability != nil } }
            let shared = a.text.commonPrefix(with: b.text)
            let sentence = await refusal(of: shared, by: controller)
            #expect(
                sentence.contains("\(a) (\(ModelKey.a))") && sentence.contains("\(b) (\(ModelKey.b))"), "\(sentence)")
            let enough = String(b.text.prefix(shared.count + 1)).uppercased()
            let forgotten = try await controller.forget(enough, by: "ann")
            #expect(forgotten.instance == b)
            let left = try await world.store.liveInstances().map(\.id)
            #expect(left.contains(a) && !left.contains(b))
        }
    }

    @Test func onlyWhatIsUnknownIsForgotten() async throws {
        let world = World()
        try await world.define([.a: .local(load: .eager), .b: .local()])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.isInstance }
            let ready = try #require(world.runtime.running(.a).first)
            let sentence = await refusal(of: ready.text, by: controller)
            #expect(
                sentence.contains("it is ready") && sentence.contains("modelet unload \(ModelKey.a)"), "\(sentence)")
            #expect(try await world.store.model(.a)?.instances.map(\.id) == [ready])
            for name in ["", "0197", "d/a"] {
                await #expect(throws: ControlError.noSuchInstance(name, suggestion: "no instance is unknown")) {
                    _ = try await controller.forget(name, by: "ann")
                }
            }
        }
    }

    @Test func whoNamesTheModelIsToldItsInstance() async throws {
        let world = World()
        let old = try await leaveUnknown(world, [.a: .local()])
        try await world.run { controller, routes in
            await routes.wait(for: .a) { $0.unavailability != nil }
            await #expect(
                throws: ControlError.noSuchInstance(
                    "d/a", suggestion: "the instance of \(ModelKey.a) is \(old)")
            ) { _ = try await controller.forget("d/a", by: "ann") }
            await #expect(
                throws: ControlError.noSuchInstance("ffff", suggestion: "unknown are: \(old) (\(ModelKey.a))")
            ) { _ = try await controller.forget("ffff", by: "ann") }
            // Once more, it is gone.
            _ = try await controller.forget(old.text, by: "ann")
            await #expect(throws: ControlError.noSuchInstance(old.text, suggestion: "no instance is unknown")) {
                _ = try await controller.forget(old.text, by: "bob")
            }
        }
    }

    /// The look at it and the operator's word cross.
    @Test func whatIsFoundInTheSameMomentIsKept() async throws {
        let world = World()
        let old = try await leaveUnknown(world, [.a: .local(load: .eager)])
        try await world.adopt()
        #expect(try await world.store.model(.a)?.instances.first?.unknownReason != nil)
        let store = FoundMeanwhile(store: world.store, id: old)
        let refused = await #expect(throws: ControlError.self) {
            _ = try await InstanceForgetting(store: store).forget(old.text, by: "ann", at: world.time.now())
        }
        #expect(
            refused
                == .refused("instance \(old) of \(ModelKey.a) has just been found again; nothing was changed"))
        #expect(try await world.store.model(.a)?.instances.map(\.phase) == [.ready])
    }
}

/// A store in which the instance is found just before it is to be forgotten.
private struct FoundMeanwhile: InstanceStore {
    let store: InMemoryStore
    let id: InstanceID

    func commit(_ change: StateChange, at time: Timestamp) async throws(StoreError) {
        if case .forgotten = change { try await store.commit(.adopted(id, server: nil), at: time) }
        try await store.commit(change, at: time)
    }

    func models() async throws(StoreError) -> [ModelRecord] { try await store.models() }
    func model(_ key: ModelKey) async throws(StoreError) -> (model: ModelRecord, instances: [InstanceRecord])? {
        try await store.model(key)
    }
    func liveInstances() async throws(StoreError) -> [InstanceRecord] { try await store.liveInstances() }
    func attempts(of key: ModelKey, generation: Int) async throws(StoreError) -> Int {
        try await store.attempts(of: key, generation: generation)
    }
    func begin(
        _ intent: InstanceRecord, cause: String, contest: Contest, at time: Timestamp
    ) async throws(StoreError) -> Admission {
        try await store.begin(intent, cause: cause, contest: contest, at: time)
    }
    func ledger(
        limits: HostLimits, uses: [InstanceID: InstanceUse], at time: Timestamp
    ) async throws(StoreError) -> Ledger {
        try await store.ledger(limits: limits, uses: uses, at: time)
    }
    func lastReady(of key: ModelKey) async throws(StoreError) -> InstanceRecord? {
        try await store.lastReady(of: key)
    }
    func spec(
        of key: ModelKey, running source: SourceSpec, before generation: Int
    ) async throws(StoreError) -> ModelSpec? {
        try await store.spec(of: key, running: source, before: generation)
    }
    func accept(
        _ acceptance: Acceptance, root: String, cause: RevisionCause, at time: Timestamp
    ) async throws(StoreError) -> Int {
        try await store.accept(acceptance, root: root, cause: cause, at: time)
    }
    func roots() async throws(StoreError) -> [String] { try await store.roots() }
    func pins() async throws(StoreError) -> [String: RootPin] { try await store.pins() }
    func notePending(_ pending: String?, root: String, at time: Timestamp) async throws(StoreError) {
        try await store.notePending(pending, root: root, at: time)
    }
    func latestRevision(of root: String) async throws(StoreError) -> Int {
        try await store.latestRevision(of: root)
    }
    func revisions() async throws(StoreError) -> [RevisionRecord] { try await store.revisions() }
    func models(ofRevision revision: Int) async throws(StoreError) -> [ManifestModel]? {
        try await store.models(ofRevision: revision)
    }
    func predecessors(of root: String) async throws(StoreError) -> [String] {
        try await store.predecessors(of: root)
    }
    func serve(directory: String, at time: Timestamp) async throws(StoreError) -> String {
        try await store.serve(directory: directory, at: time)
    }
    func note(_ notes: ManifestNotes, root: String, at time: Timestamp) async throws(StoreError) {
        try await store.note(notes, root: root, at: time)
    }
}

extension String {
    fileprivate func commonPrefix(with other: String) -> String {
        String(zip(self, other).prefix { pair in pair.0 == pair.1 }.map(\.0))
    }
}
