import Glibc
import ModelCore
import Reconciler
import TestSupport
import Testing

@testable import Docker

/// Two engines of one host, of which only one has the container. Where both are Docker 23 or older they have the same id.
@Suite("Containers of another engine", .serialized, .needs(.engine))
struct RuntimeElsewhereTests {
    @Test("two engines of one host are told apart; one that is restarted, or moved to another socket, stays itself")
    func identities() async throws {
        let first = try await PrivateEngine.shared()
        let second = try await PrivateEngine.second()
        let engines = [first, second].map { Engine(address: EngineAddress(socket: $0.socket)) }
        let identity = try #require(try await engines[0].identity())
        let other = try #require(try await engines[1].identity())
        #expect(!identity.isSame(as: other))
        #expect(identity.name.hasSuffix(" \(first.scratch)/data"), "\(identity.name)")
        #expect(identity.address == first.address)
        try await second.stop()
        try await second.start()
        #expect(try await engines[1].identity() == other)
        let directory = try TemporaryDirectory()
        #expect(symlink(first.socket, directory.path("s")) == 0)
        let moved = try await Engine(address: EngineAddress(socket: directory.path("s"))).identity()
        #expect(moved?.isSame(as: identity) == true && moved != identity)
    }

    @Test("what another engine does not have is unknown there, and is neither touched nor given up")
    func absentElsewhere() async throws {
        try await RuntimeScope.run { scope in
            let instance = try await scope.launchStub()
            #expect(instance.engine?.address == scope.privateEngine.address)
            let second = try await PrivateEngine.second()
            let other = scope.makeRuntime(engine: Engine(address: EngineAddress(socket: second.socket)))
            let reason = try #require(await other.adopt(instance).unknownReason)
            for part in [
                scope.privateEngine.address, "\(scope.privateEngine.scratch)/data", second.address,
                "\(second.scratch)/data", "start modelet with DOCKER_HOST=\(scope.privateEngine.address)",
            ] { #expect(reason.contains(part), "\(reason)") }
            var stopping = instance
            stopping.phase = .stopping
            for record in [instance, stopping] {
                #expect(await other.stop(record, grace: .zero).isUnknown)
                #expect(await other.exit(of: record).isUnknown)
            }
            #expect(await other.sweep(live: { [] }).isEmpty)
            #expect(try await scope.details(of: instance)?.isRunning == true)
            // With the engine that has it, everything is as it was.
            let server = await scope.runtime.server(of: instance)
            #expect(await scope.makeRuntime().adopt(instance) == .ours(server: server))
        }
    }

    @Test("what the engine that had it does not have any more is gone")
    func absentAtHome() async throws {
        try await RuntimeScope.run { scope in
            let instance = try await scope.launchStub()
            try await scope.docker("rm", "--force", ContainerLabels.containerName(of: instance.id))
            guard case .gone(let record) = await scope.makeRuntime().adopt(instance) else {
                Issue.record("it is gone")
                return
            }
            #expect(record.kind == .lost)
        }
    }

    /// What a socket's path leads to may change while modelet runs, as when an engine gets another data directory.
    @Test("an engine that is exchanged for another one at the same socket has nothing to tell of what it never had")
    func exchanged() async throws {
        try await RuntimeScope.run { scope in
            let second = try await PrivateEngine.second()
            let path = scope.directory.path("docker.sock")
            #expect(symlink(scope.privateEngine.socket, path) == 0)
            let runtime = scope.makeRuntime(engine: Engine(address: EngineAddress(socket: path)))
            var instance = try await scope.reserve(scope.source(), with: runtime)
            let prepared = try await runtime.prepare(instance)
            instance.containerID = prepared.containerID
            instance.engine = prepared.engine
            instance.phase = .gated
            try await runtime.release(instance.id)
            instance.phase = .starting
            #expect(prepared.engine?.address == "unix://\(path)")
            let launched = instance
            let exit = Task { await runtime.exit(of: launched) }
            unlink(path)
            #expect(symlink(second.socket, path) == 0)
            // The first one is stopped, and its containers with it: nobody there tells of it any more.
            try await scope.privateEngine.stop()
            let verdict = await exit.value
            guard case .unknown(let reason) = verdict else {
                Issue.record("\(verdict)")
                return
            }
            #expect(reason.contains("let that engine listen there again"), "\(reason)")
            unlink(path)
            #expect(symlink(scope.privateEngine.socket, path) == 0)
            try await scope.privateEngine.start()
            try await eventually("its end is told") {
                if case .gone = await runtime.adopt(launched) { true } else { false }
            }
        }
    }

    @Test(
        "one that an earlier version launched is taken as of whichever engine answers, and recorded where it is found")
    func unrecorded() async throws {
        try await RuntimeScope.run { scope in
            var instance = try await scope.launchStub()
            let engine = try #require(instance.engine)
            instance.engine = nil
            let server = await scope.runtime.server(of: instance)
            #expect(await scope.makeRuntime().adopt(instance) == .ours(server: server, engine: engine))
            let second = try await PrivateEngine.second()
            let other = scope.makeRuntime(engine: Engine(address: EngineAddress(socket: second.socket)))
            guard case .gone = await other.adopt(instance) else {
                Issue.record("nothing says that it is elsewhere")
                return
            }
        }
    }

    @Test("what was written down of an end counts, whichever engine answers")
    func endedElsewhere() async throws {
        try await RuntimeScope.run { scope in
            let instance = try await scope.launchStub()
            let end = try #require(await scope.runtime.stop(instance, grace: .seconds(60)).record)
            let second = try await PrivateEngine.second()
            let other = scope.makeRuntime(engine: Engine(address: EngineAddress(socket: second.socket)))
            #expect(await other.adopt(instance) == .gone(end))
        }
    }

    /// The sweep of the engine that has it: its instance lives no more.
    @Test("what was forgotten is stopped when its engine has been heard of for a minute")
    func forgotten() async throws {
        try await RuntimeScope.run { scope in
            let instance = try await scope.launchStub()
            let again = scope.makeRuntime()
            // Its engine is needed by somebody.
            _ = await again.provide(scope.source(), for: instance.key)
            #expect(await again.sweep(live: { [] }).isEmpty)
            #expect(try await scope.details(of: instance)?.isRunning == true)
            scope.clock.advance(by: DockerRuntime.strayGrace)
            #expect(await again.sweep(live: { [] }).count == 1)
            #expect(try await scope.details(of: instance) == nil)
        }
    }
}

extension AdoptionVerdict {
    fileprivate var unknownReason: String? {
        if case .unknown(let reason) = self { reason } else { nil }
    }
}

extension ExitVerdict {
    fileprivate var isUnknown: Bool {
        if case .unknown = self { true } else { false }
    }
}
