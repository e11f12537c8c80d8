import Glibc
import Launcher
import Logging
import Manifests
import ModelCore
import Probes
import Reconciler
import StateStore

/// How the parts are put together, for `serve` and for `shutdown` without a daemon.
struct Parts {
    let opened: OpenedState
    let portRange: ClosedRange<Int>
    let logger: Logger
    /// How many files a model server may have open; `nil`: as many as this program.
    var descriptorLimit: DescriptorLimit?

    /// Ports that are allocated come from here: below the kernel's own ephemeral ports.
    static let standardPortRange = 20000...29999

    func controller(routes: any RouteTable, limits: HostLimits) throws -> Controller {
        let time = SystemTime()
        let processes = ProcessRuntime(
            shim: try Self.shim(), runDirectory: opened.directory.run, portRange: portRange,
            stateUUID: opened.store.uuid, descriptorLimit: descriptorLimit, now: { time.now() })
        let manifests = DirectoryManifests()
        let parts = Controller.Parts(
            store: opened.store,
            runtime: { source in
                switch source {
                case .localArtifact: processes
                case .docker, .ecr: nil
                }
            },
            prober: ReadinessProber(), routes: routes, manifests: manifests,
            obstacle: { source, root in Self.obstacle(to: source, in: manifests.artifactRoots(of: root)) },
            pruneFiles: { await processes.prune(keeping: $0) }, time: time, logger: logger)
        return Controller(parts, limits: limits)
    }

    /// What the disk says against a launch, as opposed to the text of the manifest.
    private static func obstacle(to source: SourceSpec, in roots: ArtifactRoots) -> String? {
        guard case .localArtifact(let spec) = source else { return nil }
        do throws(ArtifactPathError) {
            _ = try roots.check(path: spec.path)
            return nil
        } catch {
            return [error.message, error.hint].compactMap(\.self).joined(separator: "; ")
        }
    }

    /// The launcher that outlives the daemon: beside this program, unless the environment says otherwise.
    private static func shim() throws -> String {
        let path = environment("MODELET_SHIM") ?? ownDirectory() + "/modelet-shim"
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
