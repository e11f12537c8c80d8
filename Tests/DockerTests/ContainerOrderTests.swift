import Foundation
import ModelCore
import TestSupport
import Testing

@testable import Docker

/// What a container is created with, as the engine gets it.
@Suite("Orders for containers")
struct ContainerOrderTests {
    private func instance(_ source: SourceSpec) -> InstanceRecord {
        InstanceRecord(
            id: InstanceID("0190-i"), key: ModelKey(domain: "churn", source: "scorer", model: "default"),
            generation: 3, attempt: 0, source: source, host: "127.0.0.1", port: 8502,
            createdAt: Timestamp(milliseconds: 0))
    }

    private func order(
        image: ImageDetails = .bare, inherited: [String: String] = [:], sockets: EngineSockets = .standard,
        engineHasInit: Bool = true, _ edit: (inout ContainerSpec) -> Void = { _ in }
    ) throws -> ContainerOrder {
        var spec = ContainerSpec(containerPort: 8000)
        edit(&spec)
        return try ContainerOrder.make(
            for: instance(.docker(DockerSpec(image: "ml-model-service:latest", container: spec))), state: "s-t-a-t-e",
            image: "ml-model-service@sha256:0", of: image, inherited: inherited, sockets: sockets,
            engineHasInit: engineHasInit)
    }

    private func json(_ order: ContainerOrder) throws -> NSDictionary {
        let body = try JSONSerialization.jsonObject(with: JSONEncoder().encode(order))
        return try #require(body as? NSDictionary)
    }

    private func host(_ order: ContainerOrder) throws -> NSDictionary {
        try #require(try json(order)["HostConfig"] as? NSDictionary)
    }

    /// What is in every order's `HostConfig`, with `changes` put over it; `NSNull`: not there.
    private func hostConfig(_ changes: [String: Any] = [:]) -> NSDictionary {
        var fields: [String: Any] = [
            "PortBindings": ["8000/tcp": [["HostIp": "127.0.0.1", "HostPort": "8502"]]],
            "Mounts": [Any](), "CapDrop": ["ALL"], "CapAdd": [Any](), "SecurityOpt": ["no-new-privileges"],
            "Privileged": false, "PidsLimit": 4096, "ReadonlyRootfs": false, "Init": true, "NetworkMode": "bridge",
            "RestartPolicy": ["Name": "no"],
            "LogConfig": ["Type": "json-file", "Config": ["max-size": "10m", "max-file": "3"]],
        ]
        fields.merge(changes) { _, new in new }
        return fields as NSDictionary
    }

    @Test("the example of the user's document, whole")
    func documentExample() throws {
        let folder = try TemporaryDirectory()
        let order = try order {
            $0.pull = .missing
            $0.hostPort = 8502
            $0.environment = ["MODEL_PATH": "/app/models/model.pkl", "LOG_LEVEL": "INFO"]
            $0.volumes = [folder.path: "/app/models"]
            $0.startupDelay = 8
        }
        let expected: NSDictionary = [
            "Image": "ml-model-service@sha256:0",
            "Labels": [
                "modelet.state": "s-t-a-t-e", "modelet.instance": "0190-i", "modelet.model": "churn/scorer/default",
                "modelet.generation": "3", "modelet.run-hash": order.labels["modelet.run-hash"] ?? "",
            ],
            "Env": [
                "LOG_LEVEL=INFO", "MODEL_KEY=churn/scorer/default", "MODEL_PATH=/app/models/model.pkl", "PORT=8000",
            ],
            "ExposedPorts": ["8000/tcp": [String: Any]()],
            "HostConfig": hostConfig([
                "Mounts": [
                    [
                        "Type": "bind", "Source": realPath(folder.path), "Target": "/app/models", "ReadOnly": false,
                    ]
                ]
            ]),
        ]
        #expect(try json(order) == expected)
    }

