import Glibc
import ModelCore
import Reconciler
import StateStore
import TestSupport
import Testing

/// What has been done and what has happened, as it is read from outside.
@Suite struct JournalReaderTests {
    private let id = Sample.intent().id

    @Test func theLatestStepsOfAModelAreToldNewestFirst() async throws {
        let state = try State()
        let store = try await state.open(launchedTo: .ready)
        try await store.accept([Sample.manifest(), Sample.manifest(Sample.otherKey)])
        try await store.commit(.routed(id), at: Sample.time(20))
        try await store.commit(.draining(id, cause: "image: 1 → 2"), at: Sample.time(30))
        let reader = StateReader(state.directory)
        let found = try #require(try reader.snapshot(withLatest: 5) { $0.first?.model.key })
        #expect(found.state.models.map(\.model.key) == [Sample.key, Sample.otherKey])
        #expect(found.past.operations.map(\.kind) == [.drain, .switch, .start])
        #expect(found.past.operations.map(\.outcome) == [.open, .succeeded, .succeeded])
        #expect(found.past.operations[0].cause == "image: 1 → 2")
        #expect(found.past.operations[0].closedAt == nil)
        #expect(found.past.lastReady?.id == id)
        #expect(found.past.operations[2].openedAt == Sample.time(0))
        #expect(found.past.operations[2].closedAt == Sample.time(3))
        #expect(found.past.operations.map(\.instance) == [id, id, id])

        #expect(try reader.snapshot(withLatest: 2) { $0.first?.model.key }?.past.operations.count == 2)
        #expect(try reader.snapshot(withLatest: 5) { $0.last?.model.key }?.past.operations == [])
        #expect(try reader.snapshot(withLatest: 5) { _ in nil }?.past.operations == [])
        try store.close()
    }

    @Test func aFailedStepSaysWhy() async throws {
        let state = try State()
        let store = try await state.open(launchedTo: .starting)
        try await store.commit(
            .exited(id, Sample.exit(), backoff: Sample.backoff(), endsDemand: true), at: Sample.time(60))
        try store.close()
        let found = try StateReader(state.directory).snapshot(withLatest: 5) { _ in Sample.key }
        let operation = try #require(found?.past.operations.first)
        #expect(operation.outcome == .failed)
        #expect(operation.message == "exited with code 3")
    }

    @Test func nothingIsReadWhereThereIsNothing() throws {
        let reader = StateReader(try State().directory)
        #expect(try reader.events(EventQuery(), limit: nil) == nil)
        #expect(try reader.eventKinds() == [])
        #expect(try reader.snapshot(withLatest: 5) { _ in nil } == nil)
    }

    // MARK: - Events

    private static let keys = ["a/b/c", "a/b/d", "a/bb/c", "aa/b/c"].compactMap { ModelKey($0) }

    private func filled(_ state: State) async throws -> SQLiteStore {
        let store = try state.open()
        try await store.accept(Self.keys.map { Sample.manifest($0) })
        for (index, key) in Self.keys.enumerated() {
            try await store.commit(.noted(key, "note \(index)"), at: Sample.time(Int64(index + 1) * 10))
        }
        return store
    }

    @Test(
        arguments: [
            (nil, [], [0, 1, 2, 3]), ("a", [], [0, 1, 2]), ("a/b", [], [0, 1]), ("a/b/d", [], [1]), ("b", [], []),
            ("a/b/c", ["note", "held"], [0]), ("a", ["held"], []), (nil, ["note", "accepted"], [0, 1, 2, 3]),
        ] as [(String?, Set<String>, [Int])])
    func whatIsAskedForIsWhatComes(scope: String?, kinds: Set<String>, expected: [Int]) async throws {
        let state = try State()
        let store = try await filled(state)
        let kinds = kinds.isEmpty ? ["note"] : kinds
        let found = try StateReader(state.directory).events(EventQuery(scope: scope, kinds: kinds), limit: nil)
        #expect(found?.events.filter { $0.kind == "note" }.map(\.message) == expected.map { "note \($0)" })
        try store.close()
    }

    @Test func theLatestAreToldOldestFirstAndNoOlderOnes() async throws {
        let state = try State()
        let store = try await filled(state)
        let reader = StateReader(state.directory)
        let latest = try #require(try reader.events(EventQuery(), limit: 2))
        #expect(latest.events.map(\.message) == ["note 2", "note 3"])
        #expect(latest.events.map(\.at) == [Sample.time(30), Sample.time(40)])
        #expect(latest.events.map(\.key) == Array(Self.keys.suffix(2)))
        #expect(latest.kept == EventRange(oldest: 1, newest: latest.events[1].id, since: Sample.time(0)))
        let young = try reader.events(EventQuery(kinds: ["note"], since: Sample.time(30)), limit: nil)
        #expect(young?.events.map(\.message) == ["note 2", "note 3"])
        #expect(try reader.events(EventQuery(), limit: 0)?.events == [])
        #expect(try reader.eventKinds() == ["accepted", "note", "root"])
        try store.close()
    }

