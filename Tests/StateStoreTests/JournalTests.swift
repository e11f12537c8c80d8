import GRDB
import ModelCore
import Reconciler
@testable import StateStore
import TestSupport
import Testing

@Suite struct JournalTests {
    private let id = Sample.intent().id
    private let operations = "SELECT kind, cause, outcome, message FROM operations"

    @Test func tellsALifeInOperations() async throws {
        let state = try State()
        let store = try await state.open(launchedTo: .gated)
        #expect(try state.query(operations) == ["start|demanded by a test|open|"])
        try await store.commit(.released(id), at: Sample.time(2))
        try await store.commit(.adopted(id, server: nil), at: Sample.time(2))
        try await store.commit(.ready(id, address: "::1"), at: Sample.time(3))
        try await store.commit(.routed(id), at: Sample.time(3))
        try await store.commit(.draining(id, cause: "unloaded by ops"), at: Sample.time(4))
        #expect(try state.query("\(operations) WHERE outcome = 'open'") == ["drain|unloaded by ops|open|"])
        try await store.commit(.stopping(id, cause: "unloaded by ops"), at: Sample.time(5))
        #expect(try state.query("\(operations) WHERE outcome = 'open'") == ["stop|unloaded by ops|open|"])
        try await store.commit(.exited(id, Sample.exit(), backoff: nil, endsDemand: true), at: Sample.time(6))
        try await store.accept([])
        try await store.commit(.removed(Sample.key), at: Sample.time(7))
        #expect(
            try state.query(operations) == [
                "start|demanded by a test|succeeded|", "adopt|found running|succeeded|",
                "switch|instance is ready|succeeded|", "drain|unloaded by ops|succeeded|",
                "stop|unloaded by ops|succeeded|exited with code 3", "remove|removed from its manifest|succeeded|",
            ])
        #expect(
            try state.query("SELECT kind FROM events") == [
                "root", "accepted", "intent", "gated", "starting", "adopted", "ready", "routed", "draining",
                "stopping", "exited", "accepted", "removed",
            ])
        #expect(
            try state.query("SELECT message FROM events WHERE kind = 'ready'") == [
                "answers at ::1, port 20000, after 1s"
            ])
        try store.close()
    }

    @Test func aStartThatEndsBeforeReadinessHasFailed() async throws {
        let state = try State()
        let store = try await state.open(launchedTo: .starting)
        try await store.commit(
            .exited(id, Sample.exit(), backoff: Sample.backoff(), endsDemand: true), at: Sample.time(6))
        #expect(try state.query(operations) == ["start|demanded by a test|failed|exited with code 3"])
        try store.close()
    }

    @Test func namesEveryChangeOfAModel() async throws {
        let state = try State()
        let store = try state.open()
        try await store.accept([Sample.manifest()])
        let key = Sample.key
        try await store.commit(.demand(key, .loaded(since: Sample.time(1), by: "POST /predict")), at: Sample.time(1))
        try await store.commit(.hold(key, Hold(since: Sample.time(1), by: "ops")), at: Sample.time(1))
        try await store.commit(.backoff(key, Sample.backoff()), at: Sample.time(1))
        try await store.commit(.waiting(key, reason: "waits for a start slot"), at: Sample.time(1))
        try await store.commit(.restart(key, by: "ops"), at: Sample.time(1))
        var spec = Sample.spec()
        spec.timeout = 7
        try await store.accept([Sample.manifest(key, spec)])
        #expect(
            try state.query("SELECT kind, message FROM events WHERE id > 1") == [
                "accepted|revision 1: new", "demanded|demanded by POST /predict",
                "held|unloaded by ops until `modelet load`", "backoff|exited with code 3",
                "waiting|waits for a start slot", "restart|restart by ops: generation 2",
                "accepted|revision 2: timeout: (not set) → 7s",
            ])
        #expect(
            try state.query("SELECT revision, key, action, generation, changes FROM revision_model") == [
                "1|\(key)|create|1|", "2|\(key)|update|2|timeout: (not set) → 7s",
            ])
        try store.close()
    }

    @Test func tellsOfAPullFromItsBeginningToItsEnd() async throws {
        let state = try State()
        let store = try state.open()
        try await store.accept([Sample.manifest()])
        func pull(_ finished: Int, isNews: Bool = true, at seconds: Int64) async throws {
            let progress = PullProgress(
                image: "x:1", finishedLayers: finished, layers: 2, fetchedBytes: 1 << 20, totalBytes: 2 << 20)
            try await store.commit(
                .pulling(Sample.key, progress, cause: "load: eager", isNews: isNews), at: Sample.time(seconds))
        }
        try await pull(0, at: 1)
        try await pull(1, isNews: false, at: 2)
        #expect(try state.query("\(operations) WHERE kind = 'pull'") == ["pull|load: eager|open|"])
        try await store.commit(.pulled(Sample.key, .succeeded(last: nil)), at: Sample.time(13))
        try await pull(0, at: 20)
        try await store.commit(.pulled(Sample.key, .failed("unloaded by ops")), at: Sample.time(21))
        try await pull(0, at: 30)
        try await store.commit(
            .loadFailed(Sample.key, generation: 1, Sample.backoff(), ending: .none), at: Sample.time(31))
        #expect(
            try state.query(operations) == [
                "pull|load: eager|succeeded|x:1 was pulled in 12s, 2MiB", "pull|load: eager|failed|unloaded by ops",
                "pull|load: eager|failed|exited with code 3",
            ])
        let progress = "pulling|pulling x:1: 0 of 2 layers, 1MiB of 2MiB"
        #expect(
            try state.query("SELECT kind, message FROM events WHERE id > 2") == [
                progress, "pulled|x:1 was pulled in 12s, 2MiB", progress, "pull_failed|x:1: unloaded by ops", progress,
                "backoff|exited with code 3",
            ])
        try store.close()
    }

    @Test func tellsOfImagesThatMoveAndOfWhatIsSwept() async throws {
        let state = try State()
        let store = try state.open()
        try await store.accept([Sample.manifest()])
        try await store.commit(.drifted(Sample.key, to: "r/x@sha256:b"), at: Sample.time(1))
        #expect(try state.query("SELECT generation, drift FROM models") == ["1|r/x@sha256:b"])
        try await store.commit(.newImage(Sample.key, "r/x@sha256:b"), at: Sample.time(2))
        try await store.commit(.drifted(Sample.key, to: nil), at: Sample.time(3))
        try await store.commit(.swept("modelet-x was left behind"), at: Sample.time(4))
        #expect(
            try state.query("SELECT coalesce(key, '-'), kind, message FROM events WHERE id > 2") == [
                "\(Sample.key)|drift|its image is now r/x@sha256:b",
                "\(Sample.key)|image|r/x@sha256:b is to be run: generation 2",
                "\(Sample.key)|drift|its image is again what runs", "-|swept|modelet-x was left behind",
            ])
        try store.close()
    }

    @Test func keepsWhatAContainerWasAndHowMemoryEndedIt() async throws {
        let state = try State()
        let store = try state.open()
        try await store.accept([Sample.manifest()])
        let intent = Sample.containerIntent()
        _ = try await store.begin(intent, cause: "test", startSlots: 1, at: Sample.time(0))
        try await store.commit(.gated(intent.id, PreparedInstance(containerID: "c0ffee")), at: Sample.time(1))
        let image = intent.image ?? ""
        #expect(try state.query("SELECT container_id, image FROM models") == ["c0ffee|\(image)"])
        var exit = Sample.exit(.signaled(signal: 9))
        exit.isOutOfMemory = true
        try await store.commit(.exited(intent.id, exit, backoff: nil, endsDemand: true), at: Sample.time(2))
        #expect(
            try state.query("SELECT container_id, image, exit_signal, out_of_memory FROM instances") == [
                "c0ffee|\(image)|9|1"
            ])
        #expect(try StateReader(state.directory).snapshot()?.models.first?.lastExit == exit)
        try store.close()
    }

    @Test func tellsWhoForgotAnInstanceAndWhatWasThen() async throws {
        let state = try State()
        let store = try state.open()
        try await store.accept([Sample.manifest()])
        let intent = Sample.containerIntent()
        _ = try await store.begin(intent, cause: "test", startSlots: 1, at: Sample.time(0))
        let prepared = PreparedInstance(containerID: "c0ffee", engine: Sample.engine)
        try await store.commit(.gated(intent.id, prepared), at: Sample.time(1))
        try await store.commit(.unknown(intent.id, reason: "it is elsewhere"), at: Sample.time(2))
        #expect(
            try state.query("SELECT state, reason FROM models") == [
                "unknown|it is elsewhere; `modelet forget \(intent.id)` gives it up"
            ])
        try await store.commit(.forgotten(intent.id, by: "ann"), at: Sample.time(3))
        #expect(
            try state.query("SELECT phase, engine, engine_address, exit_message FROM instances") == [
                "lost|docker 1 /var/lib/docker|unix:///run/docker.sock|forgotten by ann"
            ])
        #expect(
            try state.query("SELECT kind, cause, outcome, message FROM operations") == [
                "start|test|failed|forgotten by ann", "remove|forgotten by ann|succeeded|",
            ])
        #expect(
            try state.query("SELECT kind, message FROM events ORDER BY id DESC LIMIT 1") == [
                "forgotten|forgotten by ann; it was unknown: it is elsewhere"
            ])
        #expect(try state.query("SELECT count(*) FROM port_lease") == ["0"])
        try store.close()
    }

    /// A stop that was never seen to end has not succeeded.
    @Test func aStopThatIsCutShortByForgettingHasFailed() async throws {
        let state = try State()
        let store = try await state.open(launchedTo: .stopping)
        try await store.commit(.unknown(id, reason: "it does not end"), at: Sample.time(2))
        try await store.commit(.forgotten(id, by: "ann"), at: Sample.time(3))
        #expect(
            try state.query("SELECT kind, outcome, message FROM operations ORDER BY id DESC LIMIT 2") == [
                "remove|succeeded|", "stop|failed|forgotten by ann",
            ])
        try store.close()
    }

    /// "Writes nothing" is asked of SQLite itself: its counter of changed rows, and the version that every commit of
    /// anything raises for other connections.
    @Test func whatChangesNothingWritesNothing() async throws {
        let state = try State()
        let store = try await state.open(launchedTo: .starting)
        try await store.commit(.server(id, Sample.server), at: Sample.time(2))
        try await store.commit(.ready(id, address: "::1"), at: Sample.time(3))
        try await store.commit(.routed(id), at: Sample.time(3))
        let demand = Demand.loaded(since: Sample.time(1), by: "ops")
        try await store.commit(.demand(Sample.key, demand), at: Sample.time(1))
        try await store.commit(.waiting(Sample.key, reason: "why"), at: Sample.time(1))

        let observer = try DatabaseQueue(path: state.directory.database)
        func version() async throws -> [Int?] {
            let seen = try await observer.read { try Int.fetchOne($0, sql: "PRAGMA data_version") }
            let made = try await store.write { $0.totalChangesCount }
            return [seen, made]
        }
        let before = try await version()
        let repeated: [StateChange] = [
            .server(id, Sample.server), .ready(id, address: "::1"), .routed(id),
            .demand(Sample.key, demand), .hold(Sample.key, nil), .backoff(Sample.key, nil),
            .waiting(Sample.key, reason: "why"), .removed(Sample.key),
            .routed(InstanceID("nobody")), .waiting(Sample.otherKey, reason: "?"),
        ]
        for change in repeated { try await store.commit(change, at: Sample.time(99)) }
        _ = try await store.accept([Sample.manifest()], at: Sample.time(99))
        #expect(try await version() == before)

        try await store.commit(.waiting(Sample.key, reason: "other"), at: Sample.time(99))
        let after = try await version()
        #expect(after[0] != before[0])
        #expect(after[1] != before[1])
        try observer.close()
        try store.close()
    }

    @Test func keepsTheNewestEventsAndOperations() async throws {
        let state = try State()
        let store = try await state.open(launchedTo: .starting)
        try await store.write { db in
            let journal = Journal(db, at: Sample.time(9))
            for number in 1...Journal.longest {
                try journal.event("test", of: nil, "\(number)")
                try journal.did(.switch, of: Sample.key, cause: "\(number)")
            }
        }
        #expect(try state.query("SELECT count(*), max(message + 0) FROM events") == ["10000|10000"])
        // The open operation is older than all of them, and stays.
        #expect(try state.query("SELECT count(*) FROM operations") == ["10001"])
        #expect(try state.query("SELECT kind, outcome FROM operations LIMIT 1") == ["start|open"])
        try store.close()
    }

    @Test func keepsTheNewestEndedInstancesOfEachModel() async throws {
        let state = try State()
        let store = try state.open()
        try await store.accept([Sample.manifest(), Sample.manifest(Sample.otherKey)])
        try await store.launch(Sample.intent("other", of: Sample.otherKey), to: .exited)
        for attempt in 0..<25 {
            try await store.launch(Sample.intent("id-\(attempt)", attempt: attempt), to: .exited)
        }
        #expect(
            try state.query("SELECT key, count(*), min(attempt), max(attempt) FROM instances GROUP BY key") == [
                "\(Sample.key)|20|5|24", "\(Sample.otherKey)|1|0|0",
            ])
        #expect(try state.query("SELECT count(*) FROM port_lease") == ["0"])
        try store.close()
    }

    @Test func keepsOldRevisionsOnlyAsFarAsTheyStillHold() async throws {
        let state = try State()
        let store = try state.open()
        try await store.write { db in
            for number in 0...Journal.keptRevisions + 5 {
                var spec = Sample.spec()
                spec.timeout = Seconds(Int64(number))
                let set = ManifestSet(models: [Sample.manifest(Sample.otherKey), Sample.manifest(Sample.key, spec)])
                let acceptance = judge(set, root: Sample.root, accepted: try ModelRecord.all(in: db))
                _ = try Journal(db, at: Sample.time(0)).accept(acceptance, root: Sample.root)
            }
        }
        let kept = "SELECT min(revision), count(*) FROM revision_model WHERE key = "
        #expect(try state.query("\(kept) '\(Sample.key)'") == ["7|1000"])
        #expect(try state.query("\(kept) '\(Sample.otherKey)'") == ["1|1"])
        try store.close()
    }

    /// A controller that is told to stop has often just seen an exit; the exit is recorded all the same.
    @Test func aCancelledTaskStillWrites() async throws {
        let state = try State()
        let store = try await state.open(launchedTo: .starting)
        let id = self.id
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            #expect(Task.isCancelled)
            try await store.commit(.exited(id, Sample.exit(), backoff: nil, endsDemand: true), at: Sample.time(9))
            return try await store.liveInstances()
        }
        #expect(try await task.value == [])
        #expect(try state.query("SELECT phase FROM instances") == ["exited"])
        try store.close()
    }
}
