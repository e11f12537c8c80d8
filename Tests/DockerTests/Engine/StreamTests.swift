import ModelCore
import TestSupport
import Testing

@testable import Docker

@Suite("Streams of the engine")
struct StreamTests {
    private static func event(_ action: String, _ attributes: String = "", type: String = "container") -> String {
        #"{"Type":"\#(type)","Action":"\#(action)","Actor":{"ID":"c1","Attributes":{\#(attributes)}},"timeNano":1795407766330932229}"#
    }

    private static let ours = #""modelet.state":"s1","name":"modelet-x""#

    @Test("events are read as they come, however they are cut, and what is not understood is left out")
    func events() async throws {
        let lines = [
            Self.event("start", Self.ours), "garbage", "{}", Self.event("exec_start: /bin/echo", Self.ours),
            Self.event("health_status: unhealthy", Self.ours), Self.event("die", Self.ours + #","exitCode":"137""#),
            Self.event("remove", Self.ours), Self.event("die", #""modelet.state":"s2","exitCode":"1""#),
            Self.event("tag", #""name":"i:1""#, type: "image"),
        ]
        try await withStub { _, reply in
            try await reply.begin()
            let bytes = Array((lines.joined(separator: "\n") + "\n").utf8)
            for start in stride(from: 0, to: bytes.count, by: 7) {
                try await reply.chunk(Array(bytes[start..<min(start + 7, bytes.count)]))
            }
            try await reply.end()
        } _: { engine, stub in
            var seen: [String] = []
            for try await event in try await engine.events(
                since: Timestamp(milliseconds: 1500), labels: ["modelet.state": "s1"], images: true)
            {
                seen.append(
                    "\(event.type) \(event.actor) \(event.action) \(event.detail) \(event.exitCode ?? -1)")
                #expect(event.time == Timestamp(milliseconds: 1_795_407_766_330))
            }
            #expect(
                seen == [
                    "container c1 start  -1", "container c1 health_status unhealthy -1", "container c1 die  137",
                    "container c1 destroy  -1", "image c1 tag  -1",
                ])
            let query = try #require(stub.requests.last?.query)
            #expect(query["since"] == "1.500")
            #expect(query["filters"] == #"{"type":["container","image"]}"#)
        }
    }

    @Test("containers alone are chosen by the engine")
    func containerEvents() async throws {
        try await withStub { _, reply in
            try await reply.begin()
            try await reply.end()
        } _: { engine, stub in
            for try await _ in try await engine.events(labels: ["modelet.state": "s1"]) {}
            let filters = try #require(stub.requests.last?.query["filters"])
            #expect(filters.contains(#""type":["container"]"#))
            #expect(filters.contains(#""label":["modelet.state=s1"]"#))
        }
    }

    @Test("a stream that is dropped hangs up", .timeLimit(.minutes(2)))
    func dropped() async throws {
        try await withStub { _, reply in
            try await reply.begin()
            try await reply.chunk(Self.event("start", Self.ours) + "\n")
            try await reply.hang()
        } _: { engine, stub in
            for try await event in try await engine.events() {
                #expect(event.action == "start")
                #expect(event.containerName == "modelet-x")
                break
            }
            try await eventually("the connection is closed") { stub.open == 0 }
        }
    }

    @Test("a stream whose reader is cancelled throws and hangs up", .timeLimit(.minutes(2)))
    func cancelled() async throws {
        try await withStub { _, reply in
            try await reply.begin()
            try await reply.hang()
        } _: { engine, stub in
            let reading = Task {
                await failure { () async throws(EngineError) in
                    for try await _ in try await engine.events() {}
                }
            }
            try await eventually("the stream stands") { stub.requests.contains { $0.unversioned == "/events" } }
            reading.cancel()
            #expect(await reading.value == .unreachable("GET /events was given up by its caller"))
            try await eventually("the connection is closed") { stub.open == 0 }
        }
    }

    @Test("an engine that dies ends the stream with an error; one that closes it ends it", arguments: [true, false])
    func ends(inOrder: Bool) async throws {
        try await withStub { _, reply in
            try await reply.begin()
            try await reply.chunk(Self.event("start", Self.ours) + "\n")
            if inOrder { try await reply.end() }
        } _: { engine, _ in
            let error = await failure { () async throws(EngineError) in
                for try await _ in try await engine.events() {}
            }
            if inOrder {
                #expect(error == nil)
            } else if case .unreachable = error {
            } else {
                Issue.record("\(String(describing: error))")
            }
        }
    }

    @Test("a stream is refused as any other call is")
    func refusedStream() async throws {
        try await withStub { _, reply in
            try await reply.answer(404, #"{"message":"No such container: x"}"#)
        } _: { engine, _ in
            let error = await failure { () async throws(EngineError) in try await engine.logs("x") }
            #expect(error == .refused(status: 404, message: "No such container: x"))
        }
    }

    @Test("a stream whose head does not come is given up", .timeLimit(.minutes(2)))
    func noHead() async throws {
        try await withStub(limits: .impatient) { _, reply in
            try await reply.hang()
        } _: { engine, stub in
            let error = await failure { () async throws(EngineError) in try await engine.events() }
            #expect(error == .timedOut(call: "GET /events", after: .milliseconds(200)))
            try await eventually("the connection is closed") { stub.open == 0 }
        }
    }

    // MARK: - Pulls

    @Test("a pull tells layer by layer how far it is")
    func pull() async throws {
        let lines = [
            #"{"status":"Pulling from team/model","id":"1.0"}"#,
            #"{"status":"Downloading","progressDetail":{"current":10,"total":100},"progress":"[>]","id":"abc"}"#,
            #"{"status":"Pull complete","progressDetail":{},"id":"abc"}"#,
            #"{"status":"Digest: sha256:0123"}"#,
        ]
        try await withStub { _, reply in
            try await reply.begin()
            try await reply.chunk(lines.joined(separator: "\r\n") + "\r\n")
            try await reply.end()
        } _: { engine, stub in
            var messages: [PullMessage] = []
            let auth = RegistryAuth(username: "u", password: "p")
            for try await message in try await engine.pull("r.example:5000/team/model:1.0", auth: auth) {
                messages.append(message)
            }
            #expect(
                messages == [
                    PullMessage(layer: "1.0", status: "Pulling from team/model"),
                    PullMessage(layer: "abc", status: "Downloading", current: 10, total: 100),
                    PullMessage(layer: "abc", status: "Pull complete"), PullMessage(status: "Digest: sha256:0123"),
                ])
            #expect(messages.last?.digest == "sha256:0123")
            let request = try #require(stub.requests.last)
            #expect(request.method == "POST")
            #expect(request.unversioned == "/images/create")
            #expect(request.query == ["fromImage": "r.example:5000/team/model", "tag": "1.0"])
            #expect(request.headers["x-registry-auth"]?.isEmpty == false)
        }
    }

    @Test(
        "an error within a pull is a refusal with its message",
        arguments: [
            (#"{"errorDetail":{"code":401,"message":"denied"},"error":"denied"}"#, 401, "denied"),
            (#"{"errorDetail":{"message":"manifest unknown"},"error":"manifest unknown"}"#, 500, "manifest unknown"),
            (#"{"error":"no space left"}"#, 500, "no space left"),
        ])
    func pullFails(line: String, status: Int, message: String) async throws {
        try await withStub { _, reply in
            try await reply.begin()
            try await reply.chunk(#"{"status":"Pulling from x","id":"1"}"# + "\r\n" + line)
            try await reply.end()
        } _: { engine, _ in
            let error = await failure { () async throws(EngineError) in
                for try await _ in try await engine.pull("x:1", auth: nil) {}
            }
            #expect(error == .refused(status: status, message: message))
        }
    }

    @Test("a pull that falls silent is given up; one that goes on is not", .timeLimit(.minutes(2)))
    func silence() async throws {
        // The gaps are far shorter than the limit, and all of it is longer.
        var limits = EngineLimits.patient
        limits.pullSilence = .seconds(5)
        try await withStub(limits: limits) { _, reply in
            try await reply.begin()
            for _ in 0..<26 {
                try await reply.chunk(#"{"status":"Extracting","id":"abc"}"# + "\n")
                try await Task.sleep(for: .milliseconds(200))
            }
            try await reply.hang()
        } _: { engine, stub in
            var count = 0
            let error = await failure { () async throws(EngineError) in
                for try await _ in try await engine.pull("x:1", auth: nil) { count += 1 }
            }
            #expect(error == .timedOut(call: "POST /images/create", after: .seconds(5)))
            #expect(count == 26)
            try await eventually("the connection is closed") { stub.open == 0 }
        }
    }

    @Test("a pull that is cut off has not succeeded")
    func pullCutOff() async throws {
        try await withStub { _, reply in
            try await reply.begin()
            try await reply.chunk(#"{"status":"Downloading","id":"abc"}"# + "\n")
        } _: { engine, _ in
            let error = await failure { () async throws(EngineError) in
                for try await _ in try await engine.pull("x:1", auth: nil) {}
            }
            guard case .unreachable = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }

    // MARK: - Logs

    @Test("the tail of a log is asked for and put together")
    func logTail() async throws {
        try await withStub { _, reply in
            try await reply.begin()
            try await reply.chunk(LogDemultiplexerTests.frame(1, "one\ntwo"))
            try await reply.chunk(LogDemultiplexerTests.frame(2, "oops\n"))
            try await reply.end()
        } _: { engine, stub in
            #expect(try await engine.logTail("c1", lines: 5) == ["one", "oops", "two"])
            let request = try #require(stub.requests.last)
            #expect(request.unversioned == "/containers/c1/logs")
            #expect(request.query == ["stdout": "true", "stderr": "true", "follow": "false", "tail": "5"])
        }
    }

    @Test("a log that is not followed and falls silent is given up", .timeLimit(.minutes(2)), arguments: [true, false])
    func logHangs(isTail: Bool) async throws {
        var limits = EngineLimits.patient
        limits.query = .milliseconds(200)
        limits.logTail = .milliseconds(200)
        try await withStub(limits: limits) { _, reply in
            try await reply.begin()
            try await reply.chunk(LogDemultiplexerTests.frame(1, "one\n"))
            try await reply.hang()
        } _: { engine, stub in
            let error = await failure { () async throws(EngineError) in
                if isTail {
                    _ = try await engine.logTail("c1", lines: 5)
                } else {
                    for try await _ in try await engine.logs("c1") {}
                }
            }
            #expect(error == .timedOut(call: "GET /containers/c1/logs", after: .milliseconds(200)))
            try await eventually("the connection is closed") { stub.open == 0 }
        }
    }

    @Test("a log that is followed may be silent for as long as it likes", .timeLimit(.minutes(2)))
    func follow() async throws {
        var limits = EngineLimits.patient
        limits.query = .milliseconds(200)
        limits.logTail = .milliseconds(200)
        try await withStub(limits: limits) { _, reply in
            try await reply.begin()
            try await Task.sleep(for: .milliseconds(600))
            try await reply.chunk(LogDemultiplexerTests.frame(1, "late\n"))
            try await reply.end()
        } _: { engine, _ in
            var text = ""
            for try await chunk in try await engine.logs("c1", follow: true) {
                text += String(decoding: chunk.bytes, as: UTF8.self)
            }
            #expect(text == "late\n")
        }
    }
}
