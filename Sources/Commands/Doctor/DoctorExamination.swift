import CLinux
import Docker
import Glibc
import ModelCore
import ProcFS
import Reconciler
import StateStore

/// Looks at a host for ``DoctorReport``. Every look is bounded in time; what cannot be seen is a finding, too.
struct DoctorExamination {
    /// Of the state; absolute.
    let directory: String
    let portRange: ClosedRange<Int>
    /// Whether AWS is looked at though no model needs it.
    let asksAWS: Bool
    let environment: [String: String]
    let home: String?

    var survey: CredentialSurvey { CredentialSurvey(environment: environment, home: home) }

    func snapshot() async -> DoctorSnapshot {
        var snapshot = DoctorSnapshot()
        let (stored, database) = readDatabase()
        let needs = DoctorSnapshot.Needs(stored?.models.map(\.model) ?? [])
        async let engine = engine(of: stored)
        async let aws = aws(needs)
        async let daemon = daemon()
        // Of the modelet that runs, else of one that would be started as this program was.
        let controller = StateLock.holder(at: StateDirectory(directory))?.pid
        async let threat = SurvivalThreat.of(controller ?? getpid())

        snapshot.needs = needs
        snapshot.host = host(instances: stored?.models.flatMap(\.instances) ?? [])
        snapshot.host.threat = await threat
        snapshot.logins = logins(needs)
        snapshot.state = DoctorSnapshot.State(
            directory: directory, obstacle: obstacle, freeBytes: freeBytes, database: database,
            daemon: await daemon)
        snapshot.engine = await engine
        snapshot.aws = await aws
        return snapshot
    }

    // MARK: - The host

    private func host(instances: [InstanceRecord]) -> DoctorSnapshot.Host {
        let shim = Parts.shimPath
        var name = utsname()
        uname(&name)
        let kernel = withUnsafeBytes(of: name.release) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        let pidfd = clinux_pidfd_open(getpid())
        defer { if pidfd >= 0 { close(pidfd) } }
        return DoctorSnapshot.Host(
            shim: shim, hasShim: access(shim, X_OK) == 0, kernel: kernel, hasPidfd: pidfd >= 0,
            hasPidfs: pidfd >= 0 && clinux_pidfd_inode(pidfd) != 0,
            // Of no consequence to a process without children of children.
            canBeSubreaper: clinux_become_subreaper() == 0, portRange: portRange,
            ephemeralPorts: EphemeralPorts.current(), usedPorts: usedPorts(instances), threat: nil)
    }

    private func usedPorts(_ instances: [InstanceRecord]) -> Int {
        let listening = (try? ProcFS.listeners(inNamespaceOf: getpid())).map { Array($0.keys) } ?? []
        return Set(listening + instances.map(\.port)).filter(portRange.contains).count
    }

    // MARK: - The state

    private func readDatabase() -> (StateSnapshot?, DoctorSnapshot.State.Database) {
        let reader = StateReader(StateDirectory(directory))
        do throws(StoreError) {
            guard let stored = try reader.snapshot() else { return (nil, .none) }
            try reader.check()
            return (stored, .sound(models: stored.models.count { !$0.model.isRemoved }))
        } catch {
            return (nil, .unusable(CommandFailure(error).message))
        }
    }

    /// Why the state directory cannot be written, or made.
    private var obstacle: String? {
        let place = nearestFolder
        var info = stat()
        guard stat(place, &info) == 0, info.st_mode & S_IFMT == S_IFDIR else { return "\(place) is no directory" }
        guard access(place, W_OK | X_OK) != 0 else { return nil }
        let reason = String(cString: strerror(errno))
        return place == directory
            ? "\(directory) cannot be written: \(reason)" : "\(directory) cannot be made in \(place): \(reason)"
    }

    private var freeBytes: Int64? {
        var info = statvfs()
        guard statvfs(nearestFolder, &info) == 0 else { return nil }
        return Int64(clamping: UInt64(info.f_bavail) * UInt64(info.f_frsize))
    }

    /// The state directory, or where it would be made.
    private var nearestFolder: String {
        var place = directory[...]
        while access(String(place), F_OK) != 0, errno == ENOENT, let slash = place.lastIndex(of: "/") {
            place = place[..<slash]
        }
        return place.isEmpty ? "/" : String(place)
    }
}

extension DoctorSnapshot.Needs {
    /// What these models need; those that are on their way out need nothing any more.
    init(_ models: [ModelRecord]) {
        for model in models where !model.isRemoved {
            let container: ContainerSpec
            switch model.spec.source {
            case .docker(let spec):
                container = spec.container
                // Those that bring their own login need none of the user's.
                if spec.registryAuth == nil, spec.container.pull != .never,
                    let image = try? ImageReference(spec.image)
                {
                    registries[image.registry] = min(registries[image.registry] ?? model.key, model.key)
                }
            case .ecr(let spec):
                container = spec.container
                ecr.append(ECR(key: model.key, registry: spec.registry, region: spec.region))
            case .localArtifact, nil: continue
            }
            containers.append(model.key)
            if container.gpus != nil { gpus.append(model.key) }
        }
    }
}
