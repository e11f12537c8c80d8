import Docker
import Glibc
import Launcher
import Logging
import ModelCore
import Probes
import Reconciler
import StateStore

/// How the parts are put together, for `serve` and for `shutdown` without a daemon.
struct Parts {
    let opened: OpenedState
    let portRange: ClosedRange<Int>
    var rules = LaunchRules()
    let logger: Logger
    /// How many files a model server may have open; `nil`: as many as this program.
    var descriptorLimit: DescriptorLimit?

    /// Ports that are allocated come from here: below the kernel's own ephemeral ports.
    static let standardPortRange = 20000...29999

    /// - Parameter containers: from ``containers()``, and run beside the controller.
    func controller(
        routes: any RouteTable, limits: HostLimits, containers: any ContainerRuntime
    ) throws -> Controller {
        let time = SystemTime()
        let processes = ProcessRuntime(
            shim: try Self.shim(), runDirectory: opened.directory.run, portRange: portRange,
            stateUUID: opened.store.uuid, descriptorLimit: descriptorLimit, now: { time.now() })
        let parts = Controller.Parts(
            store: opened.store,
            runtime: { source in
                switch source {
                case .localArtifact: processes
                case .docker, .ecr: containers
                }
            },
            runtimes: [processes, containers], prober: ReadinessProber(), routes: routes, manifests: rules.manifests,
            obstacle: { [rules] source, root in rules.obstacle(to: source, root: root) },
            pruneFiles: { kept in
                await processes.prune(keeping: kept)
                await containers.prune(keeping: kept)
            }, time: time, logger: logger)
        return Controller(parts, limits: limits)
    }

    /// The launcher that outlives the daemon: beside this program, unless the environment says otherwise.
    static var shimPath: String { environment("MODELET_SHIM") ?? ownDirectory() + "/modelet-shim" }

    private static func shim() throws -> String {
        let path = shimPath
        guard access(path, X_OK) == 0 else {
            throw CommandFailure(
                "\(path) is missing: modelet-shim must lie beside modelet, or be named by MODELET_SHIM")
        }
        return path
    }

    private static func ownDirectory() -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        let path = String(decoding: buffer.prefix(max(count, 0)).map(UInt8.init(bitPattern:)), as: UTF8.self)
        return path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }
}
