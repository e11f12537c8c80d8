import Logging
import ModelCore
import TestSupport
import Testing

@testable import Docker

/// The same calls against a real Docker Engine. Skipped where none can be started (no `dockerd`, or not root), which is said;
/// with `MODELET_REQUIRE_DOCKER=1` they fail instead.
@Suite("A real engine", .needs(.engine), .timeLimit(.minutes(5)))
struct RealEngineTests {
    @Test("it says what it is")
    func system() async throws {
        let engine = try await RealEngine.start().engine
        let ping = try await engine.ping()
        #expect(ping.apiVersion >= .oldest)
        #expect(!ping.isPodman)
        let version = try await engine.version()
        #expect(!version.version.isEmpty)
        let info = try await engine.info()
        #expect(info.rootDirectory.hasSuffix("/data"))
        #expect(info.memory > 0)
        #expect(engine.apiVersion == min(ping.apiVersion, .ours))
    }

    @Test("an image is inspected, named, unnamed, and not found")
    func images() async throws {
        let engine = try await RealEngine.start().engine
        let image = try await engine.inspectImage(RealEngine.image)
        #expect(image.id.hasPrefix("sha256:"))
        #expect(image.environment == ["GREETING=hello"])
        #expect(image.hasHealthcheck)
        #expect(image.size > 0)
        #expect(image.tags.contains(RealEngine.image))
        try await engine.tagImage(image.id, as: "modelet-test/other", tag: "1")
        #expect(try await engine.inspectImage("modelet-test/other:1").id == image.id)
        try await engine.removeImage("modelet-test/other:1")
        try await engine.removeImage("modelet-test/other:1")
        guard
            case .refused(status: 404, _) = await failure({ () async throws(EngineError) in
                try await engine.inspectImage("modelet-test/other:1")
            })
        else {
            Issue.record("it is gone")
            return
        }
        #expect(try await engine.inspectImage(image.id).id == image.id)
    }

    @Test("a container lives and ends as it is told")
    func life() async throws {
        let real = try await RealEngine.start()
        let engine = real.engine
        let label = "life-\(UInt64.random(in: 0 ... .max))"
        let script = "trap 'echo bye; exit 7' TERM; echo \"$GREETING\"; echo oops >&2; while :; do sleep 0.05; done"
        try await real.withContainer(script, labels: ["modelet.state": label]) { id in
            var details = try #require(try await engine.inspect(id))
            #expect(details.id == id)
            #expect(details.state == .created)
            #expect(details.pid == nil)
            #expect(details.startedAt == nil)
            try await engine.start(id)
            try await engine.start(id)
            details = try #require(try await engine.inspect(details.name))
            #expect(details.state == .running)
            #expect(details.startedAt != nil)
            #expect(details.finishedAt == nil)
            #expect(details.labels["modelet.state"] == label)
            #expect(details.ipAddress != nil)
            #expect(try await engine.sharesNamespaces(with: details) == .shared)
            let listed = try await engine.list(labels: ["modelet.state": label])
            #expect(listed.map(\.id) == [id])
            #expect(listed.map(\.name) == [details.name])
            #expect(listed.map(\.state) == [.running])
            #expect(try await engine.list(labels: ["modelet.state": label + "x"]) == [])
            #expect(try #require(try await engine.memory(id)) > 0)
            try await eventually("it has written") { try await engine.logTail(id, lines: 9).count == 2 }
            #expect(try await engine.logTail(id, lines: 9).sorted() == ["hello", "oops"])
            try await eventually("its check has passed") { try await engine.inspect(id)?.health?.status == .healthy }
            #expect(try await engine.inspect(id)?.health?.lastOutput == "fine\n")
            #expect(try await engine.stop(id, grace: .seconds(60)) == .stopped)
            #expect(try await engine.stop(id, grace: .seconds(60)) == .wasNotRunning)
            details = try #require(try await engine.inspect(id))
            #expect(details.state == .exited)
            #expect(details.exitCode == 7)
            #expect(details.pid == nil)
            #expect(details.finishedAt != nil)
            #expect(details.health?.status != .healthy || details.health == nil)
            #expect(try await engine.memory(id) == nil)
            #expect(try await engine.logTail(id, lines: 1) == ["bye"])
            try await engine.remove(id)
            try await engine.remove(id)
            #expect(try await engine.inspect(id) == nil)
            #expect(try await engine.stop(id, grace: .zero) == .notFound)
        }
    }

    private struct Order: Encodable {
        var Image: String
        var Cmd: [String]
    }

