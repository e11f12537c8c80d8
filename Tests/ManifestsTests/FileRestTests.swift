import Glibc
import ModelCore
import Synchronization
import Testing

@testable import Manifests

/// Files of which the kernel does not say who writes them are whole when they have rested.
@Suite struct FileRestTests {
    /// Manifests on a file system that tells nothing, and a clock that only waiting moves.
    private final class Told: Sendable {
        let folder: ManifestFolder
        let clock = Mutex(Timestamp(milliseconds: 1_700_000_000_000))
        let pauses = Mutex<[Seconds]>([])
        /// What happens in the course of the next wait.
        let meanwhile = Mutex<(@Sendable () throws -> Void)?>(nil)

        init(_ files: [String: String]) throws {
            folder = try ManifestFolder(files)
            for file in files.keys { try touch(file, before: 60) }
        }

        var manifests: DirectoryManifests {
            DirectoryManifests(
                rest: FileRest(
                    lease: { _ in .unknown }, now: { self.clock.withLock(\.self) },
                    pause: { span in
                        self.pauses.withLock { $0.append(span) }
                        self.clock.withLock { $0 = $0 + span }
                        #expect(throws: Never.self) { try self.meanwhile.withLock { $0 }?() }
                    }))
        }

        func touch(_ file: String, before: Seconds) throws {
            let time = clock.withLock { $0.milliseconds } - before.milliseconds
            let spec = timespec(tv_sec: Int(time / 1000), tv_nsec: Int(time % 1000) * 1_000_000)
            #expect(utimensat(AT_FDCWD, "\(folder.path)/\(file)", [spec, spec], 0) == 0)
        }

        /// Writes in place, as a copy does.
        func write(_ text: String, to file: String, before: Seconds = 0) throws {
            try folder.replace(file, by: text)
            try touch(file, before: before)
        }
    }

    private static func models(_ names: String...) -> String {
        let models = names.map { "\($0): {}" }.joined(separator: ", ")
        return "ml: {sources: {s: {base_url: 'http://h', models: {\(models)}}}}\n"
    }

    @Test func whatHasRestedIsReadAtOnce() async throws {
        let told = try Told(["a.yaml": Self.models("m")])
        try told.write(Self.models("m", "n"), to: "a.yaml", before: FileRest.span)
        let set = await told.manifests.load(root: told.folder.path)
        #expect(set.models.map(\.key.model) == ["m", "n"])
        #expect(told.pauses.withLock(\.self) == [])
    }

    @Test func whatWasWrittenAMomentAgoIsReadWhenItHasRested() async throws {
        let told = try Told(["a.yaml": Self.models("m"), "b.yaml": Self.models("m")])
        let manifests = told.manifests
        _ = await manifests.load(root: told.folder.path)
        try told.write(Self.models("n"), to: "a.yaml", before: Seconds(milliseconds: 500))
        let set = await manifests.load(root: told.folder.path)
        #expect(set.brokenFiles == [])
        #expect(set.models.map(\.key.description) == ["a/s/n", "b/s/m"])
        #expect(told.pauses.withLock(\.self) == [Seconds(milliseconds: 1500)])
        // What it says is known now, whatever its times come to be.
        try told.touch("a.yaml", before: 0)
        #expect(await manifests.load(root: told.folder.path) == set)
        #expect(told.pauses.withLock { $0.count } == 1)
    }

    @Test func whatIsWrittenOnIsBrokenUntilItRests() async throws {
        let told = try Told(["a.yaml": Self.models("m", "n", "o")])
        let known = try told.folder.accepted()
        let manifests = told.manifests
        _ = await manifests.load(root: told.folder.path)
        // Half of it, and a manifest all the same; the rest comes slowly.
        try told.write(Self.models("m"), to: "a.yaml")
        told.meanwhile.withLock { $0 = { try told.write(Self.models("m", "n"), to: "a.yaml") } }
        let set = await manifests.load(root: told.folder.path)
        #expect(set.brokenFiles == ["a.yaml"])
        #expect(set.diagnostics.map(\.message) == ["the file was written a moment ago, and may not be whole yet"])
        #expect(judge(set, root: told.folder.path, accepted: known) == Acceptance())
        told.meanwhile.withLock { $0 = nil }
        let rested = await manifests.load(root: told.folder.path)
        #expect(rested.models.map(\.key.model) == ["m", "n"])
    }

    /// The clock of a file server is ahead, or a file system makes up its times.
    @Test(arguments: [0, -3600] as [Seconds])
    func whatStaysTheSameHasRestedWhateverItsTimeSays(before: Seconds) async throws {
        let told = try Told(["a.yaml": Self.models("m")])
        let manifests = told.manifests
        try told.touch("a.yaml", before: before)
        told.meanwhile.withLock { $0 = { try told.touch("a.yaml", before: before) } }
        let set = await manifests.load(root: told.folder.path)
        #expect(set.models.map(\.key.model) == ["m"])
        #expect(told.pauses.withLock(\.self) == [FileRest.span])
    }

    /// Where the kernel does say, nobody waits.
    @Test func whatTheKernelSpeaksOfDoesNotHaveToRest() async throws {
        let told = try Told(["a.yaml": Self.models("m")])
        try told.touch("a.yaml", before: 0)
        let manifests = DirectoryManifests(
            rest: FileRest(
                lease: { _ in .beingWritten }, now: { told.clock.withLock(\.self) },
                pause: { _ in Issue.record("there is nothing to wait for") }))
        let set = await manifests.load(root: told.folder.path)
        #expect(set.brokenFiles == ["a.yaml"])
        #expect(set.diagnostics.first?.message.contains("a program has it open") == true)
    }
}
