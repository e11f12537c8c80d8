import Glibc
import NIOCore
import NIOPosix
import TestSupport
import Testing

@testable import Docker

@Suite("Calls to the engine")
struct TransportTests {
    @Test("an engine that takes a call and never answers is given up in time, and hung up on", .timeLimit(.minutes(2)))
    func hangs() async throws {
        try await withStub(limits: .impatient) { _, reply in
            try await reply.hang()
        } _: { engine, stub in
            let error = await failure { () async throws(EngineError) in try await engine.info() }
            #expect(error == .timedOut(call: "GET /info", after: .milliseconds(200)))
            try await eventually("the connection is closed") { stub.open == 0 }
        }
    }

    @Test("the limit covers the body too", .timeLimit(.minutes(2)), arguments: [true, false])
    func bodyHangs(isChunked: Bool) async throws {
        try await withStub(limits: .impatient) { _, reply in
            if isChunked {
                try await reply.begin()
                try await reply.chunk("{\"ID\":")
            } else {
                try await reply.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"ID\":")
            }
            try await reply.hang()
        } _: { engine, stub in
            let error = await failure { () async throws(EngineError) in try await engine.info() }
            #expect(error == .timedOut(call: "GET /info", after: .milliseconds(200)))
            try await eventually("the connection is closed") { stub.open == 0 }
        }
    }

    @Test("a body that trickles in is bounded as a whole", .timeLimit(.minutes(2)))
    func trickles() async throws {
        try await withStub(limits: .impatient) { _, reply in
            try await reply.begin()
            while true {
                try await reply.chunk(" ")
                try await Task.sleep(for: .milliseconds(5))
            }
        } _: { engine, _ in
            let error = await failure { () async throws(EngineError) in try await engine.info() }
            #expect(error == .timedOut(call: "GET /info", after: .milliseconds(200)))
        }
    }

    @Test("an answer that ends in the midst is an engine that is gone", arguments: [true, false])
    func cutOff(isChunked: Bool) async throws {
        try await withStub { _, reply in
            if isChunked {
                try await reply.begin()
                try await reply.chunk("{\"ID\":")
            } else {
                try await reply.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"ID\":")
            }
        } _: { engine, _ in
            let error = await failure { () async throws(EngineError) in try await engine.info() }
            guard case .unreachable(let sentence) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(sentence.contains("hung up"))
        }
    }

    @Test("one that closes before it answers is gone, too")
    func closes() async throws {
        try await withStub { _, _ in
        } _: { engine, _ in
            let error = await failure { () async throws(EngineError) in try await engine.info() }
            guard case .unreachable = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }

    @Test("an answer that is too large is not gathered", arguments: [true, false])
    func tooLarge(isChunked: Bool) async throws {
        try await withStub { _, reply in
            if isChunked {
                try await reply.begin()
                let piece = [UInt8](repeating: 32, count: 1024 * 1024)
                while true { try await reply.chunk(piece) }
            } else {
                try await reply.send("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
                try await reply.hang()
            }
        } _: { engine, stub in
            let error = await failure { () async throws(EngineError) in try await engine.info() }
            #expect(error == .malformed("the engine's answer to GET /info is larger than it may be"))
            try await eventually("the connection is closed") { stub.open == 0 }
        }
    }

    @Test("what answers without being an engine is told", arguments: ["SSH-2.0-OpenSSH_9.2\r\n", "\0\0\0\0\r\n\r\n"])
    func notHTTP(answer: String) async throws {
        let stub = try StubEngine()
        try await stub.run { _, reply in
            try await reply.send(answer)
            try await reply.hang()
        } _: {
            let engine = Engine(address: EngineAddress(socket: stub.socket), limits: .patient)
            let error = await failure { () async throws(EngineError) in try await engine.ping() }
            guard case .malformed(let sentence) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(sentence.contains("is it a Docker engine?"))
        }
    }

    @Test("an answer that is no JSON, or not what was asked for, is told", arguments: ["<html>", "[]", "{}", ""])
    func malformed(body: String) async throws {
        try await withStub { _, reply in
            try await reply.answer(200, body)
        } _: { engine, _ in
            let error = await failure { () async throws(EngineError) in
                try await engine.createContainer(name: "n", ["Image": "x"])
            }
            guard case .malformed(let sentence) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(sentence.contains("POST /containers/create"))
        }
    }

    @Test(
        "a refusal carries the engine's message",
        arguments: [
            (#"{"message":"no such image: x"}"#, EngineError.refused(status: 404, message: "no such image: x")),
            (
                #"{"cause":"image not known","message":"no such image","response":404}"#,
                .refused(status: 404, message: "no such image")
            ),
            ("Not Found\n", .refused(status: 404, message: "Not Found")),
            ("", .refused(status: 404, message: "the engine answered with status 404")),
            ("{\"message\":\"two\\nlines\"}", .refused(status: 404, message: "two lines")),
        ])
    func refused(body: String, expected: EngineError) async throws {
        try await withStub { _, reply in
            try await reply.answer(404, body)
        } _: { engine, _ in
            #expect(await failure { () async throws(EngineError) in try await engine.inspectImage("x") } == expected)
        }
    }

    @Test("a call that is cancelled hangs up and throws", .timeLimit(.minutes(2)))
    func cancelled() async throws {
        try await withStub { _, reply in
            try await reply.hang()
        } _: { engine, stub in
            let call = Task { await failure { () async throws(EngineError) in try await engine.info() } }
            try await eventually("the call is there") { stub.requests.contains { $0.unversioned == "/info" } }
            call.cancel()
            #expect(await call.value == .unreachable("GET /info was given up by its caller"))
            try await eventually("the connection is closed") { stub.open == 0 }
        }
    }

    @Test("calls that hang keep nobody else waiting", .timeLimit(.minutes(2)))
    func independence() async throws {
        try await withStub { request, reply in
            if request.unversioned == "/version" { return try await reply.answer(200, #"{"Version":"1"}"#) }
            try await reply.hang()
        } _: { engine, stub in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<50 { group.addTask { _ = try? await engine.info() } }
                try await eventually("all hang") { stub.open == 50 }
                #expect(try await engine.version().version == "1")
                group.cancelAll()
            }
        }
    }

    @Test("no connection is kept: each call has its own, and closes it")
    func ownConnections() async throws {
        try await withStub { _, reply in
            try await reply.answer(200, #"{"ID":"x"}"#)
            try await reply.hang()
        } _: { engine, stub in
            for _ in 0..<3 { #expect(try await engine.info().id == "x") }
            #expect(stub.accepted == 4)
            try await eventually("all are closed") { stub.open == 0 }
        }
    }

    @Test("where no engine is, it is said what to do")
    func absent() async throws {
        let directory = try TemporaryDirectory()
        let engine = Engine(address: EngineAddress(socket: directory.path("none.sock")))
        let error = await failure { () async throws(EngineError) in try await engine.ping() }
        guard case .unreachable(let sentence) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(sentence.contains("there is no engine at unix://"))
        #expect(sentence.contains("systemctl start docker"))
    }

    @Test("a socket that a dead engine left behind is told from none")
    func leftBehind() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path("e.sock")
        let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        #expect(bound == 0)
        // Its file stays.
        close(listener)
        let engine = Engine(address: EngineAddress(socket: path))
        let error = await failure { () async throws(EngineError) in try await engine.ping() }
        guard case .unreachable(let sentence) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(sentence.contains("nobody listens at unix://"))
    }

    @Test("who may not use the socket is told how to be let in")
    func denied() {
        let failure = TransportFailure(
            address: EngineAddress(socket: "/var/run/docker.sock"), call: "GET /info", limit: .seconds(1))
        let error = failure.error(IOError(errnoCode: 13, reason: "connect"))
        #expect("\(error)".contains("usermod -aG docker"))
        guard case .unreachable = error else {
            Issue.record("\(error)")
            return
        }
    }

    @Test("a path that no socket can have is told as such")
    func longPath() async {
        let engine = Engine(address: EngineAddress(socket: "/" + String(repeating: "x", count: 200)))
        let error = await failure { () async throws(EngineError) in try await engine.ping() }
        guard case .unreachable(let sentence) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(sentence.contains("too long"))
    }
}
