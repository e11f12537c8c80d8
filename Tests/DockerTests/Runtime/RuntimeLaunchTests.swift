import Docker
import Glibc
import ModelCore
import Reconciler
import Synchronization
import TestSupport
import Testing

@Suite("Launching containers", .serialized, .needs(.engine))
struct RuntimeLaunchTests {
    @Test("a stranger's container with our name is neither used nor touched")
    func foreignName() async throws {
        try await RuntimeScope.run { scope in
            let instance = try await scope.reserve(scope.source())
            let name = ContainerLabels.containerName(of: instance.id)
            try await scope.docker("create", "--name", name, RuntimeScope.image)
            let failure = await #expect(throws: LoadFailure.self) { _ = try await scope.runtime.prepare(instance) }
            #expect(failure?.message.contains("not modelet's") == true, "\(failure?.message ?? "")")
            await scope.runtime.abandon(instance.id)
            let second = scope.makeRuntime()
            guard case .gone(let record) = await second.adopt(instance) else {
                Issue.record("nothing of it exists")
                return
            }
            #expect(record.kind == .neverStarted)
            #expect(await second.stop(instance, grace: .zero).record == record)
            #expect(try await scope.details(of: instance) != nil)
            try await scope.docker("rm", name)
        }
    }

    @Test("what an earlier try has created and nobody has started is created anew")
    func ownName() async throws {
        try await RuntimeScope.run { scope in
            let instance = try await scope.prepare(scope.source())
            let second = scope.makeRuntime()
            _ = try await second.reservePort(for: instance.id, source: instance.source, leased: [])
            let prepared = try await second.prepare(instance)
            #expect(prepared.containerID != nil && prepared.containerID != instance.containerID)
            await second.abandon(instance.id)
            #expect(try await scope.details(of: instance) == nil)
        }
    }

    @Test("a volume that may not be mounted by now fails for good, and nothing is created")
    func volumeIsRefused() async throws {
        try await RuntimeScope.run { scope in
            let runtime = scope.makeRuntime(volumes: { path, _ throws(ContainerOrderError) in
                throw ContainerOrderError("volumes: \(path) leads out")
            })
            let source = scope.source { $0.volumes = [scope.directory.path: "/m"] }
            let instance = try await scope.reserve(source, with: runtime)
            let failure = await #expect(throws: LoadFailure.self) { _ = try await runtime.prepare(instance) }
            #expect(failure?.classification == .terminal)
            #expect(failure?.message == "volumes: \(scope.directory.path) leads out")
            await runtime.abandon(instance.id)
            #expect(try await scope.details(of: instance) == nil)
        }
    }

    @Test("a fixed port that a stranger holds is a retryable failure that names pid and command")
    func portIsTaken() async throws {
        try await RuntimeScope.run { scope in
            let stranger = try await scope.launchStub()
            let source = scope.source { $0.hostPort = stranger.port }
            let failure = await #expect(throws: LoadFailure.self) { _ = try await scope.reserve(source) }
            #expect(failure?.classification == .retryable)
            #expect(failure?.message.contains("port \(stranger.port) is already in use by pid ") == true)
            #expect(failure?.message.contains("docker-proxy") == true, "\(failure?.message ?? "")")
        }
    }

    @Test("a port that is lost just before the start is a retryable failure, and the container goes")
    func portIsLost() async throws {
        try await RuntimeScope.run { scope in
            let stranger = try await scope.launchStub()
            var instance = try await scope.reserve(scope.source())
            instance.port = stranger.port
            instance.containerID = try await scope.runtime.prepare(instance).containerID
            let id = instance.id
            let failure = await #expect(throws: LoadFailure.self) { try await scope.runtime.release(id) }
            #expect(failure?.classification == .retryable)
            #expect(failure?.message.contains("in use") == true, "\(failure?.message ?? "")")
            await scope.runtime.abandon(instance.id)
            #expect(try await scope.details(of: instance) == nil)
        }
    }

    @Test(
        "a program that cannot be executed is a terminal failure, and the container goes",
        arguments: [
            (#"ENTRYPOINT ["/no/such/program"]"#, "/no/such/program does not exist in the image", ENOENT),
            (#"ENTRYPOINT ["/tmp"]"#, "/tmp may not be executed", EACCES),
        ])
    func notExecutable(change: String, sentence: String, code: Int32) async throws {
        try await RuntimeScope.run { scope in
            let image = try await scope.makeImage("entry", change)
            let instance = try await scope.prepare(scope.source(image: image) { $0.initProcess = false })
            let failure = await #expect(throws: LoadFailure.self) { try await scope.runtime.release(instance.id) }
            #expect(failure?.classification == .terminal)
            #expect(failure?.message.contains(sentence) == true, "\(failure?.message ?? "")")
            #expect(failure?.exit?.kind == .notExecuted(errno: code))
            await scope.runtime.abandon(instance.id)
            #expect(try await scope.details(of: instance) == nil)
        }
    }

    @Test("a user that the image does not have is a terminal failure")
    func unknownUser() async throws {
        try await RuntimeScope.run { scope in
            let instance = try await scope.prepare(scope.source { $0.user = "nobody-at-all" })
            let failure = await #expect(throws: LoadFailure.self) { try await scope.runtime.release(instance.id) }
            #expect(failure?.classification == .terminal, "\(failure?.message ?? "")")
            #expect(failure?.message.contains("nobody-at-all") == true)
            await scope.runtime.abandon(instance.id)
        }
    }
}
