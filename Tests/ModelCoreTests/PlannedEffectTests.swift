import ModelCore
import Testing

/// What a change does to what runs, in every situation that a plan may find.
struct PlannedEffectTests {
    private func kind(of model: ModelRecord, _ instances: InstanceRecord...) -> PlannedEffect.Kind {
        plannedEffect(of: model, instances: instances, now: Situation.now).kind
    }

    private func serving(generation: Int = 1) -> InstanceRecord {
        Situation.instance(.ready, generation: generation, isRouted: true)
    }

    @Test func whereNothingRuns() {
        #expect(kind(of: Situation.eager()) == .starts)
        #expect(kind(of: Situation.demanded()) == .starts)
        #expect(kind(of: Situation.model()) == .waitsForDemand)
        #expect(kind(of: Situation.model(Situation.spec(source: nil))) == .forwarded)
        #expect(kind(of: Situation.eager { $0.hold = Hold(since: Situation.now, by: "ann") }) == .recorded)
        #expect(kind(of: Situation.eager { $0.isRemoved = true }) == .forgotten)
        let failed = Situation.eager { $0.backoff = Situation.backoff(until: Situation.now + 30) }
        #expect(kind(of: failed) == .delayed)
    }

    @Test func whereItRuns() {
        #expect(kind(of: Situation.eager(), serving()) == .appliedLive)
        #expect(kind(of: Situation.demanded(), serving()) == .appliedLive)
        #expect(kind(of: Situation.eager(), Situation.instance(.starting)) == .appliedLive)
        #expect(kind(of: Situation.eager { $0.isRemoved = true }, serving()) == .stops)
        // No longer eager, and nobody has asked for it.
        #expect(kind(of: Situation.model(), serving()) == .stops)
        #expect(kind(of: Situation.model(Situation.spec(source: nil), generation: 2), serving()) == .stops)
    }

    @Test func whereItIsReplaced() {
        let edited = Situation.spec(load: .eager, source: Situation.artifact(command: "other"))
        let next = Situation.model(edited, generation: 2)
        let replaced: Set<PlannedEffect.Kind> = [.replacedBeside, .replacedWithGap]
        #expect(replaced.contains(kind(of: next, serving())))
        // One edit after the other: what was started for the first is in nobody's way.
        let second = Situation.instance(.starting, id: "other", generation: 2)
        #expect(
            kind(of: Situation.model(edited, generation: 3), serving(), second)
                == kind(of: next, serving()))
        #expect(kind(of: next, Situation.instance(.starting)) == .loadsAnew)
        // An edit that is taken back while what it was to replace still serves.
        #expect(kind(of: Situation.eager { $0.generation = 3 }, serving()) == .appliedLive)
        // What is on its way out counts for nothing.
        #expect(kind(of: next, Situation.instance(.stopping)) == .starts)
        #expect(kind(of: Situation.model { $0.generation = 2 }) == .waitsForDemand)
    }

    @Test func aFixedPortIsTheReasonForAGap() {
        let source = Situation.artifact(command: "other", port: 20000)
        let next = Situation.model(Situation.spec(load: .eager, source: source), generation: 2)
        let effect = plannedEffect(of: next, instances: [serving()], now: Situation.now)
        #expect(effect.kind == .replacedWithGap)
        #expect(effect.sentence.contains("both need port 20000"))
    }

    @Test func updateResourceIsTheReasonForAGap() {
        var spec = Situation.spec(load: .eager, source: Situation.artifact(command: "other"))
        spec.update = .resource
        let effect = plannedEffect(
            of: Situation.model(spec, generation: 2), instances: [serving()], now: Situation.now)
        #expect(effect.kind == .replacedWithGap)
        #expect(effect.sentence.contains("update: resource"))
    }

    @Test func whatIsUnknownComesFirst() {
        let unknown = Situation.instance(.ready) { $0.unknownReason = "the engine is away" }
        let effect = plannedEffect(of: Situation.eager { $0.generation = 2 }, instances: [unknown], now: Situation.now)
        #expect(effect.kind == .delayed)
        #expect(effect.sentence.contains("the engine is away"))
    }

    // MARK: - The record that a change makes

    private func change(to spec: ModelSpec, of known: ModelRecord) throws -> ModelRecord {
        let model = ManifestModel(key: known.key, spec: spec, file: "new.yaml", line: 3)
        let acceptance = judge(ManifestSet(models: [model]), root: known.root, accepted: [known])
        return try #require(acceptance.changes.first).applied(to: known, root: known.root)
    }

    @Test func aRouteFieldForgetsFailuresAndNotAHold() throws {
        let known = Situation.eager {
            $0.backoff = Situation.backoff(until: Situation.now + 9)
            $0.hold = Hold(since: Situation.now, by: "ann")
            $0.memory = 5
        }
        var spec = known.spec
        spec.timeout = 7
        let after = try change(to: spec, of: known)
        #expect(after.generation == 1)
        #expect(after.backoff == nil && after.hold != nil && after.memory == 5)
        #expect(after.spec == spec && after.file == "new.yaml")
    }

    @Test func aRunFieldForgetsAll() throws {
        let known = Situation.eager {
            $0.generation = 4
            $0.backoff = Situation.backoff(until: Situation.now + 9)
            $0.hold = Hold(since: Situation.now, by: "ann")
            $0.memory = 5
        }
        var spec = known.spec
        spec.source = Situation.artifact(command: "other")
        let after = try change(to: spec, of: known)
        #expect(after.generation == 5)
        #expect(after.backoff == nil && after.hold == nil && after.memory == nil)
    }

    // MARK: - Blocked

    @Test func blockedIsWhatServesAnOlderGenerationBecauseTheNewOneFails() throws {
        var spec = Situation.spec(load: .eager, source: Situation.artifact(command: "broken"))
        let failed = Situation.model(spec, generation: 2) { $0.backoff = Situation.backoff(until: Situation.now + 9) }
        let blocked = try #require(BlockedModel(failed, instances: [serving()]))
        #expect(blocked.servingGeneration == 1 && blocked.wantedGeneration == 2)
        #expect(blocked.fields == [FieldChange(field: "source.startup_command", old: "serve", new: "broken")])
        #expect(blocked.nextAttempt == Situation.now + 9)
        #expect(BlockedModel(failed, instances: []) == nil)
        #expect(BlockedModel(failed, instances: [serving(generation: 2)]) == nil)
        spec.load = nil
        #expect(BlockedModel(Situation.model(spec, generation: 2), instances: [serving()]) == nil)
    }
}
