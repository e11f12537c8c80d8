import ModelCore
import TestSupport
import Testing

@testable import Docker

@Suite("Calls about containers")
struct ContainerCallTests {
    /// As Docker 20.10 answers, less what nobody reads.
    private static let running = #"""
        {"Id":"f1","Name":"/modelet-i1","Created":"2026-11-23T04:22:42.48967967Z","Image":"sha256:82","RestartCount":0,
        "State":{"Status":"running","Running":true,"OOMKilled":false,"Pid":17612,"ExitCode":0,"Error":"",
        "StartedAt":"2026-11-23T04:22:42.895868787Z","FinishedAt":"0001-01-01T00:00:00Z",
        "Health":{"Status":"unhealthy","FailingStreak":3,"Log":[{"ExitCode":0,"Output":"fine\n"},{"ExitCode":1,"Output":"bad\n"}]}},
        "Config":{"Image":"team/model:1","Labels":{"modelet.state":"s"}},
        "NetworkSettings":{"IPAddress":"172.17.0.2","Ports":{"9000/udp":null,"8000/tcp":[{"HostIp":"127.0.0.1","HostPort":"23456"},
        {"HostIp":"::1","HostPort":"23457"}]},"Networks":{"bridge":{"IPAddress":"172.17.0.2"}}}}
        """#

    @Test("a container that runs is read whole")
    func inspectRunning() async throws {
        let details = try #require(try await inspect(Self.running))
        #expect(
            details
                == ContainerDetails(
                    id: "f1", name: "modelet-i1", labels: ["modelet.state": "s"], state: .running, pid: 17612,
                    exitCode: 0, isOutOfMemory: false, error: "",
                    createdAt: Timestamp(milliseconds: 1_795_407_762_489),
                    startedAt: Timestamp(milliseconds: 1_795_407_762_895), finishedAt: nil,
                    health: ContainerHealth(status: .unhealthy, failures: 3, lastExitCode: 1, lastOutput: "bad\n"),
                    publishedPorts: [
                        PublishedPort(containerPort: 8000, transport: "tcp", hostAddress: "127.0.0.1", hostPort: 23456),
                        PublishedPort(containerPort: 8000, transport: "tcp", hostAddress: "::1", hostPort: 23457),
                    ], ipAddress: "172.17.0.2", imageID: "sha256:82", image: "team/model:1", restartCount: 0))
    }

    @Test("a container that ended says how and when")
    func inspectEnded() async throws {
        let details = try #require(
            try await inspect(
                #"""
                {"Id":"f1","Name":"/n","State":{"Status":"exited","Pid":0,"ExitCode":137,"OOMKilled":true,"Error":"",
                "StartedAt":"2026-11-23T04:22:42Z","FinishedAt":"2026-11-23T04:22:43Z"},
                "NetworkSettings":{"IPAddress":"","Ports":{},"Networks":{"bridge":{"IPAddress":""}}}}
                """#))
        #expect(details.state == .exited)
        #expect(details.pid == nil)
        #expect(details.exitCode == 137)
        #expect(details.isOutOfMemory)
        #expect(details.finishedAt == Timestamp(milliseconds: 1_795_407_763_000))
        #expect(details.ipAddress == nil)
        #expect(details.health == nil)
    }

    @Test("a container that was never started has no times, and podman's has a health without a status")
    func inspectCreated() async throws {
        let details = try #require(
            try await inspect(
                #"""
                {"Id":"f1","Name":"mt1","State":{"Status":"created","Pid":0,"StartedAt":"0001-01-01T00:00:00Z",
                "FinishedAt":"0001-01-01T00:00:00Z","Health":{"Status":"","FailingStreak":0,"Log":null}},
                "NetworkSettings":{"IPAddress":"","Ports":null,"Networks":{"podman":{"IPAddress":"10.88.0.4"}}}}
                """#))
        #expect(details.name == "mt1")
        #expect(details.state == .created)
        #expect(!details.isRunning)
        #expect(details.startedAt == nil)
        #expect(details.finishedAt == nil)
        #expect(details.health == nil)
        #expect(details.ipAddress == "10.88.0.4")
    }

    @Test(
        "states are read, those of podman and of later engines too",
        arguments: [
            ("paused", ContainerState.paused, true), ("configured", .created, false), ("stopped", .stopped, false),
            ("stopping", .stopping, true), ("dead", .dead, false), ("levitating", .other, false),
        ])
    func states(word: String, state: ContainerState, isRunning: Bool) async throws {
        let details = try #require(try await inspect(#"{"Id":"f1","State":{"Status":"\#(word)"}}"#))
        #expect(details.state == state)
        #expect(details.isRunning == isRunning)
    }

    private func inspect(_ body: String) async throws -> ContainerDetails? {
        try await withStub { _, reply in
            try await reply.answer(200, body)
        } _: { engine, _ in
            try await engine.inspect("f1")
        }
    }

    /// What a call with this answer does, and what the engine is asked.
    private func ask<Result: Sendable>(
        _ status: Int, _ body: String = "", _ call: @escaping @Sendable (Engine) async throws(EngineError) -> Result
    ) async throws -> (result: Swift.Result<Result, EngineError>, request: StubEngine.Request) {
        try await withStub { _, reply in
            // 204 and 304 have no body, and so no length.
            if status == 204 || status == 304 { return try await reply.send("HTTP/1.1 \(status) Whatever\r\n\r\n") }
            try await reply.answer(status, body)
        } _: { engine, stub in
            let result: Swift.Result<Result, EngineError>
            do throws(EngineError) {
                result = .success(try await call(engine))
            } catch {
                result = .failure(error)
            }
            return (result, try #require(stub.requests.last))
        }
    }

    @Test("a container is created under its name, with the order as its body")
    func create() async throws {
        let (result, request) = try await ask(201, #"{"Id":"f1","Warnings":[]}"#) { engine throws(EngineError) in
            try await engine.createContainer(name: "modelet-i1", ["Image": "x/y"])
        }
        #expect(try result.get() == "f1")
        #expect(request.method == "POST")
        #expect(request.path == "/v1.41/containers/create")
        #expect(request.query == ["name": "modelet-i1"])
        #expect(request.headers["content-type"] == "application/json")
        #expect(request.headers["host"] == "localhost")
        #expect(request.body == #"{"Image":"x\/y"}"# || request.body == #"{"Image":"x/y"}"#)
    }

    @Test("to start what runs already is a success", arguments: [204, 304])
    func start(status: Int) async throws {
        let (result, request) = try await ask(status) { engine throws(EngineError) in try await engine.start("a b") }
        #expect(throws: Never.self) { try result.get() }
        #expect(request.path == "/v1.41/containers/a%20b/start")
        #expect(request.method == "POST")
        #expect(request.headers["content-length"] == "0")
    }

    @Test("what cannot be started is a refusal")
    func startFails() async throws {
        let (result, _) = try await ask(500, #"{"message":"port is already allocated"}"#) {
            engine throws(EngineError) in
            try await engine.start("f1")
        }
        #expect(throws: EngineError.refused(status: 500, message: "port is already allocated")) { try result.get() }
    }

    @Test(
        "a stop tells what it found",
        arguments: [(204, Engine.StopResult.stopped), (304, .wasNotRunning), (404, .notFound)])
    func stop(status: Int, expected: Engine.StopResult) async throws {
        let (result, request) = try await ask(status, "{}") { engine throws(EngineError) in
            try await engine.stop("f1", grace: .milliseconds(2500))
        }
        #expect(try result.get() == expected)
        #expect(request.query == ["t": "3"])
    }

    @Test("a stop may take its grace and a margin", .timeLimit(.minutes(2)))
    func stopTime() async throws {
        try await withStub(limits: .impatient) { _, reply in
            try await reply.hang()
        } _: { engine, _ in
            let error = await failure { () async throws(EngineError) in try await engine.stop("f1", grace: .seconds(1))
            }
            #expect(error == .timedOut(call: "POST /containers/f1/stop", after: .milliseconds(1200)))
        }
    }

    @Test("to remove what is not there is a success, and volumes go with it", arguments: [204, 404])
    func remove(status: Int) async throws {
        let (result, request) = try await ask(status, "{}") { engine throws(EngineError) in
            try await engine.remove("f1", force: true)
        }
        #expect(throws: Never.self) { try result.get() }
        #expect(request.method == "DELETE")
        #expect(request.query == ["force": "true", "v": "true"])
    }

    @Test("what is not there is none when it is inspected, and refused when it is killed")
    func missing() async throws {
        let (inspected, _) = try await ask(404, "{}") { engine throws(EngineError) in try await engine.inspect("f1") }
        #expect(try inspected.get() == nil)
        let (killed, request) = try await ask(404, "{}") { engine throws(EngineError) in
            try await engine.kill("f1", signal: "KILL")
        }
        #expect(throws: EngineError.self) { try killed.get() }
        #expect(request.query == ["signal": "KILL"])
    }

    @Test("podman's refusal to kill what does not run is Docker's")
    func killConflict() async throws {
        let body = #"{"cause":"container state improper","message":"can only kill running containers","response":500}"#
        let (result, _) = try await ask(500, body) { engine throws(EngineError) in
            try await engine.kill("f1", signal: "9")
        }
        #expect(throws: EngineError.refused(status: 409, message: "can only kill running containers")) {
            try result.get()
        }
    }

    @Test("no call is made for a container without a name")
    func emptyID() async throws {
        try await withStub { _, reply in
            try await reply.answer(404)
        } _: { engine, stub in
            let unnamed = EngineError.refused(status: 400, message: "no container is named")
            #expect(await failure { () async throws(EngineError) in try await engine.remove("") } == unnamed)
            #expect(await failure { () async throws(EngineError) in try await engine.inspect("") } == unnamed)
            #expect(await failure { () async throws(EngineError) in try await engine.logs("") } == unnamed)
            #expect(stub.requests == [])
        }
    }

    @Test("containers are listed by all their labels")
    func list() async throws {
        let body = #"""
            [{"Id":"f1","Names":["/mt1"],"Image":"i:1","ImageID":"sha256:1","Created":1795407762,"Labels":{"a":"1"},
            "State":"running","Status":"Up 3 seconds (healthy)"},{"Id":"f2","Names":null,"Labels":null,"State":"exited"}]
            """#
        let (result, request) = try await ask(200, body) { engine throws(EngineError) in
            try await engine.list(labels: ["b": "", "a": "1"])
        }
        let containers = try result.get()
        #expect(containers.map(\.id) == ["f1", "f2"])
        #expect(containers.map(\.name) == ["mt1", ""])
        #expect(containers.map(\.state) == [.running, .exited])
        #expect(containers[0].createdAt == Timestamp(milliseconds: 1_795_407_762_000))
        #expect(request.query == ["all": "true", "filters": #"{"label":["a=1","b"]}"#])
    }

    @Test(
        "memory is what docker stats shows, by cgroups of both kinds",
        arguments: [
            (#"{"memory_stats":{"usage":1000,"stats":{"inactive_file":5,"total_inactive_file":300}}}"#, 700 as Int64?),
            (#"{"memory_stats":{"usage":1000,"stats":{"inactive_file":400}}}"#, 600),
            (#"{"memory_stats":{"usage":1000,"stats":{"inactive_file":2000}}}"#, 1000),
            (#"{"memory_stats":{"usage":667648,"limit":25276510208}}"#, 667_648),
            (#"{"memory_stats":{"usage":10,"stats":{"hierarchical_memory_limit":18446744073709551615}}}"#, 10),
            (#"{"memory_stats":{}}"#, nil), (#"{}"#, nil), ("", nil),
        ])
    func memory(body: String, expected: Int64?) async throws {
        let (result, request) = try await ask(200, body) { engine throws(EngineError) in try await engine.memory("f1") }
        #expect(try result.get() == expected)
        #expect(request.query == ["stream": "false", "one-shot": "true"])
    }

    @Test("what is not there takes no memory")
    func memoryMissing() async throws {
        let (result, _) = try await ask(404, "{}") { engine throws(EngineError) in try await engine.memory("f1") }
        #expect(try result.get() == nil)
    }
}
