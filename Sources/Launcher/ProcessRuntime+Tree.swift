internal import Glibc
internal import ModelCore
internal import Ports
internal import ProcFS
internal import Synchronization

/// Which instances' trees are to be recorded; a value.
struct TreeRecordings {
    private var due: [InstanceID: ProcessIdentity] = [:]
    private var isUnderWay = false

    /// The tree of an instance is recorded soon after its release or adoption, as most servers start their workers at
    /// once; then ever more seldom. What is missed costs only where a shim is killed.
    static let firstDistance = Duration.seconds(1)
    static let longestDistance = Duration.seconds(30)

    /// How long to wait for a recording that is to be made about `distance` after the last one.
    ///
    /// Those of all instances fall on the same moments, multiples of the distance, and so are made from one reading of
    /// `/proc`: with a reading for each, a hundred idle servers would cost a twentieth of a core.
    static func pause(about distance: Duration, uptime: Duration = uptime()) -> Duration {
        let (step, now) = (Int64(distance / .milliseconds(1)), Int64(uptime / .milliseconds(1)))
        let rest = step - now % step
        // Whoever wakes up a moment too early has been there.
        return .milliseconds(rest < step / 2 ? rest + step : rest)
    }

    private static func uptime() -> Duration {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }

    /// Returns whether the caller is to do it, as long as ``next()`` gives him something.
    mutating func add(_ id: InstanceID, _ shim: ProcessIdentity) -> Bool {
        due[id] = shim
        defer { isUnderWay = true }
        return !isUnderWay
    }

    /// All that came since the last call; `nil` where nothing did, and then whoever comes next does it.
    mutating func next() -> [InstanceID: ProcessIdentity]? {
        guard !due.isEmpty else {
            isUnderWay = false
            return nil
        }
        defer { due = [:] }
        return due
    }
}

/// Remembering which processes an instance has, for the case that its shim is killed. The runtime does so by itself while
/// somebody waits for the exit.
extension ProcessRuntime {
    /// At once: when it returns, it is done.
    func recordTree(of id: InstanceID, _ shim: Shim) async {
        let files = files(of: id)
        await blocking {
            guard let processes = try? ProcFS.processes() else { return }
            files.recordTree(of: shim.identity, in: ProcessForest(processes))
        }
    }

    /// Together with those of all instances whose time has come, too: one who comes first does it for all.
    func recordTreeWithOthers(of id: InstanceID, _ shim: Shim) async {
        guard recordings.withLock({ $0.add(id, shim.identity) }) else { return }
        await blocking { self.recordTreesThatAreDue() }
    }

    private func recordTreesThatAreDue() {
        // Those who wait for the same moment wake up one after the other.
        usleep(Self.gathering)
        while let due = recordings.withLock({ $0.next() }) {
            guard let processes = try? ProcFS.processes() else { continue }
            let forest = ProcessForest(processes)
            for (id, shim) in due { files(of: id).recordTree(of: shim, in: forest) }
        }
    }

    /// In microseconds.
    private static let gathering: useconds_t = 20_000
}
