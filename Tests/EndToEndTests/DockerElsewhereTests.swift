import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// Two engines on one host. Where both are Docker 23 or older, they even say the same id of themselves.
    @Suite(.needs(.engine)) struct DockerElsewhere {
        private static func run(_ body: (TestHost, TestEngine, TestEngine) async throws -> Void) async throws {
            try await TestHost.run(.container) { host in
                let (first, second) = (try #require(host.engine), try await TestEngine.second())
                let result: Result<Void, any Error>
                do {
                    result = .success(try await body(host, first, second))
                } catch {
                    result = .failure(error)
                }
                await second.removeContainers(of: host)
                try result.get()
            }
        }

        @Test func aContainerOfAnotherEngineIsUnknownAndHasNoTwin() async throws {
            try await Self.run { host, first, second in
                try host.writeStub(fields: ["load: eager"])
                let daemon = try await host.serve()
                let container = try await host.waitForContainer()
                let pid = try await first.inspect(container, "{{.State.Pid}}")
                let id = try await host.sqlite("SELECT id FROM instances")
                #expect(
                    try await host.sqlite("SELECT engine_address FROM instances") == first.address)
                try await daemon.crash()

                // Somebody has chosen another engine since.
                let elsewhere = try await host.serve(environment: ["DOCKER_HOST": second.address])
                let refused = try await elsewhere.predict()
                #expect(refused.status == 503 && refused.body.contains("model_unknown"), "\(refused.body)")
                for part in [first.address, second.address, "DOCKER_HOST=\(first.address)", "modelet forget \(id)"] {
                    #expect(refused.body.contains(part), "\(refused.body)")
                }
                let status = try await host.modelet("status")
                #expect(status.output.contains("DOCKER_HOST=\(first.address)"), "\(status.output)")
                #expect(status.output.contains("modelet forget \(id)"), "\(status.output)")
                let doctor = try await host.run(
                    [TestHost.modelet, "doctor"],
                    environment: ["MODELET_STATE": host.state, "DOCKER_HOST": second.address])
                #expect(doctor.output.contains("test/stub/default: their containers are on another engine"))
                #expect(try await second.containers(of: host) == [])
                // Told to end, it ends what it can, and says what it cannot.
                #expect(try await elsewhere.terminate() == 1)
                #expect(elsewhere.process.errors.contains("modelet forget \(id)"), "\(elsewhere.process.errors)")
                #expect(try await first.inspect(container, "{{.State.Pid}} {{.State.Running}}") == "\(pid) true")

                let back = try await host.serve()
                let answer = try await back.predict()
                #expect(answer.status == 200 && answer.headers["x-modelet-cold-start-ms"] == nil)
                #expect(try await first.inspect(container, "{{.State.Pid}}") == pid)
                #expect(try await first.containers(of: host) == [container])
                #expect(try await host.sqlite("SELECT count(*) FROM instances") == "1")
                #expect(try await back.terminate() == 0)
                try await host.expectNothingLeft()
            }
        }

        @Test func whatIsUnknownIsServedByTheFallback() async throws {
            try await Self.run { host, _, second in
                // The fallback is another model's server, at a port of its own.
                try host.writeStub("spare", fields: ["load: eager"], port: 18441, kind: .process)
                try host.writeStub(fields: ["load: eager"], baseURL: "http://localhost:18441")
                let daemon = try await host.serve()
                try await host.waitForContainer()
                try await daemon.crash()
                let elsewhere = try await host.serve(environment: ["DOCKER_HOST": second.address])
                try await eventually("the fallback is ready") {
                    try await elsewhere.predict("test/spare").status == 200
                }
                let answer = try await elsewhere.predict()
                #expect(answer.status == 200)
                #expect(answer.headers["x-modelet-served-by"] == "fallback")
            }
        }

        /// The engine is exchanged behind one path, as when it gets another data directory, while modelet runs.
        @Test func anEngineThatIsExchangedUnderModeletHasNoSayOnWhatItNeverHad() async throws {
            try await Self.run { host, first, second in
                let path = host.directory + "/docker.sock"
                #expect(symlink(first.engine.socket, path) == 0)
                try host.writeStub(fields: ["load: eager"])
                let daemon = try await host.serve(environment: ["DOCKER_HOST": "unix://\(path)"])
                let container = try await host.waitForContainer()
                unlink(path)
                #expect(symlink(second.engine.socket, path) == 0)
                try await first.engine.stop()
                try await eventually("it is unknown, and why") {
                    let seen = try await host.sqlite("SELECT state, reason FROM models")
                    return seen.hasPrefix("unknown|") && seen.contains("let that engine listen there again")
                }
                #expect(try await daemon.predict().status == 503)
                #expect(try await second.containers(of: host) == [])

                unlink(path)
                #expect(symlink(first.engine.socket, path) == 0)
                try await first.engine.start()
                // It ended with its engine, and is started anew there, once.
                let new = try await host.waitForReplacement(of: container)
                #expect(try await daemon.predict().status == 200)
                #expect(try await first.containers(of: host) == [new])
            }
        }

        @Test(arguments: [true, false])
        func whatIsForgottenIsLeftAloneAndItsModelGoesOn(_ isRunning: Bool) async throws {
            try await Self.run { host, first, second in
                try host.writeStub(fields: ["load: eager"])
                let environment = ["DOCKER_HOST": second.address]
                let daemon = try await host.serve()
                let container = try await host.waitForContainer()
                let id = try await host.sqlite("SELECT id FROM instances")
                // What is not unknown is not forgotten.
                let refused = try await host.modelet("forget", id)
                #expect(refused.status == 1)
                #expect(refused.errors.contains("is not unknown, it is ready"), "\(refused.errors)")
                try await daemon.crash()

                var elsewhere = try await host.serve(environment: environment)
                #expect(try await elsewhere.predict().status == 503)
                if !isRunning { try await elsewhere.crash() }
                let nothing = try await host.modelet("forget", "ffff")
                #expect(nothing.status == 1)
                #expect(nothing.errors.contains("unknown are: \(id) (test/stub/default)"), "\(nothing.errors)")
                let named = try await host.modelet("forget", "test/stub")
                #expect(named.status == 64 && named.errors.contains(id), "\(named.errors)")
                let forgotten = try await host.modelet("forget", String(id.prefix(13)))
                #expect(forgotten.status == 0, "\(forgotten.errors)")
                #expect(forgotten.output.hasPrefix("forgot instance \(id) of test/stub/default; "))
                #expect(forgotten.output.contains("docker rm --force modelet-\(id)"), "\(forgotten.output)")
                if !isRunning { elsewhere = try await host.serve(environment: environment) }

                try await eventually("the model goes on there") { try await elsewhere.predict().status == 200 }
                let new = try await second.containers(of: host)
                #expect(new.count == 1 && new != [container])
                #expect(try await first.inspect(container, "{{.State.Running}}") == "true")
                let user = try await host.sqlite("SELECT exit_message FROM instances WHERE id = '\(id)'")
                #expect(user.hasPrefix("forgotten by "))
                #expect(
                    try await host.sqlite(
                        """
                        SELECT (SELECT phase FROM instances WHERE id = '\(id)'),
                            (SELECT count(*) FROM operations WHERE instance = '\(id)' AND kind = 'remove'),
                            (SELECT count(*) FROM events WHERE instance = '\(id)' AND kind = 'forgotten')
                        """) == "lost|1|1")
                #expect(try await elsewhere.terminate() == 0)
                #expect(try await second.containers(of: host) == [])
                #expect(try await first.inspect(container, "{{.State.Running}}") == "true")
                let again = try await host.modelet("forget", id)
                #expect(again.status == 1 && again.errors.contains("there is no live instance \(id)"))
            }
        }
    }
}
