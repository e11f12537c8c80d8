import Synchronization
import TestSupport
import Testing

@testable import Docker

@Suite("Version negotiation")
struct NegotiationTests {
    @Test("the older of both versions is spoken", arguments: [("1.41", "1.41"), ("1.40", "1.40"), ("1.99", "1.47")])
    func older(theirs: String, spoken: String) async throws {
        try await withStub(version: theirs) { _, reply in
            try await reply.answer(200, "{}")
        } _: { engine, stub in
            _ = try await engine.info()
            _ = try await engine.info()
            #expect(stub.requests.map(\.path) == ["/_ping", "/v\(spoken)/info", "/v\(spoken)/info"])
            #expect(engine.apiVersion?.description == spoken)
        }
    }

    @Test("an engine that is too old is refused, and nothing asked of it")
    func tooOld() async throws {
        try await withStub(version: "1.39") { _, reply in
            try await reply.answer(200, "{}")
        } _: { engine, stub in
            let error = await failure { () async throws(EngineError) in try await engine.start("x") }
            let sentence = "\(try #require(error))"
            #expect(sentence.contains("is too old: it speaks version 1.39"))
            #expect(stub.requests.map(\.path) == ["/_ping"])
        }
    }

    @Test("what names no version is no engine", arguments: ["", "Api-Version: newest\r\n", "Api-Version: 1.41.2\r\n"])
    func noVersion(header: String) async throws {
        let stub = try StubEngine()
        try await stub.run { _, reply in
            try await reply.answer(200, "OK", headers: header)
        } _: {
            let engine = Engine(address: EngineAddress(socket: stub.socket), limits: .patient)
            let error = await failure { () async throws(EngineError) in try await engine.info() }
            let sentence = "\(try #require(error))"
            #expect(sentence.contains("is no Docker engine"))
        }
    }

    @Test("podman is known by its ping")
    func podman() async throws {
        let stub = try StubEngine()
        try await stub.run { _, reply in
            try await reply.answer(200, "OK", headers: "Api-Version: 1.41\r\nLibpod-Api-Version: 4.3.1\r\n")
        } _: {
            let engine = Engine(address: EngineAddress(socket: stub.socket), limits: .patient)
            let ping = try await engine.ping()
            #expect(ping == EnginePing(apiVersion: APIVersion(1, 41), isPodman: true))
        }
    }

    @Test("an engine that an older one has replaced is asked once more, as it understands")
    func replaced() async throws {
        let theirs = Mutex("1.45")
        let stub = try StubEngine()
        try await stub.run { request, reply in
            let version = theirs.withLock { $0 }
            if request.path == "/_ping" { return try await reply.pong(version) }
            guard request.path == "/v\(version)/info" else {
                let message = "client version 1.45 is too new. Maximum supported API version is \(version)"
                return try await reply.answer(400, #"{"message":"\#(message)"}"#)
            }
            try await reply.answer(200, #"{"ID":"\#(version)"}"#)
        } _: {
            let engine = Engine(address: EngineAddress(socket: stub.socket), limits: .patient)
            let before = try await engine.info().id
            #expect(before == "1.45")
            theirs.withLock { $0 = "1.41" }
            let after = try await engine.info().id
            #expect(after == "1.41")
        }
    }

    @Test("another refusal is not asked twice")
    func otherRefusal() async throws {
        try await withStub { _, reply in
            try await reply.answer(400, #"{"message":"invalid"}"#)
        } _: { engine, stub in
            let error = await failure { () async throws(EngineError) in try await engine.info() }
            #expect(error == .refused(status: 400, message: "invalid"))
            #expect(stub.requests.count == 2)
        }
    }

    @Test("after an absence the version is asked for again")
    func returns() async throws {
        let directory = try TemporaryDirectory()
        let first = try StubEngine(in: directory)
        let engine = Engine(address: EngineAddress(socket: first.socket), limits: .patient)
        let answer = { (version: String) -> StubEngine.Answer in
            { request, reply in
                request.path == "/_ping" ? try await reply.pong(version) : try await reply.answer(200, "{}")
            }
        }
        try await first.run(answer: answer("1.44")) { _ = try await engine.info() }
        #expect(engine.apiVersion == APIVersion(1, 44))
        guard case .unreachable = await failure({ () async throws(EngineError) in try await engine.info() }) else {
            Issue.record("nobody is there")
            return
        }
        let second = try StubEngine(in: directory)
        try await second.run(answer: answer("1.42")) { _ = try await engine.info() }
        #expect(engine.apiVersion == APIVersion(1, 42))
    }
}
