import ModelCore
import Testing

/// What a failure means for its model: a row a situation.
struct SetbackTests {
    private struct Row: Sendable {
        var name: String
        var failed: FailedLaunch
        var others: [InstanceRecord] = []
        var lastReady: InstanceRecord?
        var isFinal = false
        var isFelt: Bool
        /// Failures in a row of which it is one; `nil` where it is none of the model's.
        var failures: Int?
    }

    private static let formerSource = Situation.artifact(command: "former")

    private static func instance(
        _ phase: Phase, generation: Int = 3, insteadOf: Int? = nil, hasServed: Bool = false, age: Seconds = 10
    ) -> InstanceRecord {
        Situation.instance(
            phase, generation: generation, source: generation == 3 ? Situation.artifact() : formerSource
        ) { instance in
            instance.insteadOf = insteadOf
            instance.phaseSince = Situation.now + Seconds(milliseconds: -age.milliseconds)
            instance.readyAt = hasServed ? instance.phaseSince : nil
        }
    }

    private static func other(_ phase: Phase) -> InstanceRecord {
        Situation.instance(phase, id: "other", generation: 2, source: formerSource)
    }

    /// What was ready last, and is not what is wanted.
    private static let last = instance(.exited, generation: 2, hasServed: true)

    /// The model has failed at its third generation twice, and at what stands in for that twice.
    private static let model = Situation.demanded { model in
        model.generation = 3
        model.backoff = Situation.backoff(failures: 2, until: Situation.now)
        model.restoration = Situation.backoff(failures: 2, until: Situation.now)
    }

    private static let rows: [Row] = [
        // What is wanted.
        Row(name: "a first load", failed: .instance(instance(.starting)), isFelt: true, failures: 3),
        Row(
            name: "beside what serves", failed: .instance(instance(.starting)), others: [other(.ready)], isFelt: false,
            failures: 3),
        Row(
            name: "beside what is on its way out", failed: .instance(instance(.starting)), others: [other(.draining)],
            isFelt: true, failures: 3),
        Row(
            name: "it is among the live ones itself", failed: .instance(instance(.starting)),
            others: [instance(.starting)], isFelt: true, failures: 3),
        Row(
            name: "what was ready last can be restored", failed: .instance(instance(.starting)), lastReady: last,
            isFelt: false, failures: 3),
        Row(
            name: "what was ready last is what has failed", failed: .instance(instance(.starting)),
            lastReady: instance(.exited, hasServed: true), isFelt: true, failures: 3),
        Row(
            name: "what has served has an end like any other", failed: .instance(instance(.ready, hasServed: true)),
            lastReady: last, isFelt: true, failures: 3),
        Row(
            name: "before there was an instance", failed: .load(generation: 3, insteadOf: nil), isFelt: true,
            failures: 3),
        Row(
            name: "before there was one, and something serves", failed: .load(generation: 3, insteadOf: nil),
            others: [other(.ready)], isFelt: false, failures: 3),
        Row(
            name: "before there was one, and something can be restored", failed: .load(generation: 3, insteadOf: nil),
            lastReady: last, isFelt: false, failures: 3),
        // What stands in.
        Row(
            name: "what stands in is tried again",
            failed: .instance(instance(.starting, generation: 2, insteadOf: 3, age: 200)), lastReady: last,
            isFelt: true, failures: 3),
        Row(
            name: "what stood in for long starts anew",
            failed: .instance(instance(.ready, generation: 2, insteadOf: 3, hasServed: true, age: 60)),
            lastReady: last, isFelt: true, failures: 1),
        Row(
            name: "what stood in for a moment does not",
            failed: .instance(instance(.ready, generation: 2, insteadOf: 3, hasServed: true, age: 59)),
            lastReady: last, isFelt: true, failures: 3),
        Row(
            name: "what was to stand in", failed: .load(generation: 3, insteadOf: 3), lastReady: last, isFelt: true,
            failures: 3),
        Row(
            name: "what was to stand in, for good", failed: .load(generation: 3, insteadOf: 3), lastReady: last,
            isFinal: true, isFelt: true, failures: 3),
        // What is neither.
        Row(name: "an outdated load", failed: .instance(instance(.starting, generation: 2)), isFelt: false),
        Row(
            name: "an outdated load, for good", failed: .instance(instance(.starting, generation: 2)), isFinal: true,
            isFelt: false),
        Row(
            name: "it stood in for what is outdated, too",
            failed: .instance(instance(.starting, generation: 1, insteadOf: 2)), isFelt: false),
        Row(
            name: "what was outdated before there was an instance", failed: .load(generation: 2, insteadOf: nil),
            isFelt: false),
        Row(
            name: "what was to stand in for what is outdated", failed: .load(generation: 2, insteadOf: 2),
            isFelt: false),
        Row(
            name: "a former one that has served", failed: .instance(instance(.ready, generation: 2, hasServed: true)),
            isFelt: true),
        Row(
            name: "a former one that has served, and its successor loads",
            failed: .instance(instance(.ready, generation: 2, hasServed: true)), others: [other(.starting)],
            isFelt: false),
    ]

    @Test(arguments: rows.indices) func aFailureMeans(_ index: Int) {
        let row = Self.rows[index]
        let failure = Situation.failure(row.isFinal ? .terminal : .retryable)
        let setback = Self.model.setback(
            by: failure, of: row.failed, others: row.others, lastReady: row.lastReady, jitter: 0)
        #expect(setback.failure == failure, "\(row.name)")
        #expect(setback.isFelt == row.isFelt, "\(row.name)")
        #expect(setback.backoff?.failures == row.failures, "\(row.name)")
    }

    /// What stands in fails once: it is tried again, and its callers are held. The third time it is not.
    @Test func whatStandsInHasTriesOfItsOwn() {
        let standIn = Self.instance(.starting, generation: 2, insteadOf: 3)
        var model = Self.model
        for (tried, isFelt) in [(0, false), (1, false), (2, true)] {
            model.restoration = tried == 0 ? nil : Situation.backoff(failures: tried, until: Situation.now)
            let setback = model.setback(
                by: Situation.failure(), of: .instance(standIn), others: [], lastReady: Self.last, jitter: 0)
            #expect(setback.isFelt == isFelt)
            #expect(setback.backoff?.failures == tried + 1)
        }
    }

    /// What stood in for a generation that has been given another chance is a former one.
    @Test func whatStandsInForAGenerationWithoutFailuresIsAFormerOne() {
        var model = Self.model
        model.backoff = nil
        let standIn = Self.instance(.starting, generation: 2, insteadOf: 3)
        for failed in [FailedLaunch.instance(standIn), .load(generation: 3, insteadOf: 3)] {
            let setback = model.setback(
                by: Situation.failure(), of: failed, others: [], lastReady: Self.last, jitter: 0)
            #expect(!setback.isFelt)
            #expect(setback.backoff == nil)
        }
        #expect(!model.mayBeFelt(failureOf: standIn))
        #expect(Self.model.mayBeFelt(failureOf: standIn))
    }
}
