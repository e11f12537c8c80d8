import ArgumentParser
import ModelCore
import StateStore

struct Status: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show every model: its state, its process, and why it is as it is.",
        discussion: "Reads the database itself, so it works while no modelet runs.")

    @OptionGroup var state: StateOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        guard let snapshot = try readState(state.directory) else {
            throw CommandFailure(StateReader(StateDirectory(state.directory)).nothingHere)
        }
        let now = SystemTime().now()
        switch output.format {
        case .table: StatusText(snapshot: snapshot, now: now).lines.forEach(Console.print)
        case .json: Console.print(output.document(StatusReport(snapshot, now: now)))
        }
    }
}

/// A status as people read it.
struct StatusText {
    let snapshot: StateSnapshot
    let now: Timestamp

    var lines: [String] {
        // Who runs no container need not look past an empty column.
        let hasContainers = snapshot.models.contains { $0.instances.contains { $0.containerID != nil } }
        let header = ["MODEL", "STATE", "PID", "PORT", "FOR", "LOAD", "MEMORY"] + (hasContainers ? ["CONTAINER"] : [])
        var table = Table(header + ["REASON"])
        for entry in snapshot.models {
            let condition = entry.condition(at: now)
            let instance = entry.instances.principal
            var cells = [
                entry.model.key.description, condition.state.rawValue,
                instance?.server.map { String($0.pid) } ?? "-", instance.map { String($0.port) } ?? "-",
                instance.map { age(since: $0.phaseSince) } ?? "-", entry.model.loads?.last.description ?? "-",
                entry.model.memory.map { ByteCount($0).description } ?? "-",
            ]
            if hasContainers { cells.append(instance?.shortContainerID ?? "-") }
            table.add(cells + [reason(of: entry, condition).printableLine])
        }
        let pins = snapshot.roots.compactMap { root in root.pin.map { PinText($0, root: root.path).sentence } }
        return [head.printable] + pins + [""]
            + (snapshot.models.isEmpty ? ["no models: `modelet apply DIR` defines some"] : table.lines)
            + snapshot.notAccepted.map(\.printable)
    }

    private var head: String {
        let roots = snapshot.roots.map { "\($0.path) (revision \($0.revision))" }.joined(separator: ", ")
        let controller =
            snapshot.controller.map { "modelet is running (pid \($0.pid))" }
            ?? "modelet is not running; this is what it left"
        return roots.isEmpty ? controller : "\(controller); manifests: \(roots)"
    }

    private func age(since time: Timestamp) -> String { SpokenTime(now: now).age(since: time) }

    /// Why it is as it is; of one that is loading, also how long that may take, and of one whose image has moved, that.
    private func reason(of entry: ModelSnapshot, _ condition: ModelCondition) -> String {
        var parts = [condition.reason].compactMap(\.self)
        if condition.state == .starting, let loads = entry.model.loads {
            parts.append("usually ready after \(loads.usual)")
        }
        if let drift = entry.drift { parts.append(drift.sentence) }
        if let held = entry.model.heldRemoval { parts.append(held.message) }
        if let fault = snapshot.fault(of: entry.model) {
            parts.append("\(fault.place) is broken: what it last defined stays enforced")
        }
        return parts.joined(separator: "; ")
    }
}

/// A status as programs read it.
private struct StatusReport: Encodable {
    struct Model: Encodable {
        var key: ModelKey
        var state: ModelState
        var reason: String?
        /// Where what serves is not what is wanted.
        var transition: Transition?
        var generation: Int
        /// Its loads that came to something; nothing where there was none.
        var loads: Loads?
        /// What its instance took when it was last measured.
        var memoryBytes: Int64?
        /// How far the fetching of its image is.
        var pull: PullProgress?
        /// Where the name of its image has come to stand for another one.
        var drift: DriftReport?
        /// The condition `RemovalHeld`.
        var removalHeld: HeldRemoval?
        /// What keeps the file that defines it from being accepted.
        var manifestFault: ManifestFault?
        var instances: [Instance]
        var lastFailure: Failure?
        var lastExit: ExitRecord?
    }

    struct Loads: Encodable {
        var count: Int
        var lastSeconds: Seconds
        /// A moving average.
        var usualSeconds: Seconds
    }

    struct Instance: Encodable {
        var id: InstanceID
        var phase: Phase
        var pid: Int32?
        var shimPid: Int32?
        var containerId: String?
        /// What the container was launched from.
        var image: String?
        var host: String
        var port: Int
        var address: String?
        var generation: Int
        /// The generation in whose place it was launched, since that had failed.
        var insteadOf: Int?
        var routed: Bool
        var adopted: Bool
    }

    struct Failure: Encodable {
        var message: String
        var isFinal: Bool
        var failures: Int
        var nextAttempt: Timestamp
        var log: [String]
    }

    var controllerPid: Int32?
    var stateUuid: String
    var roots: [RootReport]
    var models: [Model]

    init(_ snapshot: StateSnapshot, now: Timestamp) {
        controllerPid = snapshot.controller?.pid
        stateUuid = snapshot.uuid
        roots = snapshot.roots.map(RootReport.init)
        models = snapshot.models.map { entry in
            let condition = entry.condition(at: now)
            return Model(
                key: entry.model.key, state: condition.state, reason: condition.reason, transition: entry.transition,
                generation: entry.model.generation,
                loads: entry.model.loads.map {
                    Loads(count: $0.count, lastSeconds: $0.last, usualSeconds: $0.usual)
                }, memoryBytes: entry.model.memory, pull: entry.model.pull,
                drift: entry.drift.map { DriftReport(entry.model.key, $0) }, removalHeld: entry.model.heldRemoval,
                manifestFault: snapshot.fault(of: entry.model),
                instances: entry.instances.map(Instance.init),
                lastFailure: entry.model.backoff.map(Failure.init), lastExit: entry.lastExit)
        }
    }
}

extension StatusReport.Instance {
    fileprivate init(_ instance: InstanceRecord) {
        self.init(
            id: instance.id, phase: instance.phase, pid: instance.server?.pid, shimPid: instance.shim?.pid,
            containerId: instance.containerID, image: instance.image, host: instance.host, port: instance.port,
            address: instance.address, generation: instance.generation, insteadOf: instance.insteadOf,
            routed: instance.isRouted, adopted: instance.adopted)
    }
}

extension StatusReport.Failure {
    fileprivate init(_ backoff: Backoff) {
        self.init(
            message: backoff.lastFailure.message, isFinal: backoff.lastFailure.classification == .terminal,
            failures: backoff.failures, nextAttempt: backoff.nextAttempt, log: backoff.lastFailure.exit?.logTail ?? [])
    }
}
