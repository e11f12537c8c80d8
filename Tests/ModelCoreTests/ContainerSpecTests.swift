import Foundation
import ModelCore
import Testing

/// The fields that open what is closed for containers by default.
struct ContainerSpecTests {
    private static func spec(_ edit: (inout ContainerSpec) -> Void) -> ContainerSpec {
        var spec = ContainerSpec(containerPort: 80)
        edit(&spec)
        return spec
    }

    private static let fields: [(String, ContainerSpec)] = [
        ("privileged: (not set) → true", spec { $0.privileged = true }),
        ("new_privileges: (not set) → true", spec { $0.newPrivileges = true }),
        ("pids_limit: (not set) → 64", spec { $0.pidsLimit = .count(64) }),
        ("pids_limit: (not set) → unlimited", spec { $0.pidsLimit = .unlimited }),
        ("docker_socket: (not set) → true", spec { $0.dockerSocket = true }),
        ("init: (not set) → false", spec { $0.initProcess = false }),
        ("capabilities_add.0: (not set) → CHOWN", spec { $0.addedCapabilities = ["CHOWN"] }),
    ]

    private func sources(_ container: ContainerSpec) -> [SourceSpec] {
        [
            .docker(DockerSpec(image: "i", container: container)),
            .ecr(ECRSpec(repository: "i", container: container)),
        ]
    }

    @Test(arguments: fields)
    func eachIsARunFieldAndKept(change: String, spec: ContainerSpec) throws {
        for (old, new) in zip(sources(ContainerSpec(containerPort: 80)), sources(spec)) {
            #expect(old.runFields != new.runFields)
            #expect(fieldChanges(from: old, to: new).map(\.description).filter { !$0.hasSuffix("[]") } == [change])
            let text = try JSONEncoder().encode(new)
            #expect(try JSONDecoder().decode(SourceSpec.self, from: text) == new)
        }
    }

    @Test func howAnImageIsObtainedIsNoMatterOfWhatRuns() {
        for (old, new) in zip(
            sources(ContainerSpec(containerPort: 80)),
            sources(
                Self.spec {
                    $0.pull = .always
                    $0.startupDelay = 5
                }))
        {
            #expect(old != new)
            #expect(old.runFields == new.runFields)
        }
        var login = DockerSpec(image: "i", container: ContainerSpec(containerPort: 80))
        login.registryAuth = "robot:${env:PASSWORD}"
        #expect(SourceSpec.docker(login).runFields == sources(ContainerSpec(containerPort: 80))[0].runFields)
    }

    /// What an earlier version has stored is what a manifest without these fields says: an upgrade restarts nothing.
    @Test func whatWasStoredBeforeIsUnchanged() throws {
        let stored = #"{"type":"docker","image":"i","container_port":80}"#
        let decoded = try JSONDecoder().decode(SourceSpec.self, from: Data(stored.utf8))
        #expect(decoded == .docker(DockerSpec(image: "i", container: ContainerSpec(containerPort: 80))))
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        #expect(
            String(decoding: try encoder.encode(decoded), as: UTF8.self)
                == #"{"container_port":80,"image":"i","type":"docker"}"#)
    }

    @Test(
        arguments: [
            ("all", GPURequest.all), ("1", .count(1)), ("device=0", .devices(["0"])),
            ("device=0,GPU-3a3b", .devices(["0", "GPU-3a3b"])), ("device=MIG-1/2/3", .devices(["MIG-1/2/3"])),
            ("", nil), ("0", nil), ("-1", nil), ("+1", nil), ("1025", nil), ("ALL", nil), ("device=", nil),
            ("device=0,", nil), ("device=0,0", nil), ("device=-0", nil), ("device=0 1", nil), ("count=2", nil),
        ] as [(String, GPURequest?)])
    func gpus(text: String, request: GPURequest?) {
        #expect(GPURequest(text) == request)
    }

    @Test(
        arguments: [
            ("SYS_NICE", "SYS_NICE"), ("CAP_SYS_NICE", "SYS_NICE"), ("cap_chown", "CHOWN"), ("all", "ALL"),
            ("NICE", nil), ("", nil), ("CAP_", nil), ("SYS-NICE", nil),
        ] as [(String, String?)])
    func capabilities(text: String, name: String?) {
        #expect(CapabilityName.normalized(text) == name)
    }

    @Test(
        arguments: [
            ("/run/docker.sock", "/run/docker.sock", true), ("/var/run/docker.sock", "/var/run/docker.sock", true),
            ("/", "/run/docker.sock", false), ("/run", "/run/docker.sock", false),
            ("/var", "/var/run/docker.sock", false), ("/run/podman", "/run/podman/podman.sock", false),
            ("/run/user/1000/docker.sock", "/run/user/*/docker.sock", true),
            ("/run/user/1000", "/run/user/*/docker.sock", false), ("/srv/own.sock", "/srv/own.sock", true),
            ("/srv", "/srv/own.sock", false), ("/run/user/1000/models", nil, false), ("/run/docker", nil, false),
            ("/srv/own.socket", nil, false), ("/models", nil, false), ("/run/docker.sock/x", nil, false),
        ] as [(String, String?, Bool)])
    func socketsOfEngines(path: String, socket: String?, isDirect: Bool) {
        let access = EngineSockets(["/srv/own.sock"]).access(through: path)
        #expect(access == socket.map { EngineSockets.Access(socket: $0, isDirect: isDirect) })
    }

    @Test func socketsBehindSymbolicLinksAreKnown() {
        let links = ["/srv/link/own.sock": "/real/own.sock"]
        let sockets = EngineSockets(["/srv/link/own.sock"])
        let access = EngineSockets.Access(socket: "/srv/link/own.sock", isDirect: false)
        #expect(sockets.access(throughResolved: "/real") { links[$0] } == access)
        #expect(sockets.access(throughResolved: "/other") { links[$0] } == nil)
    }
}
