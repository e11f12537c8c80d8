/// Judges what was found on a host. Pure: the same snapshot has the same findings.
///
/// Only what an accepted model, or modelet itself, cannot do without is a failure.
struct DoctorReport {
    let snapshot: DoctorSnapshot

    var findings: [Finding] {
        [shim, kernel, ports, survival, directory, database] + daemon + docker + logins + aws
    }

    // MARK: - The host

    private var host: DoctorSnapshot.Host { snapshot.host }

    private var shim: Finding {
        host.hasShim
            ? .ok("shim", host.shim)
            : .fail(
                "shim", "\(host.shim) is missing", "install modelet-shim beside modelet, or name it by MODELET_SHIM")
    }

    private var kernel: Finding {
        let name = "Linux \(host.kernel)"
        guard host.hasPidfd, host.canBeSubreaper else {
            let missing = host.hasPidfd ? "sub-reapers" : "pidfds"
            return .fail(
                "kernel", "\(name) has no \(missing)", "modelet needs Linux 5.3 or later, and no filter of calls")
        }
        let proof = host.hasPidfs ? "" : "; processes are told apart by pid and start time (pidfs needs 6.9)"
        return .ok("kernel", "\(name) has pidfds and sub-reapers\(proof)")
    }

    /// So few free ports that a start may soon find none.
    private static let fewPorts = 10

    private var ports: Finding {
        let range = "\(host.portRange.lowerBound)-\(host.portRange.upperBound)"
        let free = max(host.portRange.count - host.usedPorts, 0)
        let widen = "give `serve` a wider --port-range"
        if free == 0 { return .fail("ports", "none of \(range) is free", widen) }
        if host.portRange.overlaps(host.ephemeralPorts) {
            return .warn(
                "ports",
                "\(range) overlaps the ports that the kernel gives to any connection "
                    + "(\(host.ephemeralPorts.lowerBound)-\(host.ephemeralPorts.upperBound))",
                "give `serve` a --port-range below them")
        }
        if free < Self.fewPorts { return .warn("ports", "only \(free) of \(range) are free", widen) }
        return .ok("ports", "\(free) of \(range) are free")
    }

    private var survival: Finding {
        guard let threat = host.threat else { return .ok("survival", "models outlive modelet") }
        return .warn("survival", threat.message, threat.advice)
    }

    // MARK: - The state

    private var state: DoctorSnapshot.State { snapshot.state }

    /// Bytes; logs and the database grow.
    private static let littleSpace: Int64 = 256 * 1024 * 1024

    private var directory: Finding {
        if let obstacle = state.obstacle { return .fail("state", obstacle) }
        if let free = state.freeBytes, free < Self.littleSpace {
            return .warn("state", "\(state.directory) has only \(free / 1024 / 1024) MiB left", "free some space")
        }
        return .ok("state", "\(state.directory) can be written")
    }

    private var database: Finding {
        switch state.database {
        case .none: .ok("database", "none yet; `modelet serve` or `modelet apply` makes it")
        case .sound(let models): .ok("database", "sound; \(models) \(models == 1 ? "model" : "models") accepted")
        case .unusable(let reason): .fail("database", reason)
        }
    }

    private var daemon: [Finding] {
        switch state.daemon {
        case .notRunning: return [.ok("daemon", "not running")]
        case .silent(let pid, let reason):
            return [.fail("daemon", "modelet (pid \(pid)) holds the state, but does not answer: \(reason)")]
        case .running(let pid, let version, let gateway, let fault):
            let daemon = Finding.ok("daemon", "modelet \(version) is running (pid \(pid))")
            guard let fault else { return [daemon, .ok("gateway", "answers at \(gateway)")] }
            return [daemon, .fail("gateway", "does not answer at \(gateway): \(fault)")]
        }
    }
}