    // MARK: - Following

    @Test func eachEventIsToldOnceAndInOrder() async throws {
        let state = try State()
        let store = try await filled(state)
        var (tail, events, _) = try #require(
            try EventTail.open(state.directory, EventQuery(scope: "a/b", kinds: ["note"]), limit: 1))
        #expect(events.map(\.message) == ["note 1"])
        #expect(try tail.look() == EventTail.News())
        var told: [String] = []
        for index in 0..<50 {
            for key in Self.keys { try await store.commit(.noted(key, "\(index)"), at: Sample.time(100)) }
            // Some looks come between two events, some after several.
            if index % 3 == 0 { told += try tail.look().events.map(\.message) }
        }
        told += try tail.look().events.map(\.message)
        #expect(told == (0..<50).flatMap { ["\($0)", "\($0)"] })
        #expect(try tail.look() == EventTail.News())
        try store.close()
    }

    @Test func followingOutlivesTheController() async throws {
        let state = try State()
        let first = try await filled(state)
        var (tail, _, _) = try #require(try EventTail.open(state.directory, EventQuery(kinds: ["note"]), limit: 0))
        try first.close()
        #expect(try tail.look() == EventTail.News())
        let second = try state.open()
        try await second.commit(.noted(Sample.key, "of no model"), at: Sample.time(100))
        try await second.commit(.noted(Self.keys[0], "after it"), at: Sample.time(101))
        #expect(try tail.look().events.map(\.message) == ["after it"])
        try second.close()
        #expect(try tail.look() == EventTail.News())
    }

    @Test func whatWasDroppedIsCounted() async throws {
        let state = try State()
        let store = try await filled(state)
        var (tail, _, kept) = try #require(try EventTail.open(state.directory, EventQuery(), limit: 0))
        try await store.commit(.noted(Self.keys[0], "one"), at: Sample.time(100))
        try await store.commit(.noted(Self.keys[0], "two"), at: Sample.time(101))
        try await store.commit(.noted(Self.keys[0], "three"), at: Sample.time(102))
        try store.close()
        // As the journal does where more come than are kept.
        #expect(try state.sql("DELETE FROM event WHERE message <> 'three'").status == 0)
        let news = try tail.look()
        #expect(news.events.map(\.message) == ["three"])
        #expect(news.dropped == 2)
        #expect(!news.isReplaced)
        #expect(try StateReader(state.directory).events(EventQuery(), limit: nil)?.kept.oldest == kept.newest + 3)
    }

    @Test func anotherDatabaseInItsPlaceIsNoticed() async throws {
        let state = try State()
        let store = try await filled(state)
        try store.close()
        #expect(try command("cp", state.directory.database, state.directory.path + "/backup.db").status == 0)
        let busy = try state.open()
        for index in 0..<5 { try await busy.commit(.noted(Self.keys[0], "lost \(index)"), at: Sample.time(100)) }
        try busy.close()
        var (tail, events, _) = try #require(try EventTail.open(state.directory, EventQuery(), limit: 1))
        #expect(events.map(\.message) == ["lost 4"])

        // A backup is restored, and more happens than had happened since it was made.
        #expect(try command("mv", state.directory.path + "/backup.db", state.directory.database).status == 0)
        let restored = try state.open()
        for index in 0..<7 { try await restored.commit(.noted(Self.keys[0], "new \(index)"), at: Sample.time(200)) }
        let news = try tail.look()
        #expect(news.isReplaced)
        #expect(news.events.map(\.message) == (0..<7).map { "new \($0)" })
        try await restored.commit(.noted(Self.keys[0], "and on"), at: Sample.time(201))
        let next = try tail.look()
        #expect(next.events.map(\.message) == ["and on"])
        #expect(!next.isReplaced)
        try restored.close()
    }

    @Test func aDatabaseThatIsTakenAwayIsWaitedFor() async throws {
        let state = try State()
        let store = try await filled(state)
        try store.close()
        var (tail, _, _) = try #require(try EventTail.open(state.directory, EventQuery(), limit: 0))
        #expect(rename(state.directory.database, state.directory.database + ".away") == 0)
        #expect(try tail.look() == EventTail.News())
        #expect(rename(state.directory.database + ".away", state.directory.database) == 0)
        let back = try state.open()
        try await back.commit(.noted(Self.keys[0], "back"), at: Sample.time(100))
        #expect(try tail.look().events.map(\.message) == ["back"])
        try back.close()
    }
}
