import Glibc
import ModelCore
import Reconciler
@testable import StateStore
import TestSupport
import Testing

@Suite struct DiskTests {
    /// More writes than any slack in the files can take.
    private static let manyWrites = 2000

    /// Writes until the disk is full. Returns what the last write that succeeded has written, and the error.
    private func writeUntilItFails(_ store: SQLiteStore) async throws -> (written: String?, error: StoreError?) {
        var written: String?
        for number in 1...Self.manyWrites {
            let reason = "write \(number)"
            do {
                try await store.commit(.waiting(Sample.key, reason: reason), at: Sample.time(1))
            } catch {
                return (written, error)
            }
            written = reason
        }
        return (written, nil)
    }

    @Test(.enabled(if: Mount.isPermitted, Comment(rawValue: Mount.whyNot)))
    func goesOnAfterAFullDisk() async throws {
        let disk = try Mount(bytes: 4 << 20)
        let store = try SQLiteStore.open(disk.state, claim: true, newUUID: State.uuid, at: Sample.time(0))
        try await store.accept([Sample.manifest()])
        try await store.launch(to: .ready)
        let filler = try disk.fill()

        let (written, error) = try await writeUntilItFails(store)
        guard case .unavailable(let sentence) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(sentence.contains("the disk is full"), "\(sentence)")
        #expect(try await store.models().map(\.waiting) == [written])
        #expect(try await store.liveInstances().map(\.phase) == [.ready])

        unlink(filler)
        try await store.commit(.waiting(Sample.key, reason: "there is room"), at: Sample.time(2))
        #expect(try await store.models().map(\.waiting) == ["there is room"])
        #expect(try sqlite3(disk.state.database, "PRAGMA integrity_check").output == "ok\n")
        try store.close()
    }

    @Test(.enabled(if: Mount.isPermitted, Comment(rawValue: Mount.whyNot)))
    func saysThatThereIsNoRoomToOpen() async throws {
        let disk = try Mount(bytes: 1 << 20)
        let filler = try disk.fill()
        expectUnavailable(containing: "full") {
            try SQLiteStore.open(disk.state, claim: true, newUUID: State.uuid, at: Sample.time(0))
        }
        unlink(filler)
        let store = try SQLiteStore.open(disk.state, claim: true, newUUID: State.uuid, at: Sample.time(0))
        try await store.accept([Sample.manifest()])
        try store.close()

        _ = try disk.fill()
        expectUnavailable(containing: "full") {
            try SQLiteStore.open(disk.state, claim: true, newUUID: State.uuid, at: Sample.time(0))
        }
        #expect(try StateReader(disk.state).snapshot()?.models.count == 1)
    }

    /// The same without the right to mount: a file that may not grow.
    @Test func goesOnAfterAFileThatMayNotGrow() async throws {
        let state = try State()
        try await state.open(launchedTo: .ready).close()
        let pages = try #require(try state.query("PRAGMA page_count").first.flatMap { Int($0) })
        let store = try SQLiteStore.open(
            state.directory, claim: true, newUUID: State.uuid, at: Sample.time(0), largestFile: pages + 2)
        let (written, error) = try await writeUntilItFails(store)
        guard case .unavailable(let sentence) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(sentence.contains("the disk is full"), "\(sentence)")
        #expect(try await store.models().map(\.waiting) == [written])
        try store.close()

        let next = try state.open()
        try await next.commit(.waiting(Sample.key, reason: "there is room"), at: Sample.time(2))
        #expect(try await next.models().map(\.waiting) == ["there is room"])
        try next.close()
    }

    @Test(.enabled(if: Mount.isPermitted, Comment(rawValue: Mount.whyNot)))
    func saysThatTheDiskIsReadOnly() async throws {
        let disk = try Mount(bytes: 4 << 20)
        let missing = StateDirectory(disk.path + "/other")
        try SQLiteStore.open(disk.state, claim: true, newUUID: State.uuid, at: Sample.time(0)).close()
        try disk.makeReadOnly()
        let before = try command("sha256sum", disk.state.database)
        for directory in [disk.state, missing] {
            expectUnavailable(containing: "the disk is read-only") {
                try SQLiteStore.open(directory, claim: true, newUUID: State.uuid, at: Sample.time(0))
            }
            expectUnavailable(containing: "the disk is read-only") { try StateLock.acquire(at: directory) }
        }
        #expect(try command("sha256sum", disk.state.database) == before)
    }
}
