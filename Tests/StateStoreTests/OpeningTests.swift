import GRDB
import Glibc
import ModelCore
import Reconciler
@testable import StateStore
import TestSupport
import Testing

@Suite struct OpeningTests {
    @Test func keepsEverythingForItsOwner() throws {
        let state = try State()
        let directory = state.directory
        #expect(mkdir(directory.path, 0o755) == 0)
        let lock = try StateLock.acquire(at: directory)
        let store = try state.open()
        #expect(try mode(directory.path) == 0o700)
        for file in [
            directory.database, directory.database + "-wal", directory.database + "-shm", directory.lock,
            directory.uuid,
        ] {
            #expect(try mode(file) == 0o600, "\(file)")
        }
        try store.close()
        withExtendedLifetime(lock) {}
    }

    private func mode(_ path: String) throws -> mode_t {
        var status = stat()
        try #require(stat(path, &status) == 0)
        return status.st_mode & 0o777
    }

    /// Who copies `modelet.db` alone after a shutdown has everything.
    @Test func leavesOneFileWhenItIsClosed() async throws {
        let state = try State()
        let store = try await state.open(launchedTo: .ready)
        #expect(try await store.models().count == 1)
        try store.close()
        #expect(access(state.directory.database + "-wal", F_OK) != 0)
        #expect(try state.query("SELECT phase FROM instances") == ["ready"])
    }

    @Test func survivesAPowerCutOnceACallHasReturned() async throws {
        let state = try State()
        let store = try state.open()
        #expect(try await store.write { try Int.fetchOne($0, sql: "PRAGMA synchronous") } == 2)
        #expect(try await store.write { try String.fetchOne($0, sql: "PRAGMA journal_mode") } == "wal")
        #expect(try await store.write { try Int.fetchOne($0, sql: "PRAGMA foreign_keys") } == 1)
        try store.close()
    }

