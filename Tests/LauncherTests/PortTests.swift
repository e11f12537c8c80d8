import FoundationEssentials
import Glibc
import Launcher
import ModelCore
import Reconciler
import TestSupport
import Testing

@Suite("Ports")
struct PortTests {
    @Test(
        "a fixed port that a stranger listens on is refused, and the stranger is named",
        arguments: ["127.0.0.1", "0.0.0.0", "::"])
    func stranger(address: String) async throws {
        let scope = try LauncherScope()
        let held = try HeldPort(address)
        let failure = await #expect(throws: LoadFailure.self) {
            try await scope.reserve(scope.source("x") { $0.port = held.port })
        }
        #expect(failure?.classification == .retryable)
        #expect(
            failure?.message.contains("port \(held.port) is already in use by pid \(getpid()) (") == true,
            "\(failure?.message ?? "")")
    }

    @Test("localhost is every address that it stands for")
    func localhost() async throws {
        let scope = try LauncherScope()
        guard let held = try? HeldPort("::1") else { return }
        let addresses = try String(contentsOf: URL(filePath: "/etc/hosts"), encoding: .utf8)
        guard addresses.split(separator: "\n").contains(where: { $0.hasPrefix("::1") && $0.contains("localhost") })
        else { return }
        let failure = await #expect(throws: LoadFailure.self) {
            try await scope.reserve(
                scope.source("x") {
                    $0.port = held.port
                    $0.host = "localhost"
                })
        }
        #expect(failure?.message.contains("already in use") == true)
    }

    @Test("a server that has just ended does not keep its successor from its port")
    func timeWait() async throws {
        let scope = try LauncherScope()
        let (first, pid) = try await scope.launchStub()
        HeldPort.leaveTimeWait(port: first.port)
        kill(pid, SIGKILL)
        _ = await scope.runtime.exit(of: first)
        let second = try await scope.launch("\(LauncherScope.stub)") { $0.port = first.port }
        try await eventually("the successor listens") {
            await scope.log(second).contains { $0.hasPrefix("listening") }
        }
        _ = await scope.runtime.stop(second, grace: .seconds(30))
    }

    @Test("allocated ports are of the range, distinct, free and not leased")
    func allocated() async throws {
        let scope = try LauncherScope()
        let source = scope.source("x")
        var taken: Set<Int> = []
        for index in 0..<20 {
            let port = try await scope.runtime.reservePort(for: InstanceID("\(index)"), source: source, leased: taken)
            #expect(LauncherScope.ports.contains(port))
            #expect(taken.insert(port).inserted)
        }
    }

    @Test("a full range is a retryable failure that names it")
    func fullRange() async throws {
        let scope = try LauncherScope()
        let failure = await #expect(throws: LoadFailure.self) {
            try await scope.runtime.reservePort(
                for: InstanceID("x"), source: scope.source("x"), leased: Set(LauncherScope.ports))
        }
        #expect(failure?.classification == .retryable)
        #expect(failure?.message.contains("20000 and 29999") == true)
    }

    @Test(
        "a host that is none of ours is a terminal failure", arguments: ["192.0.2.1", "no such host"])
    func foreignHost(host: String) async throws {
        let scope = try LauncherScope()
        let failure = await #expect(throws: LoadFailure.self) {
            try await scope.reserve(
                scope.source("x") {
                    $0.port = 18999
                    $0.host = host
                })
        }
        #expect(failure?.message.contains(host) == true, "\(failure?.message ?? "")")
    }

    @Test("containers are refused for now")
    func containers() async throws {
        let scope = try LauncherScope()
        let source = SourceSpec.docker(DockerSpec(image: "x", container: ContainerSpec(containerPort: 1)))
        let failure = await #expect(throws: LoadFailure.self) { try await scope.reserve(source) }
        #expect(failure?.classification == .terminal)
    }
}
