import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// What happens to containers, and to their engine, behind modelet's back.
    @Suite(.needs(.engine)) struct DockerEngine {
        @Test func containersAreAdoptedWithoutARestart() async throws {
            try await TestHost.run(.container) { host in
                let engine = try #require(host.engine)
                try host.writeStub(fields: ["load: eager"])
                let first = try await host.serve()
                let container = try await host.waitForContainer()
                let started = try await engine.inspect(container, "{{.State.StartedAt}} {{.State.Pid}}")
                try await first.crash()

                let second = try await host.serve()
                let answer = try await second.predict()
                #expect(answer.status == 200 && answer.headers["x-modelet-cold-start-ms"] == nil)
                #expect(try await engine.inspect(container, "{{.State.StartedAt}} {{.State.Pid}}") == started)
                #expect(try await host.sqlite("SELECT container_id, adopted FROM instances") == "\(container)|1")
                #expect(try await engine.containers(of: host) == [container])
            }
        }

        @Test(arguments: ["kill", "remove"])
        func whatIsEndedBehindItsBackIsNoticedAtOnceAndHealed(_ how: String) async throws {
            try await TestHost.run(.container) { host in
                let engine = try #require(host.engine)
                try host.writeStub(fields: ["load: eager"])
                let daemon = try await host.serve()
                let old = try await host.waitForContainer()
                let before = millisecondsNow()
                try await engine.docker(how == "kill" ? ["kill", old] : ["rm", "--force", old])
                let after = millisecondsNow()
                let new = try await host.waitForReplacement(of: old)
                #expect(try await daemon.predict().status == 200)
                #expect(try await engine.containers(of: host) == [new])
                // The product's promise is a second; a busy machine is given ten, which no poll of the product reaches.
                let noticed = try await host.sqlite(
                    """
                    SELECT CAST(round((julianday(exited_at) - 2440587.5) * 86400000) AS INTEGER) FROM instances
                    WHERE container_id = '\(old)'
                    """)
                let delay = (Int64(noticed) ?? 0) - before
                print("modelet-test: \(how): noticed \(delay) ms after it was ordered, which took \(after - before) ms")
                #expect((0...10_000).contains(delay))
            }
        }

        @Test func containersOfOthersAreLeftAlone() async throws {
            try await TestHost.run(.container) { host in
                let engine = try #require(host.engine)
                // People's, with names and labels much like ours.
                var strangers = [
                    try await engine.runStranger(["--name", "modelet-0190a0a0-0000-7000-8000-000000000000"]),
                    try await engine.runStranger(["--label", "modelet.state=another", "--name", "modelet-test"]),
                    try await engine.runStranger(["--label", "modelet.model=test/stub/default"]),
                ]
                try host.writeStub(fields: ["load: eager"])
                let daemon = try await host.serve()
                try await host.waitForContainer()

                // A second state on the same engine with the same manifests.
                let other = try await host.serve(["--state", host.directory + "/state2"])
                try await eventually("the second state's model serves") { try await other.predict().status == 200 }
                #expect(try await engine.containers(of: host).count == 2)
                try await other.crash()

                try await daemon.crash()
                let again = try await host.serve()
                #expect(try await again.predict().status == 200)
                #expect(try await again.terminate() == 0)
                let left = try await engine.containers(of: host)
                #expect(left.count == 1, "the second state's")
                strangers += left
                for container in strangers {
                    #expect(try await engine.inspect(container, "{{.State.Running}}") == "true")
                }
            }
        }

        @Test func aFrozenEngineHoldsUpNobodyElse() async throws {
            try await TestHost.run(.container) { host in
                let engine = try #require(host.engine)
                try host.writeStub(fields: ["load: eager"])
                try host.writeStub("local", fields: ["load: eager"], kind: .process)
                try host.writeStub("later", kind: .process)
                let daemon = try await host.serve()
                let container = try await host.waitForContainer()
                try await eventually("the process serves") { try await daemon.predict("test/local").status == 200 }

                engine.engine.freeze()
                defer { engine.engine.thaw() }
                // The container itself runs on, and answers.
                #expect(try await daemon.predict().status == 200)
                // A model that has to start now cannot tell; others start as ever.
                #expect(try await daemon.predict("test/later").status == 200)
                try await eventually("the model is unknown, and why") {
                    let seen = try await host.sqlite("SELECT state, reason FROM models WHERE source = 'stub'")
                    return seen.hasPrefix("unknown|") && seen.lowercased().contains("engine")
                }
                #expect(try await daemon.predict("test/local").status == 200)
                _ = try await host.modelet("unload", "test/later", "--wait")
                #expect(try await daemon.predict("test/later").status == 200)

                engine.engine.thaw()
                try await eventually("it is known again") {
                    try await host.sqlite("SELECT state FROM models WHERE source = 'stub'") == "ready"
                }
                #expect(try await host.sqlite("SELECT container_id FROM instances WHERE source = 'stub'") == container)
                #expect(try await daemon.predict().status == 200)
            }
        }

        /// A controller that starts while the engine hangs serves what it can at once.
        @Test func aFrozenEngineDoesNotHoldUpTheStart() async throws {
            try await TestHost.run(.container) { host in
                let engine = try #require(host.engine)
                try host.writeStub(fields: ["load: eager"])
                try host.writeStub("local", kind: .process)
                let first = try await host.serve()
                let container = try await host.waitForContainer()
                try await first.crash()
                engine.engine.freeze()
                defer { engine.engine.thaw() }
                let second = try await host.serve()
                #expect(try await second.predict("test/local").status == 200)
                try await eventually("it is unknown") {
                    try await host.sqlite("SELECT state FROM models WHERE source = 'stub'") == "unknown"
                }
                engine.engine.thaw()
                try await eventually("it is adopted") {
                    try await host.sqlite("SELECT state, container_id FROM models WHERE source = 'stub'")
                        == "ready|\(container)"
                }
                // It is recorded first, and then the gateway is told.
                try await eventually("it serves") { try await second.predict().status == 200 }
                #expect(try await engine.containers(of: host) == [container])
            }
        }

        /// Stopped and started as a service manager does it: containers end with it, and come back through modelet alone.
        @Test func anEngineThatIsStoppedAndStartedIsObservedAnew() async throws {
            try await TestHost.run(.container) { host in
                let engine = try #require(host.engine)
                try host.writeStub("one", fields: ["load: eager"])
                try host.writeStub("two", fields: ["load: eager"])
                try host.writeStub("local", kind: .process)
                let daemon = try await host.serve()
                for source in ["one", "two"] { try await host.waitForContainer(source) }

                try await engine.engine.stop()
                try await eventually("both are unknown, and why") {
                    try await host.sqlite(
                        "SELECT count(*) FROM models WHERE state = 'unknown' AND reason LIKE '%engine%'") == "2"
                }
                #expect(try await daemon.predict("test/local").status == 200)
                let refused = try await daemon.predict("test/one")
                #expect(refused.status == 503 && refused.body.contains("model_unknown"), "\(refused.body)")

                try await engine.engine.start()
                for source in ["one", "two"] {
                    try await eventually("\(source) serves") {
                        try await daemon.predict("test/\(source)").status == 200
                    }
                }
                // One end and one start each, and no more.
                #expect(
                    try await host.sqlite(
                        "SELECT source, count(*), sum(phase = 'ready') FROM instances WHERE source <> 'local' GROUP BY source"
                    )
                        == "one|2|1\ntwo|2|1")
                #expect(try await engine.containers(of: host).count == 2)
            }
        }

        /// With live-restore, containers go on while their engine is away.
        @Test func anEngineWithLiveRestoreComesBackToTheSameContainers() async throws {
            try await TestHost.run(.container) { host in
                let engine = try #require(host.engine)
                try await engine.engine.stop()
                try await engine.engine.start(liveRestore: true)
                try host.writeStub(fields: ["load: eager"])
                let daemon = try await host.serve()
                let container = try await host.waitForContainer()
                let pid = try await host.sqlite("SELECT pid FROM instances")

                try await engine.engine.stop()
                #expect(isRunning(Int32(pid) ?? 0))
                try await eventually("it is unknown") { try await host.sqlite("SELECT state FROM models") == "unknown" }
                try await engine.engine.start(liveRestore: true)
                try await eventually("it serves") { try await daemon.predict().status == 200 }
                #expect(
                    try await host.sqlite("SELECT container_id, pid, phase FROM instances")
                        == "\(container)|\(pid)|ready")

                #expect(try await daemon.terminate() == 0)
                try await host.expectNothingLeft()
                try await engine.engine.stop()
                try await engine.engine.start()
            }
        }

        /// The engine is killed, and its containers with nobody to look after them: the next one finds them.
        @Test func anEngineThatCrashesIsObservedAnew() async throws {
            try await TestHost.run(.container) { host in
                let engine = try #require(host.engine)
                try host.writeStub(fields: ["load: eager"])
                let daemon = try await host.serve()
                try await host.waitForContainer()
                try await engine.engine.crash()
                try await eventually("it is unknown") { try await host.sqlite("SELECT state FROM models") == "unknown" }
                try await engine.engine.start()
                try await eventually("it serves") { try await daemon.predict().status == 200 }
                #expect(try await engine.containers(of: host).count == 1)
                #expect(try await host.sqlite("SELECT count(*) FROM instances WHERE phase = 'ready'") == "1")
            }
        }

        @Test func noEngineIsASentenceAndHoldsUpNobody() async throws {
            try await TestHost.run(.container) { host in
                try host.writeStub()
                try host.writeStub("local", kind: .process)
                let nowhere = "unix://\(host.directory)/no-engine.sock"
                let daemon = try await host.serve(environment: ["DOCKER_HOST": nowhere])
                #expect(try await daemon.predict("test/local").status == 200)
                let answer = try await daemon.predict()
                #expect(answer.status == 503)
                #expect(answer.body.contains("no-engine.sock"), "\(answer.body)")
                let status = try await host.modelet("status")
                #expect(status.output.contains("no-engine.sock"), "\(status.output)")
            }
        }
    }
}

extension TestHost {
    /// Waits until another container than `old` serves the model. Returns its id.
    @discardableResult
    func waitForReplacement(of old: String, source: String = "stub") async throws -> String {
        var id = old
        try await eventually("\(source) has another container") {
            id = try await waitForContainer(source)
            return id != old
        }
        return id
    }
}

private func millisecondsNow() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
}
