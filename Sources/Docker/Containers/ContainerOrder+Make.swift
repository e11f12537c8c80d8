package import ModelCore
internal import ProcFS

extension ContainerOrder {
    /// Orders a container for an instance: looks up what its manifest only refers to.
    ///
    /// Blocks: reads the files that `environment` names, and looks at the volumes.
    /// - Parameters:
    ///   - state: the uuid of the state that the instance belongs to.
    ///   - image: what to run, as the engine knows it: `repository@sha256:…`, or an id.
    ///   - details: what the engine says of that image.
    ///   - inherited: the environment of the daemon, for `${env:…}`; a container gets nothing of it otherwise.
    ///   - sockets: where container engines listen on this host.
    ///   - volumes: checks what is mounted; `nil`: whatever there is, may be.
    ///   - engineHasInit: whether the engine can put its own init in front of the server.
    package static func make(
        for instance: InstanceRecord, state: String, image: String, of details: ImageDetails,
        inherited: [String: String], sockets: EngineSockets = .standard, volumes: VolumeCheck? = nil,
        engineHasInit: Bool = true
    ) throws(ContainerOrderError) -> ContainerOrder {
        guard let spec = instance.source.container else {
            throw ContainerOrderError("a source of the type \(instance.source.type) is no container")
        }
        return try ContainerOrder(
            instance, spec, state: state, image: image,
            environment: ContainerEnvironment.resolve(instance, spec, image: details, inherited: inherited),
            mounts: Mount.all(of: spec, sockets: sockets, check: volumes),
            hasInit: spec.initProcess ?? (engineHasInit && !FirstProcess(of: spec, in: details).isInit))
    }
}

/// What a server's environment has besides what its image declares.
enum ContainerEnvironment {
    /// Where a server has to listen in its container to be reached from outside of it.
    private static let everyAddress = "0.0.0.0"

    /// The values of the manifest, and `PORT` and `MODEL_KEY` where neither it nor the image declares them.
    static func resolve(
        _ instance: InstanceRecord, _ spec: ContainerSpec, image: ImageDetails, inherited: [String: String]
    ) throws(ContainerOrderError) -> [String: String] {
        let port = LaunchVariable.port.rawValue
        let key = LaunchVariable.modelKey.rawValue
        let provided = [
            port: "\(spec.containerPort)", LaunchVariable.host.rawValue: everyAddress, key: "\(instance.key)",
        ]
        var values: [String: String]
        do throws(DeclaredEnvironmentError) {
            values = try resolveEnvironment(
                spec.environment ?? [:], provided: provided, env: { inherited[$0] },
                file: { path throws(UnreadableFile) in try contents(of: path) })
        } catch {
            throw ContainerOrderError(error.message)
        }
        let declared = Set(image.environment.map { $0.prefix { $0 != "=" } })
        for name in [port, key] where values[name] == nil && !declared.contains(name[...]) {
            values[name] = provided[name]
        }
        return values
    }

    private static func contents(of path: String) throws(UnreadableFile) -> String {
        let limit = EnvironmentValue.longestFile
        do throws(SystemFailure) {
            let bytes = try readFile(path, limit: limit + 1)
            if bytes.count <= limit { return String(decoding: bytes, as: UTF8.self) }
        } catch {
            throw UnreadableFile(reason: systemMessage(error.code))
        }
        throw UnreadableFile(reason: "it is longer than \(limit) bytes")
    }
}

/// The program that is process 1 of a container, unless the engine puts an init in front of it.
///
/// The kernel keeps from process 1 every signal that it does not handle: a server that leaves TERM to its default would
/// be stopped only by KILL, `stop_timeout` later. And what its children leave behind becomes process 1's to reap. The
/// engine's init does both, so containers get it; but not in front of another init, of which some (s6) refuse to run as
/// anything but process 1.
struct FirstProcess {
    private let name: Substring

    /// By the name of the program, without its path. `init` is that of s6-overlay.
    private static let inits: Set<Substring> = [
        "init", "tini", "tini-static", "dumb-init", "docker-init", "catatonit", "s6-svscan", "systemd", "my_init",
        "runsvdir",
    ]

    init(of spec: ContainerSpec, in image: ImageDetails) {
        let program = image.entrypoint.first ?? spec.command?.first ?? image.command.first ?? ""
        name = program.split(separator: "/").last ?? ""
    }

    var isInit: Bool { Self.inits.contains(name) }
}
