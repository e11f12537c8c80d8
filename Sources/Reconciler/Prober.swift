package import ModelCore

/// Finds out whether an instance answers, and proves that it is the instance who answers.
package protocol Prober: Sendable {
    /// Asks once, bounded by the probe's own timeout.
    func probe(_ target: ProbeTarget) async -> ProbeVerdict
}

package struct ProbeTarget: Hashable, Sendable {
    /// As the manifest names it; every address that it resolves to is tried.
    package var host: String
    package var port: Int
    package var readiness: ReadinessSpec
    package var owner: ListenerOwner

    package init(host: String, port: Int, readiness: ReadinessSpec, owner: ListenerOwner) {
        self.host = host
        self.port = port
        self.readiness = readiness
        self.owner = owner
    }
}

/// Who must be listening for an answer to count.
package enum ListenerOwner: Hashable, Sendable {
    /// A process of the tree below `root`: the shim. Nobody, where there is none.
    case tree(root: Int32?)
    /// Whoever listens on `port` in the network namespace of `process`, the first process of a container. That the
    /// probed port is published from there has been proved; that it accepts proves nothing, for the engine's port proxy
    /// accepts before anything listens in the container.
    case container(process: Int32, port: Int)
}

package enum ProbeVerdict: Hashable, Sendable {
    /// It answered as expected, from a socket of our tree. `address` is numeric: `127.0.0.1`, `::1`.
    case ready(address: String)
    /// Our tree answered HTTP, but not with the expected status.
    case answered(status: Int, address: String)
    /// It listens, but where no request can reach it: on the loopback address of a container, or on another port than
    /// the published one. `reason` says what to change.
    case unreachable(reason: String)
    /// Nothing listens, the connection was refused, or the answer was no HTTP.
    case failed(reason: String)
    /// Our tree listens and accepted, but did not answer in time.
    case timedOut(address: String)
    /// Somebody else answers on that port. `reason` names the pid and the command.
    case stranger(reason: String)
    /// It cannot be told who answers. `reason` suggests `readiness: {owner: any}`.
    case unprovable(reason: String)
}
