import Glibc
import Launcher
import Logging

/// How the files that this program may have open are shared out. Each client may take two: its own connection, and one
/// to its model.
struct DescriptorBudget {
    /// The limit that this program was started with, and that model servers get.
    let original: DescriptorLimit
    /// How many clients there is room for.
    let clients: Int

    /// Clients where nobody says how many: more than one host's models are likely to serve at once.
    static let mostClients = 10_000
    /// Descriptors that are not clients': the database, models, probes, event loops.
    private static let reserve: UInt64 = 256

    /// Raises the limit as far as it is needed and allowed.
    /// - Parameter wanted: clients; `nil`: ``mostClients``, or fewer.
    init(clients wanted: Int?, _ logger: Logger) {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        original = DescriptorLimit(soft: UInt64(limit.rlim_cur), hard: UInt64(limit.rlim_max))
        let needed = UInt64(wanted ?? Self.mostClients) * 2 + Self.reserve
        if limit.rlim_cur < needed {
            let before = limit.rlim_cur
            limit.rlim_cur = min(rlim_t(needed), limit.rlim_max)
            if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) != 0 { limit.rlim_cur = before }
        }
        let open = UInt64(limit.rlim_cur)
        let left = open - min(Self.reserve, open / 2)
        clients = Int(max(1, min(left / 2, UInt64(wanted ?? Self.mostClients))))
        if let wanted, clients < wanted {
            logger.warning(
                "fewer clients than asked for: raise the limit of open files",
                metadata: ["connections.asked": "\(wanted)", "connections.most": "\(clients)", "files": "\(open)"])
        }
    }
}