    @Test("nothing is said of what no manifest gives, and all that could be closed is")
    func standard() throws {
        let order = try order()
        #expect(
            try Set(json(order).allKeys as? [String] ?? []) == ["Image", "Labels", "Env", "ExposedPorts", "HostConfig"])
        #expect(try host(order) == hostConfig())
    }

    @Test("the image's own entry point is kept, its command replaced")
    func command() throws {
        let order = try order {
            $0.command = ["serve", "--threads", "2"]
            $0.user = "1000:1000"
        }
        #expect(try json(order)["Cmd"] as? [String] == ["serve", "--threads", "2"])
        #expect(try json(order)["Entrypoint"] == nil)
        #expect(try json(order)["User"] as? String == "1000:1000")
    }

    private static func spec(_ edit: (inout ContainerSpec) -> Void) -> ContainerSpec {
        var spec = ContainerSpec(containerPort: 8000)
        edit(&spec)
        return spec
    }

    /// A manifest's field, and what it changes in the `HostConfig` of an order without it, as JSON.
    private static let fields: [(ContainerSpec, String)] = [
        (spec { $0.memory = 512 << 20 }, #"{"Memory": 536870912, "MemorySwap": 536870912}"#),
        (spec { $0.cpus = 0.5 }, #"{"NanoCpus": 500000000}"#),
        (spec { $0.cpus = 1.1 }, #"{"NanoCpus": 1100000000}"#),
        (spec { $0.shmSize = 1 << 30 }, #"{"ShmSize": 1073741824}"#),
        (spec { $0.readOnly = true }, #"{"ReadonlyRootfs": true}"#),
        (spec { $0.readOnly = false }, "{}"),
        (spec { $0.gpus = "all" }, #"{"DeviceRequests": [{"Count": -1, "Capabilities": [["gpu"]]}]}"#),
        (spec { $0.gpus = "2" }, #"{"DeviceRequests": [{"Count": 2, "Capabilities": [["gpu"]]}]}"#),
        (
            spec { $0.gpus = "device=0,GPU-3a" },
            #"{"DeviceRequests": [{"DeviceIDs": ["0", "GPU-3a"], "Capabilities": [["gpu"]]}]}"#
        ),
        (spec { $0.addedCapabilities = ["SYS_NICE", "CHOWN"] }, #"{"CapAdd": ["SYS_NICE", "CHOWN"]}"#),
        // All but what it is about stays closed.
        (spec { $0.privileged = true }, #"{"Privileged": true, "CapDrop": []}"#),
        (spec { $0.privileged = false }, "{}"),
        (spec { $0.newPrivileges = true }, #"{"SecurityOpt": []}"#),
        (spec { $0.newPrivileges = false }, "{}"),
        (spec { $0.pidsLimit = .count(64) }, #"{"PidsLimit": 64}"#),
        (spec { $0.pidsLimit = .unlimited }, #"{"PidsLimit": -1}"#),
        (spec { $0.initProcess = false }, #"{"Init": false}"#),
        (spec { $0.initProcess = true }, "{}"),
    ]

    @Test("each field changes what it is about and nothing else", arguments: fields)
    func field(spec: ContainerSpec, changes: String) throws {
        let order = try order { $0 = spec }
        let changes = try JSONSerialization.jsonObject(with: Data(changes.utf8)) as? [String: Any]
        #expect(try host(order) == hostConfig(#require(changes)))
    }

    @Test("an instance is published on its port of this host only")
    func published() throws {
        let order = try order { $0.containerPort = 80 }
        #expect(
            try host(order)["PortBindings"] as? NSDictionary
                == ["80/tcp": [["HostIp": "127.0.0.1", "HostPort": "8502"]]])
        #expect(try json(order)["ExposedPorts"] as? NSDictionary == ["80/tcp": [String: Any]()])
    }

    // MARK: Environment

    @Test("PORT and MODEL_KEY are given where neither the manifest nor the image has them")
    func providedVariables() throws {
        var image = ImageDetails.bare
        #expect(try order().environment == ["MODEL_KEY=churn/scorer/default", "PORT=8000"])
        image.environment = ["PATH=/bin", "PORT=9", "MODEL_KEY"]
        #expect(try order(image: image).environment == [])
        #expect(try order(image: image) { $0.environment = ["PORT": "1"] }.environment == ["PORT=1"])
    }

    @Test("references are resolved as for processes, and yield what is never read again")
    func references() throws {
        let folder = try TemporaryDirectory()
        try "s3cret ${PORT}\n".write(toFile: folder.path + "/token", atomically: true, encoding: .utf8)
        let environment = try order(inherited: ["KEY": "${HOST}", "OTHER": "x"]) {
            $0.environment = [
                "A": "${env:KEY}", "B": "Bearer ${file:\(folder.path)/token}", "C": "${HOST}:${PORT} ${MODEL_KEY} $$",
            ]
        }.environment
        #expect(
            environment == [
                "A=${HOST}", "B=Bearer s3cret ${PORT}", "C=0.0.0.0:8000 churn/scorer/default $",
                "MODEL_KEY=churn/scorer/default", "PORT=8000",
            ])
    }

    @Test(
        "what cannot be resolved is a sentence that names the variable",
        arguments: [
            ("${env:MISSING}", "environment: A: the variable MISSING is not set in the environment of modelet"),
            (
                "${file:/nowhere/x}",
                "environment: A: the file /nowhere/x cannot be read: No such file or directory"
            ),
            ("${MODEL_PATH}", "environment: A: nothing declares `MODEL_PATH`"),
        ])
    func unresolved(value: String, message: String) {
        #expect(throws: ContainerOrderError(message)) { try order { $0.environment = ["A": value] } }
    }

    // MARK: Volumes

    @Test("a symbolic link is mounted as what it is, and a missing path is never created")
    func volumes() throws {
        let folder = try TemporaryDirectory()
        try FileManager.default.createDirectory(
            atPath: folder.path + "/real", withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: folder.path + "/link", withDestinationPath: folder.path + "/real")
        let mounts = try order { $0.volumes = ["\(folder.path)/link": "/m:ro"] }.hostConfig.mounts
        #expect(
            mounts == [ContainerOrder.Mount(source: realPath(folder.path + "/real"), target: "/m", readOnly: true)])
        #expect(
            throws: ContainerOrderError(
                "volumes: \(folder.path)/gone does not exist; it is mounted, never created")
        ) { try order { $0.volumes = ["\(folder.path)/gone": "/m"] } }
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/gone"))
    }

    @Test("a link that leads out by now is refused, and one that is changed after the look leads nowhere else")
    func linkThatIsSwapped() throws {
        let outside = try TemporaryDirectory()
        let folder = try TemporaryDirectory()
        let root = realPath(folder.path)
        let (real, link) = (root + "/real", root + "/link")
        try FileManager.default.createDirectory(atPath: real, withIntermediateDirectories: true)
        let swap: @Sendable (String) -> Void = { target in
            unlink(link)
            symlink(target, link)
        }
        let check: VolumeCheck = { volume, _ throws(ContainerOrderError) in
            let found = URL(filePath: volume).resolvingSymlinksInPath().path(percentEncoded: false)
            guard found.hasPrefix(root) else { throw ContainerOrderError("\(volume) leads out") }
            swap("/")
            return found
        }
        swap(real)
        var spec = ContainerSpec(containerPort: 8000)
        spec.volumes = [link: "/m"]
        func sources() throws -> [String] {
            try ContainerOrder.Mount.all(of: spec, sockets: .standard, check: check).map(\.source)
        }
        #expect(try sources() == [real])
        swap(outside.path)
        #expect(throws: ContainerOrderError("\(link) leads out")) { try sources() }
    }

    @Test("no container gets the engine's socket unless its manifest says so", arguments: ["", "/engine.sock"])
    func engineSocket(below: String) throws {
        let folder = try TemporaryDirectory()
        try FileManager.default.createDirectory(
            atPath: folder.path + "/run", withIntermediateDirectories: true)
        #expect(FileManager.default.createFile(atPath: folder.path + "/run/engine.sock", contents: nil))
        try FileManager.default.createSymbolicLink(
            atPath: folder.path + "/link", withDestinationPath: folder.path + "/run")
        let sockets = EngineSockets(["\(folder.path)/link/engine.sock"])
        let volumes = ["\(folder.path)/run\(below)": "/engine"]
        let refused = #expect(throws: ContainerOrderError.self) {
            try order(sockets: sockets) { $0.volumes = volumes }
        }
        #expect(refused?.message.contains("engine.sock, the socket of a container engine") == true)
        let mounts = try order(sockets: sockets) {
            $0.volumes = volumes
            $0.dockerSocket = true
        }.hostConfig.mounts
        #expect(mounts.map(\.source) == [realPath(folder.path + "/run\(below)")])
    }

    // MARK: The first process

    @Test(
        "the engine's init is put in front of a server, and not of another init",
        arguments: [
            ([], ["python", "-m", "app"], nil, true),
            (["/usr/bin/tini", "--"], ["python"], nil, false),
            (["/init"], [], nil, false),
            (["python"], ["/init"], nil, true),
            ([], ["dumb-init", "python"], nil, false),
            ([], ["dumb-init", "python"], ["python"], true),
            (["/entrypoint.sh"], ["tini"], ["tini"], true),
        ] as [([String], [String], [String]?, Bool)])
    func initProcess(entrypoint: [String], command: [String], own: [String]?, hasInit: Bool) throws {
        var image = ImageDetails.bare
        image.entrypoint = entrypoint
        image.command = command
        #expect(try order(image: image) { $0.command = own }.hostConfig.initProcess == hasInit)
        #expect(try order(image: image, engineHasInit: false) { $0.command = own }.hostConfig.initProcess == false)
        #expect(try order(image: image) { $0.initProcess = true }.hostConfig.initProcess)
    }

    @Test("a process is no container")
    func processes() {
        #expect(throws: ContainerOrderError.self) {
            try ContainerOrder.make(
                for: instance(.localArtifact(LocalArtifactSpec(path: "/a", startupCommand: "a"))), state: "s",
                image: "i", of: .bare, inherited: [:])
        }
    }

    private func realPath(_ path: String) -> String {
        URL(filePath: path).resolvingSymlinksInPath().path(percentEncoded: false)
    }
}

extension ImageDetails {
    /// An image that says nothing of what its containers are to be.
    fileprivate static let bare = ImageDetails(
        id: "sha256:0", tags: [], repositoryDigests: [], labels: [:], environment: ["PATH=/bin"], entrypoint: [],
        command: ["serve"], workingDirectory: "", user: "", exposedPorts: [], hasHealthcheck: false,
        architecture: "amd64", operatingSystem: "linux", size: 0)
}