    @Test func raisesTheEpochOnlyForAClaim() async throws {
        let state = try State()
        let first = try state.open()
        #expect(first.epoch == 1)
        let guest = try state.open(claim: false)
        #expect(guest.epoch == 1)
        try await first.accept([Sample.manifest()])
        try await guest.commit(.waiting(Sample.key, reason: "both may write"), at: Sample.time(1))
        let second = try state.open()
        #expect(second.epoch == 2)
        for store in [first, guest] {
            await #expect(throws: StoreError.superseded) {
                try await store.commit(.waiting(Sample.key, reason: nil), at: Sample.time(2))
            }
        }
        #expect(try await first.models().map(\.waiting) == ["both may write"])
        for store in [first, guest, second] { try store.close() }
    }

    @Test func keepsItsNameEvenWithoutTheDatabase() throws {
        let state = try State()
        let other = "11111111-2222-4333-8444-555555555555"
        let first = try state.open()
        #expect(first.uuid == State.uuid)
        try first.close()
        #expect(try state.open(uuid: other).uuid == State.uuid)

        for file in ["", "-wal", "-shm"] { unlink(state.directory.database + file) }
        #expect(try state.open(uuid: other).uuid == State.uuid)

        unlink(state.directory.uuid)
        #expect(try state.open(uuid: other).uuid == State.uuid)
        #expect(try command("cat", state.directory.uuid).output == State.uuid + "\n")
    }

    @Test func isFoundAgainAsItWas() async throws {
        let state = try State()
        let first = try await state.open(launchedTo: .ready)
        let models = try await first.models()
        let instances = try await first.liveInstances()
        try first.close()
        let second = try state.open()
        #expect(try await second.models() == models)
        #expect(try await second.liveInstances() == instances)
        #expect(try await second.leasedPorts() == [20_000: Sample.key])
        try second.close()
    }

    /// A state that was last written before load times were counted.
    @Test func bringsAnOlderSchemaUpToDate() async throws {
        let state = try State()
        let store = try await state.open(launchedTo: .ready)
        try await store.accept([Sample.manifest(), Sample.manifest(Sample.otherKey)])
        try store.close()
        expectSuccess(
            try state.sql(
                """
                DROP VIEW models;
                DROP VIEW instances;
                DROP TRIGGER model_load_times_are_whole;
                DROP TRIGGER model_loads_are_only_added;
                DROP TRIGGER instance_engine_is_fixed;
                DROP TRIGGER instance_engine_is_of_a_container;
                ALTER TABLE instance DROP COLUMN engine_address;
                ALTER TABLE instance DROP COLUMN engine;
                DROP TRIGGER instance_image_is_fixed;
                DROP TRIGGER instance_is_of_one_kind;
                DROP TRIGGER operation_pull_is_of_a_model;
                DROP TRIGGER operation_pull_is_the_only_open_one;
                DROP TRIGGER model_pull_is_journalled;
                DROP TRIGGER operation_pull_ends_with_the_model_s;
                DROP TRIGGER model_pulling_is_kept;
                DROP INDEX operation_open_pull;
                ALTER TABLE model DROP COLUMN pull_message;
                ALTER TABLE model DROP COLUMN pull;
                ALTER TABLE model DROP COLUMN drift_followed;
                ALTER TABLE model DROP COLUMN drift;
                ALTER TABLE instance DROP COLUMN image;
                ALTER TABLE instance DROP COLUMN exit_oom;
                ALTER TABLE model DROP COLUMN load_count;
                ALTER TABLE model DROP COLUMN usual_load_ms;
                ALTER TABLE model DROP COLUMN memory_bytes;
                CREATE VIEW models AS SELECT key FROM model;
                CREATE VIEW instances AS SELECT key FROM instance;
                DELETE FROM grdb_migrations WHERE identifier IN ('2', '3', '4');
                """))
        #expect(throws: StoreError.self) { try StateReader(state.directory).snapshot() }
        let again = try state.open()
        #expect(try await again.models().map(\.loads) == [LoadTimes(count: 1, last: 1, usual: 1), nil])
        #expect(try await again.liveInstances().count == 1)
        let columns = "state, loads, last_load_seconds, usual_load_seconds, memory_bytes"
        #expect(try state.query("SELECT \(columns) FROM models") == ["ready|1|1.0|1.0|", "standby|0|||"])
        try again.close()
    }

    /// A database as a controller left it that knew neither containers nor their images.
    @Test func bringsTheSecondSchemaUpToDate() async throws {
        let state = try State()
        #expect(mkdir(state.directory.path, 0o700) == 0)
        expectSuccess(try state.sql("PRAGMA application_id = 1835297908; PRAGMA journal_mode = WAL"))
        expectSuccess(try state.sql(secondSchemaDump))
        #expect(throws: StoreError.self) { try StateReader(state.directory).snapshot() }
        let store = try state.open()
        let models = try await store.models()
        #expect(models.map(\.generation) == [1, 2, 1])
        #expect(models.map(\.pull) == [nil, nil, nil])
        #expect(models.map(\.drift) == [nil, nil, nil])
        #expect(models.first?.backoff?.lastFailure.exit?.kind == .exited(code: 1))
        #expect(models.first?.backoff?.lastFailure.exit?.isOutOfMemory == false)
        let live = try await store.liveInstances()
        #expect(live.map(\.phase) == [.ready])
        #expect(live.map(\.image) == [nil])
        #expect(live.map(\.isRouted) == [true])
        #expect(
            try state.query("SELECT key, state, image, drift FROM models") == [
                "churn/scorer/broken|held||", "churn/scorer/default|ready||", "churn/scorer/image|standby||",
            ])
        #expect(try state.query("SELECT sum(out_of_memory) FROM instances") == ["0"])
        // What has been recorded can be gone on with.
        let progress = PullProgress(image: "python:3.12")
        let image = ModelKey(domain: "churn", source: "scorer", model: "image")
        try await store.commit(.pulling(image, progress, cause: "test", isNews: true), at: Sample.time(1))
        try await store.commit(
            .exited(live[0].id, Sample.exit(), backoff: nil, endsDemand: false), at: Sample.time(1))
        #expect(try await store.liveInstances() == [])
        #expect(try StateReader(state.directory).snapshot()?.models.count == 3)
        try store.close()
    }

    /// What a first start leaves that was killed at one of its steps.
    @Test(arguments: [
        "",
        "PRAGMA journal_mode = WAL",
        "PRAGMA journal_mode = WAL; PRAGMA application_id = 1835297908",
        "PRAGMA application_id = 1835297908; CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY)",
    ])
    func finishesAStartThatWasCutShort(_ done: String) async throws {
        let state = try State()
        #expect(mkdir(state.directory.path, 0o700) == 0)
        expectSuccess(try state.sql(done))
        #expect(try StateReader(state.directory).snapshot() == nil)
        let store = try await state.open(launchedTo: .ready)
        #expect(try StateReader(state.directory).snapshot()?.models.count == 1)
        try store.close()
    }

    /// A start that was killed in its first transaction, and a user's own, in the midst of writing pages.
    @Test(arguments: [false, true])
    func undoesATransactionThatWasCutShort(_ isAtFirst: Bool) async throws {
        let state = try State()
        #expect(mkdir(state.directory.path, 0o700) == 0)
        if !isAtFirst { try await state.open(launchedTo: .ready).close() }
        try state.leaveTransaction()
        let known = isAtFirst ? nil : 1
        #expect(try StateReader(state.directory).snapshot()?.models.count == known)
        let journal = state.directory.database + "-journal"
        #expect(access(journal, F_OK) == 0, "a reader has changed something")

        let store = try state.open()
        #expect(try await store.models().count == known ?? 0)
        #expect(try state.query("SELECT count(*) FROM sqlite_schema WHERE name = 'unfinished'") == ["0"])
        #expect(access(journal, F_OK) != 0)
        try store.close()
    }

    /// What makes a file unfit, and what is said of it.
    enum Unfit: String, CaseIterable, Sendable {
        case text, foreign, foreignInTransaction, newer, damagedPage, truncated

        var says: String {
            switch self {
            case .text, .damagedPage, .truncated: "damaged"
            case .foreign, .foreignInTransaction: "another program"
            case .newer: "newer version of modelet"
            }
        }
    }

    @Test(arguments: Unfit.allCases)
    func leavesAnUnfitFileAsItIs(_ unfit: Unfit) async throws {
        let state = try State()
        let file = state.directory.database
        try await state.open(launchedTo: .ready).close()
        switch unfit {
        case .text:
            try expectSuccess(command("sh", "-c", "echo this is not a database, but it is long enough > '\(file)'"))
        case .foreign:
            unlink(file)
            try expectSuccess(state.sql("CREATE TABLE diary (day TEXT); INSERT INTO diary VALUES ('Monday')"))
        case .foreignInTransaction:
            unlink(file)
            try expectSuccess(state.sql("CREATE TABLE diary (day TEXT); INSERT INTO diary VALUES ('Monday')"))
            try state.leaveTransaction()
        case .newer:
            try expectSuccess(state.sql("INSERT INTO grdb_migrations VALUES ('from the future')"))
        case .damagedPage:
            let damage = "dd if=/dev/urandom of='\(file)' bs=4096 seek=2 count=20 conv=notrunc"
            try expectSuccess(command("sh", "-c", damage))
        case .truncated:
            #expect(truncate(file, 4096 * 5) == 0)
        }
        let before = try command("sha256sum", file)
        let error = #expect(throws: StoreError.self) { try state.open() }
        guard case .unavailable(let sentence) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(sentence.contains(unfit.says), "\(sentence)")
        #expect(sentence.contains(file))
        #expect(try command("sha256sum", file) == before)
    }

    private func expectSuccess(_ result: CommandResult) {
        #expect(result.status == 0, "\(result.output)")
    }

    @Test func saysWhatLiesInTheWay() throws {
        let state = try State()
        #expect(mkdir(state.directory.path, 0o700) == 0)
        #expect(mkdir(state.directory.database, 0o700) == 0)
        expectUnavailable(containing: "modelet.db cannot be") { try state.open() }
        let file = StateDirectory("/proc/version")
        expectUnavailable(containing: "something else lies there") {
            try SQLiteStore.open(file, claim: true, newUUID: State.uuid, at: Sample.time(0))
        }
    }
}

func expectUnavailable(
    containing text: String, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Any
) {
    do {
        _ = try body()
        Issue.record("it succeeded", sourceLocation: sourceLocation)
    } catch StoreError.unavailable(let sentence), StateLockError.unavailable(let sentence) {
        #expect(sentence.contains(text), "\(sentence)", sourceLocation: sourceLocation)
    } catch {
        Issue.record("\(error)", sourceLocation: sourceLocation)
    }
}
