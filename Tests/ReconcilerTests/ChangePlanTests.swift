import ModelCore
import Reconciler
import TestSupport
import Testing

/// What is planned is what is done: over random manifests, with all that may be wrong with them.
@Suite(.timeLimit(.minutes(1))) struct ChangePlanTests {
    private static let root = "/manifests"
    private static let time = Timestamp(milliseconds: 1_000_000)

    /// A host whose manifests change at random.
    private struct Host {
        let store = InMemoryStore()
        let manifests = ValueManifests()
        var random: SeededGenerator

        var applier: ManifestApplier { ManifestApplier(store: store, manifests: manifests) }

        mutating func edit() {
            var set = ManifestSet()
            for number in 0..<8 where !random.oneIn(3) {
                let key = ModelKey(domain: "d\(number % 3)", source: "s\(number)", model: "m")
                let file = random.oneIn(4) ? "other.yaml" : "folder/f\(number % 4).yaml"
                set.models.append(ManifestModel(key: key, spec: spec(), file: file, line: number + 1))
            }
            if random.oneIn(4) {
                set.brokenFiles = ["folder/f1.yaml"]
                set.models.removeAll { $0.file == "folder/f1.yaml" }
                set.diagnostics = [Diagnostic(.error, file: "folder/f1.yaml", message: "broken")]
            }
            manifests.set(set, root: ChangePlanTests.root)
        }

        private mutating func spec() -> ModelSpec {
            if random.oneIn(6) {
                return ModelSpec(baseURL: "http://localhost:\(Int.random(in: 1...3, using: &random))")
            }
            var spec = ModelSpec.local("serve \(Int.random(in: 1...3, using: &random))")
            spec.timeout = random.oneIn(2) ? 5 : nil
            spec.load = random.oneIn(3) ? LoadPolicy.eager : nil
            spec.headers = random.oneIn(4) ? ["X-Token": "secret \(Int.random(in: 1...2, using: &random))"] : nil
            return spec
        }

        mutating func removalGuard() -> RemovalGuard {
            RemovalGuard(prune: random.oneIn(3), allowEmpty: random.oneIn(4))
        }
    }

    @Test(arguments: 0..<60) func whatIsPlannedIsDone(seed: Int) async throws {
        var host = Host(random: SeededGenerator(seed: seed))
        for _ in 0..<12 {
            host.edit()
            let removalGuard = host.removalGuard()
            let scope = host.random.oneIn(5) ? "\(Self.root)/folder" : Self.root
            let before = try await host.store.models()
            let writes = host.store.writes
            let planned = try await host.applier.preview(
                directory: scope, removalGuard: removalGuard, now: Self.time)
            #expect(host.store.writes == writes, "a look changes nothing")

            let applied = try await host.applier.apply(
                directory: scope, removalGuard: removalGuard, cause: .applied(by: "ann"), at: Self.time)
            #expect(applied.plan == planned.plan)
            try await check(applied.plan, from: before, in: host.store)

            // Done is done: all that is left is what is held, or broken.
            let again = try await host.applier.preview(
                directory: scope, removalGuard: removalGuard, now: Self.time)
            if removalGuard == RemovalGuard() { #expect(again.changes == []) }
        }
    }

    /// Expects that what changed in the store is what the plan says, no more and no less.
    private func check(_ plan: ChangePlan, from before: [ModelRecord], in store: InMemoryStore) async throws {
        let old = Dictionary(uniqueKeysWithValues: before.map { ($0.key, $0) })
        let planned = Dictionary(uniqueKeysWithValues: plan.changes.map { ($0.key, $0) })
        for model in try await store.models() {
            let known = old[model.key]
            switch planned[model.key]?.action {
            case .create: #expect((known?.isRemoved ?? true) && !model.isRemoved)
            case .replace: #expect(model.generation == (known?.generation ?? 0) + 1)
            case .update: #expect(model.generation == known?.generation && model.spec != known?.spec)
            case .remove: #expect(model.isRemoved && known?.isRemoved == false)
            case nil:
                #expect(known?.spec == model.spec && known?.isRemoved == model.isRemoved)
                #expect(known?.generation == model.generation)
            }
        }
        for key in plan.heldRemovals { #expect(old[key]?.isRemoved == false && planned[key] == nil) }
        let shown = plan.changes.flatMap(\.fields).compactMap(\.new).joined() + plan.changes.map(\.cause).joined()
        #expect(!shown.contains("secret"))
    }

    @Test(arguments: 0..<30) func everyRevisionCanBeGoneBackTo(seed: Int) async throws {
        var host = Host(random: SeededGenerator(seed: seed))
        var past: [Int: [ModelKey: ModelSpec]] = [:]
        func enforced() async throws -> [ModelKey: ModelSpec] {
            Dictionary(
                uniqueKeysWithValues: try await host.store.models().filter { !$0.isRemoved }.map { ($0.key, $0.spec) })
        }
        let everything = RemovalGuard(prune: true, allowEmpty: true)
        for _ in 0..<10 {
            host.edit()
            let report = try await host.applier.apply(
                directory: Self.root, removalGuard: everything, cause: .applied(by: "ann"), at: Self.time)
            past[report.revision] = try await enforced()
        }
        for (revision, specs) in past.sorted(by: { $0.key < $1.key }) where revision > 0 {
            let order = RollbackOrder(revision: revision, removalGuard: everything, by: "ann")
            var dryRun = order
            dryRun.isDryRun = true
            let planned = try await host.applier.rollback(dryRun, at: Self.time)
            let report = try await host.applier.rollback(order, at: Self.time)
            #expect(planned.plan == report.plan && !planned.isAccepted && report.isAccepted)
            #expect(try await enforced() == specs)
            #expect(report.pin?.revision == revision)
        }
    }
}

/// Reproducible chance: SplitMix64, whole sequences named by a seed.
private struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: Int) {
        state = UInt64(truncatingIfNeeded: seed)
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func oneIn(_ count: Int) -> Bool { Int.random(in: 0..<count, using: &self) == 0 }
}
