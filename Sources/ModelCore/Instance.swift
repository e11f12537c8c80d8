/// The name of one launch of a model server: a UUIDv7 in lower case, never used again.
package struct InstanceID: Hashable, Sendable, Codable, CustomStringConvertible {
    package let text: String

    package init(_ text: String) {
        self.text = text
    }

    package init(from decoder: any Decoder) throws {
        text = try decoder.singleValueContainer().decode(String.self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }

    package var description: String { text }
}

/// Where an instance is in its life: `intent → gated → starting → ready ⇄ unready → draining → stopping → exited`.
package enum Phase: String, Codable, Hashable, Sendable, CaseIterable {
    /// Recorded; nothing of it exists yet.
    case intent
    /// Its shim or container exists and is recorded, but has not been let go.
    case gated
    /// Let go; not yet ready.
    case starting
    case ready
    /// Was ready; its readiness probe fails now.
    case unready
    /// Has no route any more; requests in flight may finish.
    case draining
    case stopping
    case exited
    /// Known to be gone, though nobody saw how: after a reboot, or where the tree was proved empty.
    case lost

    /// Whether something of the instance may still run.
    package var isLive: Bool { self != .exited && self != .lost }

    /// Whether the instance is the current one of its model, rather than one on its way out. At most one instance of
    /// a (key, generation, replica) is.
    package var isCurrent: Bool {
        switch self {
        case .intent, .gated, .starting, .ready, .unready: true
        case .draining, .stopping, .exited, .lost: false
        }
    }
}

/// Everything that together proves that a process is the one recorded, and not a later one that was given its pid.
package struct ProcessIdentity: Codable, Hashable, Sendable {
    /// `/proc/sys/kernel/random/boot_id`.
    package var bootID: String
    package var pid: Int32
    /// Field 22 of `/proc/PID/stat`: clock ticks from boot to the start of the process.
    package var startTicks: UInt64
    /// The inode of `/proc/PID/ns/pid`: a pid means something only within it.
    package var pidNamespace: UInt64
    /// The inode of a pidfd on it, unique for one boot; `nil` where the kernel has no pidfs (before 6.9).
    package var pidfdInode: UInt64?

    package init(bootID: String, pid: Int32, startTicks: UInt64, pidNamespace: UInt64, pidfdInode: UInt64?) {
        self.bootID = bootID
        self.pid = pid
        self.startTicks = startTicks
        self.pidNamespace = pidNamespace
        self.pidfdInode = pidfdInode
    }
}

/// The model server itself, as its shim reports it: the pid that people see.
package struct ServerProcess: Codable, Hashable, Sendable {
    package var pid: Int32
    package var startTicks: UInt64

    package init(pid: Int32, startTicks: UInt64) {
        self.pid = pid
        self.startTicks = startTicks
    }
}

/// One launch of a model server, as the database keeps it.
package struct InstanceRecord: Hashable, Sendable {
    package let id: InstanceID
    package let key: ModelKey
    package let generation: Int
    /// 0 today; a model has one replica.
    package let replica: Int
    /// How many launches of this generation there were before this one.
    package let attempt: Int
    package var phase: Phase
    /// When ``phase`` was entered.
    package var phaseSince: Timestamp
    /// The run fields that it was launched with.
    package let source: SourceSpec
    /// Whether this program found it already running when it started.
    package var adopted = false
    package var shim: ProcessIdentity?
    package var server: ServerProcess?
    package var containerID: String?
    /// What a container is run from, as it was fixed at launch: `repository@sha256:…`, or the id of an image that only
    /// this host knows, `sha256:…`. `nil` for a process.
    package var image: String?
    /// Which engine has its container; recorded with ``containerID``, and never changed. `nil` for a process, and where an
    /// earlier version launched it.
    package var engine: EngineIdentity?
    /// The generation in whose place it was launched, since that had failed; `nil` for one that is launched because it is
    /// wanted.
    package var insteadOf: Int?
    /// As the manifest names it.
    package var host: String
    package var port: Int
    /// The numeric address on which the instance was proved to answer; what the gateway connects to.
    package var address: String?
    package let createdAt: Timestamp
    /// When it was let go: the start of a load.
    package var startedAt: Timestamp?
    /// When it was first ready.
    package var readyAt: Timestamp?
    /// Whether predictions are routed to it.
    package var isRouted = false
    /// Why it is being drained or stopped.
    package var stopCause: String?
    /// Set while its identity can be neither proved nor disproved: why. It is then neither signalled nor replaced.
    package var unknownReason: String?
    package var exit: ExitRecord?

    package init(
        id: InstanceID, key: ModelKey, generation: Int, replica: Int = 0, attempt: Int, source: SourceSpec,
        host: String, port: Int, createdAt: Timestamp
    ) {
        self.id = id
        self.key = key
        self.generation = generation
        self.replica = replica
        self.attempt = attempt
        phase = .intent
        phaseSince = createdAt
        self.source = source
        self.host = host
        self.port = port
        self.createdAt = createdAt
    }
}

extension [InstanceRecord] {
    /// Of a model's live instances, oldest first, the one that people mean: what serves, else what is to stay, else what
    /// is still there.
    package var principal: InstanceRecord? {
        first(where: \.isRouted) ?? last(where: \.phase.isCurrent) ?? last
    }
}