    @Test("what it refuses is told apart")
    func refusals() async throws {
        let real = try await RealEngine.start()
        let engine = real.engine
        let missing = await failure { () async throws(EngineError) in
            try await engine.createContainer(name: "modelet-none", ["Image": "modelet-test/none:1"])
        }
        guard case .refused(status: 404, let message) = missing else {
            Issue.record("\(String(describing: missing))")
            return
        }
        #expect(message.contains("modelet-test/none:1"))
        try await real.withContainer("sleep 1000") { id in
            let name = try #require(try await engine.inspect(id)).name
            let twin = await failure { () async throws(EngineError) in
                try await engine.createContainer(name: name, Order(Image: RealEngine.image, Cmd: ["/bin/sh"]))
            }
            guard case .refused(status: 409, _) = twin else {
                Issue.record("\(String(describing: twin))")
                return
            }
            let kill = await failure { () async throws(EngineError) in try await engine.kill(id, signal: "KILL") }
            guard case .refused(status: 409, _) = kill else {
                Issue.record("\(String(describing: kill))")
                return
            }
            try await engine.start(id)
            let removal = await failure { () async throws(EngineError) in try await engine.remove(id) }
            guard case .refused(status: 409, _) = removal else {
                Issue.record("\(String(describing: removal))")
                return
            }
            try await engine.kill(id, signal: "KILL")
            try await eventually("it has ended") { try await engine.inspect(id)?.exitCode == 137 }
        }
    }

    @Test("what a container takes too much of memory is its end, and said")
    func outOfMemory() async throws {
        let real = try await RealEngine.start()
        let script = "dd if=/dev/zero of=/dev/null bs=200M count=1"
        // The kernel's word and the end come to the engine on two ways. Where the end is first, it never says why.
        try await eventually("the engine has said so") {
            try await real.withContainer("exec " + script, memory: 16 * 1024 * 1024) { id in
                try await real.engine.start(id)
                try await eventually("it has ended") { try await real.engine.inspect(id)?.state == .exited }
                let details = try #require(try await real.engine.inspect(id))
                #expect(details.exitCode == 137)
                return details.isOutOfMemory
            }
        }
    }

    @Test("a terminal's log is read as it is")
    func terminal() async throws {
        let real = try await RealEngine.start()
        try await real.withContainer("echo one; echo two >&2", hasTerminal: true) { id in
            try await real.engine.start(id)
            try await eventually("it has ended") { try await real.engine.inspect(id)?.state == .exited }
            #expect(try await real.engine.logTail(id, lines: 9) == ["one", "two"])
        }
    }

    @Test("a log is followed until the container ends")
    func follow() async throws {
        let real = try await RealEngine.start()
        try await real.withContainer("read go < /dev/null; for i in 1 2 3; do echo $i; sleep 0.1; done") { id in
            try await real.engine.start(id)
            var text = ""
            for try await chunk in try await real.engine.logs(id, follow: true) {
                text += String(decoding: chunk.bytes, as: UTF8.self)
            }
            #expect(text == "1\n2\n3\n")
        }
    }

    @Test("a published port is on this host's loopback")
    func ports() async throws {
        let real = try await RealEngine.start()
        // The engine chooses it.
        try await real.withContainer("sleep 1000", port: 0) { id in
            try await real.engine.start(id)
            let details = try #require(try await real.engine.inspect(id))
            #expect(details.publishedPorts.map(\.hostAddress) == ["127.0.0.1"])
            #expect(details.publishedPorts.map(\.containerPort) == [8000])
            #expect(details.publishedPorts.allSatisfy { $0.hostPort > 0 })
            #expect(try await real.engine.sharesNamespaces(with: details) == .shared)
        }
    }

    @Test("a pull from a registry that is not there is refused with its reason")
    func pull() async throws {
        let engine = try await RealEngine.start().engine
        let error = await failure { () async throws(EngineError) in
            for try await _ in try await engine.pull("127.0.0.1:1/none:1", auth: nil) {}
        }
        guard case .refused(_, let message) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(message.contains("connection refused"))
    }

    @Test("events come as things happen, of our containers alone")
    func events() async throws {
        let real = try await RealEngine.start()
        let label = "events-\(UInt64.random(in: 0 ... .max))"
        let watch = EngineWatch(
            engine: real.engine, labels: ["modelet.state": label], logger: Logger(label: "test"))
        let signals = watch.signals()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await watch.run() }
            var iterator = signals.makeAsyncIterator()
            #expect(await iterator.next() == .reachable)
            try await real.withContainer("exit 3", labels: ["modelet.state": "other"]) {
                try await real.engine.start($0)
            }
            let id = try await real.withContainer("exit 3", labels: ["modelet.state": label]) { id in
                try await real.engine.start(id)
                try await eventually("it has ended") { try await real.engine.inspect(id)?.state == .exited }
                return id
            }
            var actions: [String] = []
            while actions.last != "destroy", let signal = await iterator.next() {
                guard case .event(let event) = signal, event.isOfContainer else { continue }
                #expect(event.actor == id)
                if event.action == "die" { #expect(event.exitCode == 3) }
                // Docker's networks add words of their own.
                if ["create", "start", "die", "destroy"].contains(event.action) { actions.append(event.action) }
            }
            #expect(actions == ["create", "start", "die", "destroy"])
            group.cancelAll()
        }
    }
}
