import Docker
import Glibc

/// Why model servers would not outlive this process, although they are made to: whoever ends it ends them too.
enum SurvivalThreat: Hashable, Sendable {
    /// PID 1 of a container: with it the kernel ends every process of the container.
    case isInit
    /// A unit of systemd whose manager kills whatever is left of it.
    case unit(String, killMode: String)
    /// A unit of which it cannot be told.
    case unprovable(unit: String)

    /// A sentence.
    var message: String {
        switch self {
        case .isInit:
            "modelet is PID 1 of its container: when it ends, however it does, the kernel ends every model with it"
        case .unit(let unit, let mode):
            "systemd ends every model when modelet ends: \(unit) has KillMode=\(mode)"
        case .unprovable(let unit):
            "it cannot be told whether systemd ends every model when modelet ends (`systemctl show -p KillMode \(unit)`)"
        }
    }

    /// What to do.
    var advice: String {
        switch self {
        case .isInit: "run modelet on the host, or accept that models are loaded anew"
        case .unit(let unit, _), .unprovable(let unit):
            "set KillMode=process in its [Service] section (`systemctl edit \(unit)`), then `systemctl daemon-reload`"
        }
    }

    // MARK: - Judging

    /// A unit of systemd that a process belongs to, and whose manager that is.
    struct Unit: Hashable, Sendable {
        var name: String
        var isOfUser: Bool
    }

    /// The service that a process runs in, by its control group. `nil` for a login session and the like, where nothing
    /// is ended because one process is.
    /// - Parameter cgroup: `/proc/PID/cgroup`, of version 1 or 2.
    static func unit(cgroup: String) -> Unit? {
        for line in cgroup.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            // Version 2 has one line, `0::PATH`; in version 1 systemd has a hierarchy of its own.
            guard fields.count == 3, fields[0] == "0" && fields[1].isEmpty || fields[1] == "name=systemd" else {
                continue
            }
            let parts = fields[2].split(separator: "/")
            guard let last = parts.last, last.hasSuffix(".service") else { continue }
            // The user's manager is a service itself; what lies below it belongs to that manager.
            let isOfUser = parts.dropLast().contains { $0.hasPrefix("user@") && $0.hasSuffix(".service") }
            return Unit(name: String(last), isOfUser: isOfUser)
        }
        return nil
    }

    /// - Parameter killMode: as `systemctl` prints it; `nil` where that could not be asked.
    static func judge(pid: Int32, unit: Unit?, killMode: String?) -> SurvivalThreat? {
        if pid == 1 { return .isInit }
        guard let unit else { return nil }
        let mode = killMode?.split(whereSeparator: \.isWhitespace).first.map(String.init)
        switch mode {
        case "process", "none": return nil
        case let mode?: return .unit(unit.name, killMode: mode)
        case nil: return .unprovable(unit: unit.name)
        }
    }

    // MARK: - Looking

    /// What threatens the models of a modelet.
    /// - Parameter pid: its own, in its pid namespace.
    static func of(_ pid: Int32) async -> SurvivalThreat? {
        let unit = unit(cgroup: readSmallFile("/proc/\(pid)/cgroup") ?? "")
        guard pid != 1, let unit else { return judge(pid: pid, unit: unit, killMode: nil) }
        let manager = unit.isOfUser ? ["--user"] : []
        let mode = await OneShotAnswer.of(
            "systemctl", manager + ["show", "--property=KillMode", "--value", "--", unit.name],
            environment: environmentVariables)
        return judge(pid: pid, unit: unit, killMode: mode)
    }

    /// Bytes.
    private static let longestFile = 64 * 1024

    private static func readSmallFile(_ path: String) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: longestFile)
        let count = read(file, &bytes, bytes.count)
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
    }
}
