import Glibc
import ModelCore
import Reconciler
import Testing

@testable import Probes

/// Real servers in processes of their own, whose pid is the root of the tree unless a test says otherwise.
@Suite(.timeLimit(.minutes(2)))
struct ReadinessProberTests {
    let prober = ReadinessProber()

    @Test func anExpectedStatusFromOurTreeIsReady() async throws {
        let server = try await TestServer(.http)
        #expect(await prober.probe(server.target()) == .ready(address: "127.0.0.1"))
    }

    @Test func aListenerInADescendantIsOurs() async throws {
        let server = try await TestServer(.grandchild)
        #expect(await prober.probe(server.target()) == .ready(address: "127.0.0.1"))
    }

    @Test func anotherStatusIsAnAnswer() async throws {
        let server = try await TestServer(.http, status: 404)
        #expect(await prober.probe(server.target()) == .answered(status: 404, address: "127.0.0.1"))
        var probe = ProbeSpec.patient
        probe.status = StatusRange(404...404)
        #expect(await prober.probe(server.target(.http(probe))) == .ready(address: "127.0.0.1"))
    }

    @Test func interimAnswersArePassedOver() async throws {
        let server = try await TestServer(.interim)
        #expect(await prober.probe(server.target()) == .ready(address: "127.0.0.1"))
    }

    @Test func nothingListensIsAFailure() async throws {
        let target = ProbeTarget(
            host: "localhost", port: try quietPort(), readiness: .http(ProbeSpec.patient), owner: .tree(root: getpid()))
        let verdict = await prober.probe(target)
        #expect(verdict == .failed(reason: "nothing listens on localhost:\(target.port)"))
    }

    @Test func aRefusalIsAFailure() async throws {
        var probe = ProbeSpec.patient
        probe.owner = .any
        let port = try quietPort()
        let target = ProbeTarget(host: "127.0.0.1", port: port, readiness: .http(probe), owner: .tree(root: nil))
        let reason = "127.0.0.1:\(port) cannot be connected to (Connection refused)"
        #expect(await prober.probe(target) == .failed(reason: reason))
    }

    @Test func silenceTimesOut() async throws {
        let server = try await TestServer(.silent)
        var probe = ProbeSpec.patient
        probe.timeout = Seconds(milliseconds: 150)
        #expect(await prober.probe(server.target(.http(probe))) == .timedOut(address: "127.0.0.1"))
    }

    @Test(arguments: [
        (TestServer.Habit.garbage, "answered with no HTTP: \"SSH-2.0-OpenSSH_9.2..\""),
        (.tls, "answered with TLS, not plain HTTP"),
    ])
    func whatIsNoHTTPFails(habit: TestServer.Habit, what: String) async throws {
        let server = try await TestServer(habit)
        #expect(await prober.probe(server.target()) == .failed(reason: "127.0.0.1:\(server.port) \(what)"))
    }

    @Test func aConnectionThatIsClosedAtOnceFails() async throws {
        let server = try await TestServer(.closes)
        let verdict = await prober.probe(server.target())
        guard case .failed(let reason) = verdict else {
            Issue.record("\(verdict)")
            return
        }
        // Which of the two depends on whether the request was still on its way.
        #expect(reason.contains("closed the connection without an answer") || reason.contains("broke the connection"))
    }

    @Test func acceptedIsEnoughForTCP() async throws {
        let server = try await TestServer(.silent)
        #expect(await prober.probe(server.target(.tcp(ProbeSpec.patient))) == .ready(address: "127.0.0.1"))
    }

    @Test(arguments: [
        ("::1", "localhost", "::1"), ("::1", "::1", "::1"), ("0.0.0.0", "localhost", "127.0.0.1"),
        ("::", "localhost", "127.0.0.1"), ("::", "::1", "::1"), ("127.0.0.1", "localhost", "127.0.0.1"),
        ("0.0.0.0", "0.0.0.0", "127.0.0.1"), ("::ffff:127.0.0.1", "127.0.0.1", "127.0.0.1"),
    ])
    func theAddressThatAnswersIsReported(listening: String, host: String, answering: String) async throws {
        let server = try await TestServer(.http, at: listening)
        #expect(await prober.probe(server.target(host: host)) == .ready(address: answering))
    }

    @Test func noReadinessReportsWhereWeListen() async throws {
        let server = try await TestServer(.silent, at: "::1")
        #expect(await prober.probe(server.target(host: "localhost", .none)) == .ready(address: "::1"))
        let quiet = ProbeTarget(
            host: "localhost", port: try quietPort(), readiness: .none, owner: .tree(root: getpid()))
        #expect(await prober.probe(quiet) == .ready(address: "127.0.0.1"))
    }

    @Test func aHostWithoutAnAddressFails() async throws {
        let target = ProbeTarget(
            host: "no-such-host.invalid", port: 1, readiness: .http(ProbeSpec.patient), owner: .tree(root: getpid()))
        let verdict = await prober.probe(target)
        guard case .failed(let reason) = verdict else {
            Issue.record("\(verdict)")
            return
        }
        #expect(reason.hasPrefix("no-such-host.invalid cannot be resolved"))
    }

    @Test func aServerThatServesOneAtATimeIsLetGo() async throws {
        let server = try await TestServer(.clings)
        for _ in 1...3 {
            #expect(await prober.probe(server.target()) == .ready(address: "127.0.0.1"))
            #expect(await server.process.line() == "closed")
        }
    }

    @Test func theRequestIsWhatServersExpect() async throws {
        let server = try await TestServer(.echoes)
        var probe = ProbeSpec.patient
        probe.path = "/health check\r\nX: y?a=1"
        #expect(await prober.probe(server.target(.http(probe))) == .ready(address: "127.0.0.1"))
        let request = await server.process.line()
        #expect(request.hasPrefix("GET /health%20check%0D%0AX:%20y?a=1 HTTP/1.1|Host: 127.0.0.1:\(server.port)|"))
        #expect(request.contains("|Connection: close|"))
    }

    @Test func aCancelledProbeEndsAtOnce() async throws {
        let server = try await TestServer(.silent)
        var probe = ProbeSpec.patient
        probe.timeout = 3600
        let target = server.target(.http(probe))
        let task = Task { await prober.probe(target) }
        task.cancel()
        guard case .failed = await task.value else {
            Issue.record("a cancelled probe must fail")
            return
        }
    }
}
