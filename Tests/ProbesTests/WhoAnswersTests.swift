import Glibc
import ModelCore
import Reconciler
import Testing

@testable import Probes

/// The three verdicts on who answers, with real listeners in real processes.
@Suite(.timeLimit(.minutes(2)))
struct WhoAnswersTests {
    let prober = ReadinessProber()
    let sleeper: ChildProcess

    init() throws {
        sleeper = try ChildProcess(["sleep", "1000"])
    }

    @Test(arguments: [ReadinessSpec.http(ProbeSpec.patient), .tcp(ProbeSpec.patient)])
    func aListenerOutsideOfTheTreeIsAStranger(readiness: ReadinessSpec) async throws {
        let server = try await TestServer(.http)
        let verdict = await prober.probe(server.target(readiness, treeRoot: sleeper.pid))
        let holder = "port \(server.port) is held by pid \(server.process.pid) ("
        #expect(verdict.stranger?.hasPrefix(holder) == true, "\(verdict)")
        #expect(verdict.stranger?.contains("python3 -u -c") == true, "\(verdict)")
    }

    @Test func whatNoProcessHoldsIsUnprovable() async throws {
        let server = try await TestServer(.orphan)
        let verdict = await prober.probe(server.target())
        #expect(verdict.unprovable?.contains("readiness: {owner: any}") == true, "\(verdict)")
    }

    @Test func withoutATreeNothingCanBeProved() async throws {
        let server = try await TestServer(.http)
        let target = ProbeTarget(
            host: "127.0.0.1", port: server.port, readiness: .http(ProbeSpec.patient), owner: .tree(root: nil))
        let verdict = await prober.probe(target)
        #expect(verdict.unprovable?.contains("readiness: {owner: any}") == true, "\(verdict)")
    }

    @Test func withAnyOwnerNoProofIsAsked() async throws {
        var probe = ProbeSpec.patient
        probe.owner = .any
        let stranger = try await TestServer(.http, at: "::1")
        let target = stranger.target(host: "localhost", .http(probe), treeRoot: sleeper.pid)
        #expect(await prober.probe(target) == .ready(address: "::1"))
        let unknown = ProbeTarget(host: "::1", port: stranger.port, readiness: .tcp(probe), owner: .tree(root: nil))
        #expect(await prober.probe(unknown) == .ready(address: "::1"))
    }

    @Test(arguments: ["0.0.0.0", "127.0.0.1"])
    func aStrangerWhoMayAnswerInOurPlaceIsNamed(ourAddress: String) async throws {
        let ours = try await TestServer(.http, at: ourAddress)
        // The kernel prefers the more exact address, and chooses at random where both are the same.
        let stranger = try await TestServer(.http, at: "127.0.0.1", port: ours.port)
        let verdict = await prober.probe(ours.target())
        #expect(verdict.stranger?.contains("pid \(stranger.process.pid) ") == true, "\(verdict)")
    }

    @Test func ourAddressCountsWhereAStrangerHoldsAnotherOfTheHost() async throws {
        let ours = try await TestServer(.http, at: "::1")
        let stranger = try await TestServer(.http, at: "127.0.0.1", port: ours.port)
        #expect(await prober.probe(ours.target(host: "localhost")) == .ready(address: "::1"))
        withExtendedLifetime(stranger) {}
    }

    @Test func aSilentAddressDoesNotHideOneThatAnswers() async throws {
        let silent = try await TestServer(.silent, at: "127.0.0.1")
        let answering = try await TestServer(.http, at: "::1", port: silent.port)
        var probe = ProbeSpec.patient
        probe.timeout = 4
        // Both are children of this process.
        let target = answering.target(host: "localhost", .http(probe), treeRoot: getpid())
        #expect(await prober.probe(target) == .ready(address: "::1"))
        withExtendedLifetime(silent) {}
    }

    @Test func aListenerThatChangesDuringTheAnswerIsNoticed() async throws {
        let server = try await TestServer(.vanishes)
        let probe = ProbeSpec.patient
        let target = server.target(.http(probe))
        async let asked = prober.probe(target)
        #expect(await server.process.line() == "gone")
        let successor = try await TestServer(.http, port: server.port)
        server.process.write("go")
        let verdict = await asked
        #expect(verdict.stranger?.contains("pid \(successor.process.pid) ") == true, "\(verdict)")
    }

    @Test func aListenerThatIsGoneAfterTheAnswerDoesNotCount() async throws {
        let server = try await TestServer(.vanishes)
        let probe = ProbeSpec.patient
        let target = server.target(.http(probe))
        async let asked = prober.probe(target)
        #expect(await server.process.line() == "gone")
        server.process.write("go")
        let reason = "127.0.0.1:\(server.port) answered, but listens no longer"
        #expect(await asked == .failed(reason: reason))
    }
}

extension ProbeVerdict {
    fileprivate var stranger: String? {
        if case .stranger(let reason) = self { reason } else { nil }
    }

    fileprivate var unprovable: String? {
        if case .unprovable(let reason) = self { reason } else { nil }
    }
}
