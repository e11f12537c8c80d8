import Docker
import ModelCore
import Reconciler
import Synchronization
import TestSupport
import Testing

@Suite("Whether containers answer", .serialized, .needs(.engine))
struct RuntimeProbeTests {
    @Test("an image's own check stands for the readiness that no manifest gives", arguments: [true, false])
    func healthcheck(isWell: Bool) async throws {
        try await RuntimeScope.run { scope in
            let file = isWell ? "/stub-model-server" : "/no/such/file"
            let image = try await scope.makeImage(
                "health",
                #"HEALTHCHECK --interval=1s --retries=1 CMD ["/stub-model-server","--check-file","\#(file)"]"#)
            let instance = try await scope.launch(scope.source(image: image))
            let prober = RecordingProber()
            let runtime = scope.runtime
            #expect(await runtime.checksItself(instance))
            if isWell {
                try await eventually("healthy") {
                    await runtime.probe(instance, .standard, with: prober) == .ready(address: "127.0.0.1")
                }
            } else {
                try await eventually("unhealthy") {
                    guard case .failed(let reason) = await runtime.probe(instance, .standard, with: prober) else {
                        throw ProgramError("an unhealthy container is not ready")
                    }
                    return reason.hasPrefix("health check: unhealthy (") && reason.contains(file)
                }
            }
            #expect(prober.targets.isEmpty)
            // A manifest's own word counts more; so does another runtime's look.
            _ = await scope.makeRuntime().probe(instance, .http(ProbeSpec()), with: prober)
            #expect(prober.targets.count == 1)
            _ = await runtime.stop(instance, grace: .seconds(60))
        }
    }

    @Test("a container without a check is asked at the port that its engine publishes")
    func probed() async throws {
        try await RuntimeScope.run { scope in
            let instance = try await scope.launchStub()
            let prober = RecordingProber()
            let runtime = scope.runtime
            #expect(await runtime.checksItself(instance) == false)
            _ = await runtime.probe(instance, .standard, with: prober)
            let process = try #require(await runtime.server(of: instance)?.pid)
            #expect(
                prober.targets == [
                    ProbeTarget(
                        host: "127.0.0.1", port: instance.port, readiness: .standard,
                        owner: .container(process: process, port: RuntimeScope.port))
                ])
            var elsewhere = instance
            elsewhere.port += 1
            guard case .failed(let reason) = await runtime.probe(elsewhere, .standard, with: prober) else {
                Issue.record("nothing is published there")
                return
            }
            #expect(reason.contains("does not publish"), "\(reason)")
            #expect(await runtime.residentMemory(of: [instance])[instance.id] ?? 0 > 0)
            _ = await runtime.stop(instance, grace: .seconds(60))
        }
    }
}

/// Says that nothing answers, and remembers who asked.
final class RecordingProber: Prober {
    private let asked = Mutex<[ProbeTarget]>([])

    var targets: [ProbeTarget] { asked.withLock { $0 } }

    func probe(_ target: ProbeTarget) async -> ProbeVerdict {
        asked.withLock { $0.append(target) }
        return .failed(reason: "not asked")
    }
}
