internal import Glibc
internal import ModelCore
internal import ProcFS

/// Looks at a host path that is to be mounted, as the rules of this host want it: reads the disk.
///
/// Gets an absolute path, and whether the manifest opens the engine's socket; returns the path without symbolic links,
/// which is then mounted.
package typealias VolumeCheck =
    @Sendable (_ path: String, _ opensSocket: Bool) throws(ContainerOrderError) -> String

extension ContainerOrder.Mount {
    /// The volumes of a container, as they are on the disk now, sorted. What is mounted is what was looked at: a symbolic
    /// link that is changed afterwards leads nowhere else.
    static func all(
        of spec: ContainerSpec, sockets: EngineSockets, check: VolumeCheck?
    ) throws(ContainerOrderError) -> [ContainerOrder.Mount] {
        var mounts: [ContainerOrder.Mount] = []
        for (path, text) in (spec.volumes ?? [:]).sorted(by: { $0.key < $1.key }) {
            let target = VolumeTarget(text)
            let source = if let check { try check(path, spec.dockerSocket ?? false) } else { try resolve(path) }
            if spec.dockerSocket != true,
                let access = sockets.access(throughResolved: source, resolve: { try? resolve($0) })
            {
                throw ContainerOrderError(
                    "volumes: \(path) gives access to \(access.socket), the socket of a container engine, and with it to the whole "
                        + "host; say `docker_socket: true` if that is meant")
            }
            mounts.append(
                ContainerOrder.Mount(source: source, target: target.path, readOnly: target.isReadOnly))
        }
        return mounts
    }

    private static func resolve(_ path: String) throws(ContainerOrderError) -> String {
        guard let resolved = realpath(path, nil) else {
            let code = errno
            throw ContainerOrderError(
                code == ENOENT
                    ? "volumes: \(path) does not exist; it is mounted, never created"
                    : "volumes: \(path) cannot be mounted: \(systemMessage(code))")
        }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
