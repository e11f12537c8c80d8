import Glibc
import TestSupport
import Testing

@testable import Docker

/// A `/proc` that a test writes, beside the engine's word.
@Suite("Whether the engine's containers are of this host")
struct SharedNamespacesTests {
    private static let id = String(repeating: "ab", count: 32)
    private let proc: TemporaryDirectory

    init() throws {
        proc = try TemporaryDirectory()
        try write("1 (init) S 0 1", to: "1/stat")
        mkdir(proc.path("self"), 0o700)
        try network("net:[1]", of: "self")
    }

    private func write(_ text: String, to path: String) throws {
        mkdir(proc.path(String(path.prefix { $0 != "/" })), 0o700)
        let file = try #require(fopen(proc.path(path), "w"))
        fputs(text, file)
        fclose(file)
    }

    private func network(_ name: String, of process: String) throws {
        mkdir(proc.path(process), 0o700)
        mkdir(proc.path("\(process)/ns"), 0o700)
        #expect(symlink(name, proc.path("\(process)/ns/net")) == 0)
    }

    private func verdict(pid: Int32? = 42, port: Int? = nil, listens: Bool? = true) -> String {
        var container = ContainerDetails.running(id: Self.id, pid: pid)
        if let port {
            container.publishedPorts = [
                PublishedPort(containerPort: 1, transport: "tcp", hostAddress: "127.0.0.1", hostPort: port)
            ]
        }
        let address = EngineAddress(socket: "/var/run/docker.sock")
        let proof = SharedNamespaces(engine: address, root: proc.path) { _ in listens }
        return switch proof.verdict(of: container) {
        case .shared: "shared"
        case .foreign(let sentence): "foreign: \(sentence)"
        case .unprovable(let sentence): "unprovable: \(sentence)"
        }
    }

    @Test(
        "a process in the container's control group is the container's",
        arguments: [
            "9:memory:/docker/ID\n0::/docker/ID\n", "0::/system.slice/docker-ID.scope\n",
            "0::/libpod_parent/libpod-ID\n", "0::/machine.slice/libpod-ID.scope/container\n", "0::/../ID\n",
        ])
    func controlGroup(text: String) throws {
        try write("42 (serve) S 40 42", to: "42/stat")
        try write(text.replacing("ID", with: Self.id), to: "42/cgroup")
        #expect(verdict() == "shared")
    }

    @Test("where there are no control groups, the mounts tell")
    func mounts() throws {
        try write("42 (serve) S 40 42", to: "42/stat")
        try write("0::/\n", to: "42/cgroup")
        try write("1 2 8:1 /var/lib/docker/containers/\(Self.id)/hosts /etc/hosts rw\n", to: "42/mountinfo")
        #expect(verdict() == "shared")
    }

    @Test("a pid that we do not have, or that is another's, is one of elsewhere")
    func foreign() throws {
        #expect(verdict().hasPrefix("foreign: the engine at unix:///var/run/docker.sock does not run"))
        #expect(verdict().contains("docker context use default"))
        try write("42 (sshd) S 1 42", to: "42/stat")
        try write("0::/system.slice/ssh.service\n", to: "42/cgroup")
        try write("1 2 8:1 / / rw\n", to: "42/mountinfo")
        #expect(verdict().hasPrefix("foreign: "))
    }

    @Test("what cannot be read proves nothing")
    func unprovable() throws {
        #expect(verdict(pid: nil).hasPrefix("unprovable: "))
        // Without control groups, and with mounts that only root may read.
        try write("42 (serve) S 40 42", to: "42/stat")
        try write("0::/\n", to: "42/cgroup")
        #expect(verdict().hasPrefix("unprovable: "))
        unlink(proc.path("1/stat"))
        #expect(verdict().contains("hidepid"))
    }

    @Test("ports that nobody holds here, of a container that is kept in another network, are another's")
    func network() throws {
        try write("42 (a) b) S 40 42", to: "42/stat")
        try write("0::/docker/\(Self.id)\n", to: "42/cgroup")
        try network("net:[2]", of: "40")
        #expect(verdict(port: 8000, listens: false).contains("another network namespace"))
        // A rootless engine has a network of its own, and publishes on ours.
        #expect(verdict(port: 8000, listens: true) == "shared")
        #expect(verdict(port: 8000, listens: nil) == "shared")
        #expect(verdict() == "shared")
    }

    @Test("ports that nobody holds yet, of a container that is kept in our network, are ours")
    func ownNetwork() throws {
        try write("42 (serve) S 40 42", to: "42/stat")
        try write("0::/docker/\(Self.id)\n", to: "42/cgroup")
        #expect(verdict(port: 8000, listens: false) == "shared")
        try network("net:[1]", of: "40")
        #expect(verdict(port: 8000, listens: false) == "shared")
    }

    @Test("a container that ended while it was looked at proves nothing", arguments: [true, false])
    func ended(isGone: Bool) async throws {
        try await withStub { _, reply in
            try await reply.answer(isGone ? 404 : 200, #"{"Id":"x","State":{"Status":"exited","Pid":0}}"#)
        } _: { engine, _ in
            let verdict = try await engine.sharesNamespaces(with: .running(id: Self.id, pid: Int32.max))
            guard case .unprovable = verdict else {
                Issue.record("\(verdict)")
                return
            }
        }
    }

    @Test("one that goes on and is none of ours is another's")
    func goesOn() async throws {
        try await withStub { _, reply in
            try await reply.answer(200, #"{"Id":"\#(Self.id)","State":{"Status":"running","Pid":\#(Int32.max)}}"#)
        } _: { engine, _ in
            let verdict = try await engine.sharesNamespaces(with: .running(id: Self.id, pid: Int32.max))
            guard case .foreign = verdict else {
                Issue.record("\(verdict)")
                return
            }
        }
    }
}

extension ContainerDetails {
    static func running(id: String, pid: Int32?) -> ContainerDetails {
        ContainerDetails(
            id: id, name: "n", labels: [:], state: .running, pid: pid, exitCode: 0, isOutOfMemory: false, error: "",
            publishedPorts: [], imageID: "", image: "", restartCount: 0)
    }
}
