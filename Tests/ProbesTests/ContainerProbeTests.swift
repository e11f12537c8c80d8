import ModelCore
import Reconciler
import Testing

@testable import Probes
@testable import ProcFS

/// Real listeners in a real network namespace, behind a proxy that accepts everything.
@Suite(
    .timeLimit(.minutes(2)),
    .enabled(if: TestContainer.isPossible, "needs the right to make network namespaces: run it as root"))
struct ContainerProbeTests {
    let prober = ReadinessProber()
    static let readinesses = [ReadinessSpec.http(ProbeSpec.patient), .tcp(ProbeSpec.patient)]

    @Test(arguments: readinesses)
    func thatTheProxyAcceptsProvesNothing(readiness: ReadinessSpec) async throws {
        let container = try await TestContainer()
        let verdict = await prober.probe(container.target(readiness))
        #expect(verdict == .failed(reason: "nothing listens on port 8000 in the container"))
    }

    @Test(arguments: readinesses, ["0.0.0.0", "::", "10.0.0.2"])
    func aListenerInTheContainerIsReady(readiness: ReadinessSpec, address: String) async throws {
        let container = try await TestContainer()
        await container.listen(at: address)
        #expect(await prober.probe(container.target(readiness)) == .ready(address: "127.0.0.1"))
    }

    @Test func whatListensOnThisHostSaysNothingOfTheContainer() async throws {
        let container = try await TestContainer()
        let here = try await TestServer(.http)
        let target = ProbeTarget(
            host: "127.0.0.1", port: here.port, readiness: .http(ProbeSpec.patient),
            owner: .container(process: container.process, port: here.port))
        let verdict = await prober.probe(target)
        #expect(verdict == .failed(reason: "nothing listens on port \(here.port) in the container"))
    }

    @Test(arguments: readinesses, ["127.0.0.1", "127.0.0.5", "::1"])
    func theLoopbackAddressOfTheContainerIsOutOfReach(readiness: ReadinessSpec, address: String) async throws {
        let container = try await TestContainer()
        await container.listen(at: address)
        let verdict = await prober.probe(container.target(readiness))
        #expect(verdict.unreachable?.contains("listens on \(address) alone") == true, "\(verdict)")
        #expect(verdict.unreachable?.contains("must listen on 0.0.0.0") == true, "\(verdict)")
    }

    @Test func anotherPortIsNamed() async throws {
        let container = try await TestContainer()
        await container.listen(port: 8080)
        let verdict = await prober.probe(container.target())
        #expect(verdict.unreachable?.contains("something does on 8080: `container_port`") == true, "\(verdict)")
    }

    @Test func aConnectionThatIsResetFails() async throws {
        let container = try await TestContainer()
        await container.listen(.resets)
        let verdict = await prober.probe(container.target())
        guard case .failed(let reason) = verdict else {
            Issue.record("\(verdict)")
            return
        }
        #expect(reason.hasPrefix("127.0.0.1:\(container.port) "))
    }

    @Test func anAnswerOfWhatListensNoLongerDoesNotCount() async throws {
        let container = try await TestContainer()
        await container.listen(.vanishes)
        let verdict = await prober.probe(container.target())
        #expect(verdict == .failed(reason: "port 8000 in the container answered, but is listened on no longer"))
    }

    @Test func anAnswerOfAContainerThatHasEndedDoesNotCount() async throws {
        let container = try await TestContainer()
        await container.listen(.dies)
        #expect(await prober.probe(container.target()) == .failed(reason: "the container has ended"))
    }

    @Test func aContainerThatHasEndedFails() async throws {
        let container = try await TestContainer()
        await container.listen()
        await container.end()
        #expect(await prober.probe(container.target()) == .failed(reason: "the container has ended"))
    }

    @Test func withAnyOwnerOrNoReadinessNoProofIsAsked() async throws {
        let container = try await TestContainer()
        #expect(await prober.probe(container.target(.none)) == .ready(address: "127.0.0.1"))
        var probe = ProbeSpec.patient
        probe.owner = .any
        #expect(await prober.probe(container.target(.tcp(probe))) == .ready(address: "127.0.0.1"))
        // What is asked must answer all the same.
        guard case .failed = await prober.probe(container.target(.http(probe))) else {
            Issue.record("nothing can have answered")
            return
        }
    }
}

/// What is made of what `/proc` says of a container.
struct ContainerStandingTests {
    private static let everywhere = Listener(family: .v4, address: [0, 0, 0, 0], inode: 1)
    private static let loopback = Listener(family: .v4, address: [127, 0, 0, 11], inode: 2)
    private static let mappedLoopback = Listener(
        family: .v6, address: [UInt8](repeating: 0, count: 10) + [255, 255, 127, 0, 0, 1], inode: 3)
    private static let mapped = Listener(
        family: .v6, address: [UInt8](repeating: 0, count: 10) + [255, 255, 10, 0, 0, 1], inode: 4)

    @Test func oneListenerThatCanBeReachedIsEnough() {
        #expect(ContainerProof.standing([80: [Self.loopback, Self.everywhere]], port: 80) == .listens)
        #expect(ContainerProof.standing([80: [Self.mapped]], port: 80) == .listens)
    }

    @Test func loopbackAddressesAreOutOfReachHoweverTheyAreWritten() {
        for listener in [Self.loopback, Self.mappedLoopback] {
            let standing = ContainerProof.standing([80: [listener], 81: [Self.everywhere]], port: 80)
            #expect(standing.unreachable?.contains("0.0.0.0") == true, "\(standing)")
        }
    }

    @Test func otherPortsAreNamedUnlessTheyAreOfLoopbackAlone() {
        #expect(ContainerProof.standing([:], port: 80) == .nothing)
        // The engine's own name server listens so in every container of a network.
        #expect(ContainerProof.standing([39000: [Self.loopback]], port: 80) == .nothing)
        let many = Dictionary(uniqueKeysWithValues: (1...6).map { ($0, [Self.everywhere]) })
        let standing = ContainerProof.standing(many, port: 80)
        #expect(standing.unreachable?.contains("on 1, 2, 3, 4, 5, …:") == true, "\(standing)")
    }

    @Test func whatCannotBeReadProvesNothing() {
        #expect(ContainerProof.standing(ProcFSError.gone, isHidden: false) == .ended)
        for (error, isHidden) in [(ProcFSError.gone, true), (.unreadable(errno: 13), false)] {
            guard case .unprovable(let reason) = ContainerProof.standing(error, isHidden: isHidden) else {
                Issue.record("\(error) must prove nothing")
                continue
            }
            #expect(reason.contains("readiness: {owner: any}"))
        }
    }
}

extension ProbeVerdict {
    fileprivate var unreachable: String? {
        if case .unreachable(let reason) = self { reason } else { nil }
    }
}

extension ContainerStanding {
    fileprivate var unreachable: String? {
        if case .unreachable(let reason) = self { reason } else { nil }
    }
}
