import Docker
import Glibc
import ModelCore
import Reconciler
import TestSupport
import Testing

/// What happens behind the controller's back, at a real engine.
@Suite("Containers that fare ill", .serialized, .needs(.engine))
struct RuntimeFaultTests {
    @Test("a container that is killed behind our back is seen to end, and its last words are kept")
    func killed() async throws {
        try await RuntimeScope.run { scope in
            let instance = try await scope.launchStub(["--say", "last words"])
            let runtime = scope.runtime
            async let end = runtime.exit(of: instance)
            try await scope.docker("kill", ContainerLabels.containerName(of: instance.id))
            let record = try #require(await end.record)
            #expect(record.kind == .signaled(signal: SIGKILL))
            #expect(record.message.hasPrefix("killed by SIGKILL"), "\(record.message)")
            #expect(record.logTail.contains("last words"))
            #expect(try await scope.details(of: instance) == nil)
            #expect(try contents(scope.file("server.log", of: instance)).contains("last words"))
        }
    }

    @Test("a container that is removed behind our back is seen to be gone")
    func removed() async throws {
        try await RuntimeScope.run { scope in
            let instance = try await scope.launchStub()
            let runtime = scope.runtime
            async let end = runtime.exit(of: instance)
            try await scope.docker("rm", "--force", ContainerLabels.containerName(of: instance.id))
            let record = try #require(await end.record)
            // The engine kills it first; whoever looks in between sees that.
            #expect([.lost, .signaled(signal: SIGKILL)].contains(record.kind), "\(record)")
            #expect(await scope.makeRuntime().adopt(instance) == .gone(record))
        }
    }

    @Test("an engine that hangs makes its instances unknown, and they are ours again when it goes on")
    func frozen() async throws {
        try await RuntimeScope.run { scope in
            let instance = try await scope.launchStub()
            let runtime = scope.runtime
            let before = try #require(await runtime.server(of: instance))
            async let end = runtime.exit(of: instance)
            scope.privateEngine.freeze()
            defer { scope.privateEngine.thaw() }
            guard case .unknown(let reason) = await end else {
                Issue.record("an engine that hangs has no end to tell")
                return
            }
            #expect(reason.contains("did not answer"), "\(reason)")
            #expect(await runtime.adopt(instance).isUnknown)
            // As after a restart of the controller: bounded, though nothing is known of the engine.
            let start = ContinuousClock.now
            #expect(await scope.makeRuntime().adopt(instance).isUnknown)
            #expect(ContinuousClock.now - start < .seconds(60))
            scope.privateEngine.thaw()
            // Told at once, not when somebody happens to ask.
            for await key in runtime.wakes {
                #expect(key == instance.key)
                break
            }
            try await eventually("it is ours again") { await runtime.adopt(instance) == .ours(server: before) }
            #expect(try await scope.details(of: instance)?.id == instance.containerID)
        }
    }

    @Test("an engine that is restarted with its containers running finds them ours")
    func restarted() async throws {
        try await RuntimeScope.run { scope in
            try await scope.privateEngine.stop()
            try await scope.privateEngine.start(liveRestore: true)
            do {
                let instance = try await scope.launchStub()
                let runtime = scope.runtime
                let before = try #require(await runtime.server(of: instance))
                let watching = Task { await runtime.exit(of: instance) }
                try await scope.privateEngine.stop()
                #expect(await runtime.adopt(instance).isUnknown)
                try await scope.privateEngine.start(liveRestore: true)
                try await eventually("it is ours again") { await runtime.adopt(instance) == .ours(server: before) }
                watching.cancel()
                // Whether the restart was within the patience or not, no end was seen.
                guard case .unknown = await watching.value else {
                    Issue.record("it did not end")
                    return
                }
                try await scope.removeContainers()
            }
            try await scope.privateEngine.stop()
            try await scope.privateEngine.start()
        }
    }

    @Test("an engine that is stopped with its containers is told as their end when it is back")
    func stoppedWithContainers() async throws {
        try await RuntimeScope.run { scope in
            let instance = try await scope.launchStub()
            try await scope.privateEngine.stop()
            #expect(await scope.runtime.adopt(instance).isUnknown)
            try await scope.privateEngine.start()
            let runtime = scope.runtime
            try await eventually("its end is told") {
                if case .gone = await runtime.adopt(instance) { true } else { false }
            }
            #expect(try await scope.details(of: instance) == nil)
        }
    }

    @Test("without an engine nothing waits, and everything says so")
    func absent() async throws {
        try await RuntimeScope.run { scope in
            let nobody = Engine(address: EngineAddress(socket: scope.directory.path("no.sock")))
            let runtime = scope.makeRuntime(engine: nobody)
            #expect(await runtime.sweep(live: { Set() }).isEmpty)
            let instance = try await scope.reserve(scope.source(), with: runtime)
            let failure = await #expect(throws: LoadFailure.self) { _ = try await runtime.prepare(instance) }
            #expect(failure?.classification == .retryable)
            #expect(failure?.message.contains("there is no engine at") == true, "\(failure?.message ?? "")")
            await runtime.abandon(instance.id)
            #expect(await runtime.adopt(instance).isUnknown)
            #expect(await runtime.exit(of: instance).record == nil)
            #expect(await runtime.stop(instance, grace: .zero).record == nil)
        }
    }

    @Test("an end that was written down is told again, and what is left of its container is removed")
    func deathBetweenRecordAndRemoval() async throws {
        try await RuntimeScope.run { scope in
            let first = try await scope.launch(scope.source(["--say", "words", "--exit-immediately", "7"]))
            let record = try #require(await scope.runtime.exit(of: first).record)
            // The container of the second still exists; what is written of it is as if its controller had just died.
            let second = try await scope.launch(scope.source(["--exit-immediately", "1"]))
            try await eventually("it has ended") { try await scope.details(of: second)?.state == .exited }
            let written = try contents(scope.file("exit.json", of: first))
                .replacing(first.id.text, with: second.id.text)
            try create(scope.file("exit.json", of: second), written)
            #expect(await scope.makeRuntime().adopt(second) == .gone(record))
            #expect(try await scope.details(of: second) == nil)
        }
    }

    @Test("anonymous volumes go with their container")
    func volumes() async throws {
        try await RuntimeScope.run { scope in
            let image = try await scope.makeImage("volume", "VOLUME /data")
            let before = try await scope.docker("volume", "ls", "--quiet")
            let instance = try await scope.launch(scope.source(image: image))
            #expect(try await scope.docker("volume", "ls", "--quiet") != before)
            #expect(await scope.runtime.stop(instance, grace: .seconds(60)).record != nil)
            #expect(try await scope.docker("volume", "ls", "--quiet") == before)
        }
    }
}

extension AdoptionVerdict {
    var isUnknown: Bool { if case .unknown = self { true } else { false } }
}

private func contents(_ path: String) throws -> String {
    guard let file = fopen(path, "r") else { throw ProgramError("\(path) cannot be read") }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    let count = fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes[..<count], as: UTF8.self)
}

private func create(_ path: String, _ text: String) throws {
    mkdir(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]), 0o700)
    guard let file = fopen(path, "w") else { throw ProgramError("\(path) cannot be written") }
    fputs(text, file)
    fclose(file)
}
