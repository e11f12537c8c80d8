import Glibc
import ModelCore
import Reconciler
import StateStore
import TestSupport
import Testing

@Suite struct ReaderTests {
    private func fill(_ store: SQLiteStore) async throws {
        try await store.accept([Sample.manifest(), Sample.manifest(Sample.otherKey)])
        try await store.accept([], root: "/srv/other")
        try await store.launch(Sample.intent("ended", of: Sample.otherKey), to: .starting)
        try await store.commit(
            .exited(InstanceID("ended"), Sample.exit(), backoff: Sample.backoff(), endsDemand: true),
            at: Sample.time(60))
        try await store.launch(to: .ready)
    }

    private func expectFilled(_ snapshot: StateSnapshot?) throws {
        let snapshot = try #require(snapshot)
        #expect(snapshot.uuid == State.uuid)
        #expect(snapshot.models.map(\.model.key) == [Sample.key, Sample.otherKey])
        #expect(snapshot.models.map(\.line) == [3, 3])
        #expect(snapshot.models.map { $0.instances.map(\.phase) } == [[.ready], []])
        #expect(snapshot.models.map(\.lastExit) == [nil, Sample.exit()])
        #expect(snapshot.models.map(\.lastFailure) == [nil, Sample.backoff().lastFailure])
        #expect(
            snapshot.roots == [
                RootSnapshot(path: Sample.root, revision: 1, acceptedAt: Sample.time(0)),
                RootSnapshot(path: "/srv/other", revision: 0, acceptedAt: nil),
            ])
        #expect(snapshot.models[0].condition(at: Sample.time(70)) == ModelCondition(.ready))
        #expect(snapshot.models[1].condition(at: Sample.time(70)).state == .backoff)
    }

    @Test func saysThatThereIsNothingYet() throws {
        let state = try State()
        let reader = StateReader(state.directory)
        #expect(try reader.snapshot() == nil)
        #expect(mkdir(state.directory.path, 0o700) == 0)
        #expect(try reader.snapshot() == nil)
        close(open(state.directory.database, O_CREAT | O_WRONLY, 0o600))
        #expect(try reader.snapshot() == nil)
        #expect(reader.nothingHere.contains("no state here yet"))
    }

    @Test func readsWhileAControllerRunsAndAfterIt() async throws {
        let state = try State()
        let lock = try StateLock.acquire(at: state.directory)
        let store = try state.open()
        try await fill(store)
        let reader = StateReader(state.directory)
        try expectFilled(try reader.snapshot())
        #expect(try reader.snapshot()?.controller?.pid == getpid())

        // A reader leaves the controller what it needs.
        try await store.commit(.waiting(Sample.key, reason: "later"), at: Sample.time(80))
        #expect(try reader.snapshot()?.models.first?.model.waiting == "later")
        try store.close()
        try expectFilled(try reader.snapshot())
        try await state.open().commit(.waiting(Sample.key, reason: "still later"), at: Sample.time(90))
        #expect(try reader.snapshot()?.models.first?.model.waiting == "still later")
        withExtendedLifetime(lock) {}
    }

    /// What a killed controller leaves behind, with or without the index of the log, which a backup has not.
    @Test(arguments: [["", "-wal", "-shm"], ["", "-wal"]])
    func readsWhatAKilledControllerLeft(_ files: [String]) async throws {
        let image = try await killedController(files)
        let reader = StateReader(image.directory)
        try expectFilled(try reader.snapshot())
        #expect(try reader.snapshot()?.controller == nil)
        let next = try image.open()
        #expect(try await next.liveInstances().count == 1)
        try next.close()
    }

    private func killedController(_ files: [String]) async throws -> State {
        let state = try State()
        let store = try state.open()
        try await fill(store)
        let image = try State()
        #expect(mkdir(image.directory.path, 0o700) == 0)
        for file in files {
            let copied = try command("cp", state.directory.database + file, image.directory.path)
            #expect(copied.status == 0, "\(copied.output)")
        }
        try store.close()
        return image
    }

    @Test(
        .enabled(if: Mount.isPermitted, Comment(rawValue: Mount.whyNot)),
        arguments: [["", "-wal", "-shm"], ["", "-wal"]])
    func readsFromAReadOnlyDisk(_ files: [String]) async throws {
        let image = try await killedController(files)
        let disk = try Mount(bytes: 8 << 20)
        #expect(try command("cp", "-a", image.directory.path, disk.path).status == 0)
        try disk.makeReadOnly()
        try expectFilled(try StateReader(disk.state).snapshot())
    }

    @Test(.enabled(if: Mount.isPermitted, Comment(rawValue: Mount.whyNot)))
    func readsFromAReadOnlyDiskAfterAShutdown() async throws {
        let disk = try Mount(bytes: 8 << 20)
        let store = try SQLiteStore.open(disk.state, claim: true, newUUID: State.uuid, at: Sample.time(0))
        try await fill(store)
        try store.close()
        try disk.makeReadOnly()
        try expectFilled(try StateReader(disk.state).snapshot())
    }

    @Test func saysWhatItCannotRead() async throws {
        let state = try State()
        try await state.open(launchedTo: .ready).close()
        #expect(try state.sql("INSERT INTO grdb_migrations VALUES ('from the future')").status == 0)
        expectUnavailable(containing: "newer version of modelet") { try StateReader(state.directory).snapshot() as Any }
        let text = try command("sh", "-c", "echo this is not a database > '\(state.directory.database)'")
        #expect(text.status == 0)
        expectUnavailable(containing: "damaged") { try StateReader(state.directory).snapshot() as Any }
    }
}
