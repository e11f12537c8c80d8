import GRDB
import ModelCore
import Reconciler
import TestSupport
import Testing

@testable import StateStore

/// What SQLite keeps of revisions and pins, beyond what every store does.
@Suite struct RevisionTests {
    private func rollBack(_ store: SQLiteStore, to revision: Int, at time: Int64 = 9) async throws {
        _ = try await store.accept(
            Acceptance(), root: Sample.root, cause: .rollback(to: revision, by: "ann"), at: Sample.time(time))
    }

    @Test func aPinOutlivesTheController() async throws {
        let state = try State()
        let first = try state.open()
        try await first.accept([Sample.manifest()])
        try await rollBack(first, to: 1)
        try await first.notePending("1 to create", root: Sample.root, at: Sample.time(10))
        try first.close()
        let next = try state.open()
        let pin = RootPin(revision: 1, since: Sample.time(9), by: "ann", pending: "1 to create")
        #expect(try await next.pins() == [Sample.root: pin])
        #expect(try StateReader(state.directory).snapshot()?.roots.map(\.pin) == [pin])
        #expect(try StateReader(state.directory).revisions()?.map(\.restored) == [nil, 1])
        #expect(try StateReader(state.directory).models(ofRevision: 1)?.map(\.key) == [Sample.key])
        #expect(try StateReader(state.directory).models(ofRevision: 3) == nil)
        #expect(
            try state.query("SELECT root, revision, pinned_revision, pinned_by, pending FROM roots")
                == ["\(Sample.root)|2|1|ann|1 to create"])
        #expect(
            try state.query("SELECT revision, cause, restored, models FROM revisions")
                == ["1|manifests edited||1", "2|rollback to revision 1 by ann|1|0"])
    }

    @Test func rootsSayWhetherTheyAreFollowedAndServed() async throws {
        let state = try State()
        let store = try state.open()
        for root in ["/a", "/b"] {
            try await store.write { db in _ = try Journal(db, at: Sample.time(0)).serve(root) }
        }
        _ = try await store.accept(Acceptance(), root: "/c", cause: .applied(by: "ann"), at: Sample.time(1))
        #expect(
            try state.query("SELECT root, revision, followed, served FROM roots") == ["/a||0|0", "/b||1|1", "/c||1|0"])
        #expect(try state.sql("UPDATE root SET is_served = 1 WHERE path = '/c'").output.contains("UNIQUE"))
    }

    /// Each kind of write that a rollback consists of fails in turn: never is a part of it there.
    @Test(arguments: [
        "INSERT ON revision", "INSERT ON manifest_file", "UPDATE ON model", "INSERT ON revision_model",
        "INSERT ON event", "UPDATE ON root",
    ])
    func aRollbackIsThereWholeOrNotAtAll(write: String) async throws {
        let state = try State()
        let store = try state.open()
        try await store.accept([Sample.manifest(), Sample.manifest(Sample.otherKey)])
        try await store.accept([Sample.manifest(Sample.key, Sample.spec(command: "other"))])
        let past = try #require(try await store.models(ofRevision: 1))
        let acceptance = judge(ManifestSet(models: past), root: Sample.root, accepted: try await store.models())
        let before = try await Facts(store)
        func rollBack() async throws {
            _ = try await store.accept(
                acceptance, root: Sample.root, cause: .rollback(to: 1, by: "ann"), at: Sample.time(9))
        }

        let trigger = "CREATE TEMP TRIGGER cut BEFORE \(write) BEGIN SELECT RAISE(ABORT, 'cut short'); END"
        try await store.write { db in try db.execute(sql: trigger) }
        await #expect(throws: StoreError.refused("cut short")) { try await rollBack() }
        #expect(try await Facts(store) == before)

        try await store.write { db in try db.execute(sql: "DROP TRIGGER cut") }
        try await rollBack()
        #expect(try await store.pins()[Sample.root]?.revision == 1)
        #expect(try await store.models().filter { !$0.isRemoved }.map(\.spec) == past.map(\.spec))
    }

    private struct Facts: Equatable {
        var models: [ModelRecord]
        var revisions: [RevisionRecord]
        var pins: [String: RootPin]

        init(_ store: SQLiteStore) async throws {
            models = try await store.models()
            revisions = try await store.revisions()
            pins = try await store.pins()
        }
    }

    @Test func aPinnedRootGetsNoRevisionWhateverTheProgramSays() async throws {
        let state = try State()
        let store = try state.open()
        try await store.accept([Sample.manifest()])
        try await rollBack(store, to: 1)
        let insert = "INSERT INTO revision (root_id, accepted_at) SELECT id, 0 FROM root"
        #expect(try state.sql(insert).output.contains("the root is pinned"))
        let foreign = "UPDATE root SET pinned_revision = 99"
        #expect(try state.sql(foreign).output.contains("of another root"))
    }

    @Test func whatIsTooOldIsSaidToBe() async throws {
        let state = try State()
        let store = try state.open()
        try await store.accept([Sample.manifest()])
        try await store.accept([Sample.manifest(Sample.key, Sample.spec(command: "second"))])
        try await store.write { db in try db.revise(Sample.root, Journal.keptRevisions - 1) }
        #expect(try await store.models(ofRevision: 1) == nil)
        #expect(try await store.models(ofRevision: 2)?.count == 1)
        #expect(try await store.revisions().map(\.number) == Array(2...Journal.keptRevisions + 1))
    }

    /// A root that is edited all the time takes nothing from what can be told of one that is not.
    @Test func revisionsOfEachRootAreKeptByThemselves() async throws {
        let state = try State()
        let store = try state.open()
        try await store.accept([Sample.manifest(), Sample.manifest(Sample.otherKey)])
        try await store.accept([Sample.manifest(Sample.key, Sample.spec(command: "second"))])
        let busy = ModelKey(domain: "busy", source: "s", model: "m")
        try await store.accept([Sample.manifest(busy)], root: "/busy")
        try await store.write { db in try db.revise("/busy", Journal.keptRevisions, of: busy) }
        try await store.accept([Sample.manifest(Sample.key, Sample.spec(command: "third"))])
        try await store.accept([Sample.manifest(busy, Sample.spec(command: "pruned"))], root: "/busy")

        let latest = try await store.latestRevision(of: "/busy")
        #expect(latest == Journal.keptRevisions + 5)
        #expect(
            try await store.revisions().map(\.number) == [1, 2] + Array((latest - Journal.keptRevisions)...latest))
        #expect(try await store.models(ofRevision: 1)?.map(\.key) == [Sample.key, Sample.otherKey].sorted())
        #expect(try await store.models(ofRevision: 2)?.map(\.spec) == [Sample.spec(command: "second")])
        #expect(try await store.models(ofRevision: latest - 1)?.map(\.spec) == [Sample.spec(command: "third")])
        #expect(try await store.models(ofRevision: 3) == nil)
        for number in [latest - Journal.keptRevisions, latest - 2, latest] {
            #expect(try await store.models(ofRevision: number)?.map(\.key) == [busy], "\(number)")
        }
        try await rollBack(store, to: 1)
        #expect(try await store.pins()[Sample.root]?.revision == 1)
        // What nothing refers to is gone.
        let numbers = "SELECT count(*), min(number) FROM revision WHERE root_id = 2"
        #expect(try state.query(numbers) == ["\(Journal.keptRevisions)|\(latest - Journal.keptRevisions)"])
        #expect(
            try state.query("SELECT count(*) FROM revision_model WHERE key = 'busy/s/m'")
                == ["\(Journal.keptRevisions)"])
    }
}

extension Database {
    /// Makes so many revisions of a root, as if a model had been edited each time.
    fileprivate func revise(_ root: String, _ count: Int, of key: ModelKey = Sample.key) throws {
        for _ in 0..<count {
            try execute(
                sql: "INSERT INTO revision (root_id, accepted_at) SELECT id, 0 FROM root WHERE path = ?",
                arguments: [root])
            try execute(
                sql: """
                    INSERT INTO revision_model (revision, key, action, generation, spec, file, line, changes)
                    SELECT ?, key, 'update', generation, spec, file, line, '' FROM model WHERE key = ?
                    """, arguments: [lastInsertedRowID, key.description])
        }
    }
}
