import GRDB
import ModelCore
import Reconciler
import TestSupport
import Testing

@testable import StateStore

/// What of the manifests is not acted on, as readers see it.
@Suite struct NotesTests {
    private let fault = ManifestFault(file: "a.yaml", line: 4, column: 7, message: "unknown key", hint: "did you mean?")

    @Test func faultsAreKeptAndForgotten() async throws {
        let state = try State()
        let store = try await state.open(launchedTo: .intent)
        func faults() throws -> [RecordedFault] {
            try StateReader(state.directory).snapshot()?.roots.flatMap(\.faults) ?? []
        }
        try await store.note(ManifestNotes(faults: [fault]), root: Sample.root, at: Sample.time(1))
        let other = ManifestFault(file: "b.yaml", message: "cannot be read")
        try await store.note(ManifestNotes(faults: [fault, other]), root: Sample.root, at: Sample.time(2))
        #expect(
            try faults() == [
                RecordedFault(fault: fault, since: Sample.time(1)), RecordedFault(fault: other, since: Sample.time(2)),
            ])
        #expect(
            try state.query("SELECT file, line, \"column\", message, hint, since FROM manifest_faults")[0]
                == "a.yaml|4|7|unknown key|did you mean?|2025-06-15T15:06:41.123Z")
        // Another mistake in the same file: it is broken since the first.
        let next = ManifestFault(file: "a.yaml", line: 5, message: "wrong type")
        try await store.note(ManifestNotes(faults: [next]), root: Sample.root, at: Sample.time(3))
        #expect(try faults() == [RecordedFault(fault: next, since: Sample.time(1))])
        try await store.note(ManifestNotes(), root: Sample.root, at: Sample.time(4))
        #expect(try faults() == [])
        try store.close()
    }

    @Test func whatIsKnownIsNotWrittenAgain() async throws {
        let state = try State()
        let store = try await state.open(launchedTo: .intent)
        try await store.note(ManifestNotes(faults: [fault]), root: Sample.root, at: Sample.time(1))
        let before = try state.query("SELECT count(*) FROM events")
        for time in 2...5 {
            try await store.note(ManifestNotes(faults: [fault]), root: Sample.root, at: Sample.time(Int64(time)))
        }
        #expect(try state.query("SELECT count(*) FROM events") == before)
        try store.close()
    }

    @Test func removalsThatAreHeldAreAView() async throws {
        let state = try State()
        let store = try await state.open(launchedTo: .intent)
        _ = try await store.accept(Self.held(), root: Sample.root, at: Sample.time(1))
        #expect(
            try state.query("SELECT key, remedy, since FROM held_removals") == [
                "churn/scorer/default|modelet apply /srv/manifests --prune|2025-06-15T15:06:41.123Z"
            ])
        let snapshot = try #require(try StateReader(state.directory).snapshot())
        #expect(snapshot.models.first?.model.heldRemoval?.since == Sample.time(1))
        try store.close()
    }

    private static func held() -> Acceptance {
        var acceptance = Acceptance()
        acceptance.heldRemovals = [Sample.key]
        acceptance.removalRemedy = "modelet apply /srv/manifests --prune"
        return acceptance
    }

    @Test func whatIsHeldIsWrittenOnce() async throws {
        let state = try State()
        let store = try await state.open(launchedTo: .intent)
        _ = try await store.accept(Self.held(), root: Sample.root, at: Sample.time(1))
        let before = try state.query("SELECT count(*) FROM events")
        for time in 2...5 { _ = try await store.accept(Self.held(), root: Sample.root, at: Sample.time(Int64(time))) }
        #expect(try state.query("SELECT count(*) FROM events") == before)
        try store.close()
    }

    /// Somebody else may be writing for a while.
    @Test func whatIsKnownIsAcceptedWithoutTheRightToWrite() async throws {
        let state = try State()
        let store = try await state.open(launchedTo: .intent)
        #expect(try await store.accept(Self.held(), root: Sample.root, at: Sample.time(1)) == 1)
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        let other = try DatabaseQueue(path: state.directory.database, configuration: configuration)
        try await other.writeWithoutTransaction { db in try db.execute(sql: "BEGIN IMMEDIATE") }
        #expect(try await store.accept(Self.held(), root: Sample.root, at: Sample.time(2)) == 1)
        #expect(try await store.accept(Acceptance(), root: Sample.root, at: Sample.time(2)) == 1)
        try await other.writeWithoutTransaction { db in try db.execute(sql: "ROLLBACK") }
        // What is not known is written: another line to run, a release, a root, one that comes to contain another.
        var changed = Self.held()
        changed.removalRemedy = "modelet apply /srv/manifests --allow-empty"
        _ = try await store.accept(changed, root: Sample.root, at: Sample.time(3))
        #expect(try await store.models().first?.heldRemoval?.remedy == changed.removalRemedy)
        var release = Acceptance()
        release.releasedRemovals = [Sample.key]
        _ = try await store.accept(release, root: Sample.root, at: Sample.time(4))
        #expect(try await store.models().first?.heldRemoval == nil)
        #expect(try await store.accept(Acceptance(), root: "/srv/other", at: Sample.time(5)) == 0)
        #expect(try await store.roots() == [Sample.root, "/srv/other"])
        _ = try await store.accept(Acceptance(), root: "/srv", at: Sample.time(6))
        _ = try await store.accept(Acceptance(), root: "/srv/late", cause: .applied(by: "ann"), at: Sample.time(7))
        #expect(try await store.roots() == ["/srv", "/srv/late"])
        _ = try await store.accept(Acceptance(), root: "/srv", at: Sample.time(8))
        #expect(try await store.roots() == ["/srv"])
        try store.close()
    }

    @Test func itIsSaidWhyARemovalIsNoLongerHeld() async throws {
        let state = try State()
        let store = try await state.open(launchedTo: .intent)
        var release = Acceptance()
        release.releasedRemovals = [Sample.key]
        for cause in [RevisionCause.edited, .rollback(to: 1, by: "ann")] {
            _ = try await store.accept(Self.held(), root: Sample.root, at: Sample.time(1))
            _ = try await store.accept(release, root: Sample.root, cause: cause, at: Sample.time(2))
        }
        #expect(
            try state.query("SELECT message FROM events WHERE kind = 'held' AND message LIKE '%no longer%'") == [
                "RemovalHeld no longer: it is defined again",
                "RemovalHeld no longer: /srv/manifests went back to revision 1",
            ])
        try store.close()
    }

    /// Cut short between the two, what is accepted would leave a removal that no longer looks like too much of one.
    @Test func nothingIsAcceptedBesideAHeldRemovalThatIsNotRecorded() async throws {
        let state = try State()
        let store = try await state.open(launchedTo: .intent)
        var acceptance = judge(
            ManifestSet(models: [Sample.manifest(Sample.otherKey)]), root: Sample.root,
            accepted: try await store.models())
        (acceptance.removals, acceptance.heldRemovals) = ([], [Sample.key])
        acceptance.removalRemedy = "modelet apply /srv/manifests --prune"
        let trigger =
            "CREATE TEMP TRIGGER cut BEFORE INSERT ON removal_held BEGIN SELECT RAISE(ABORT, 'cut short'); END"
        try await store.write { db in try db.execute(sql: trigger) }
        let whole = acceptance
        await #expect(throws: StoreError.refused("cut short")) {
            _ = try await store.accept(whole, root: Sample.root, at: Sample.time(1))
        }
        #expect(try await store.models().map(\.key) == [Sample.key])
        #expect(try await store.revisions().map(\.number) == [1])
        try await store.write { db in try db.execute(sql: "DROP TRIGGER cut") }
        _ = try await store.accept(whole, root: Sample.root, at: Sample.time(2))
        #expect(try await store.models().map { $0.heldRemoval != nil } == [true, false])
        try store.close()
    }
}
