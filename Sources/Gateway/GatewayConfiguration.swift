package import Logging
package import Reconciler

extension Gateway {
    package struct Configuration: Sendable {
        /// A name or a numeric address.
        package var host: String
        /// 0: any free one.
        package var port: Int
        /// Who is told that a cold model is wanted.
        package var demand: any DemandSink
        package var log: Logger
        /// Event loops, one thread each; `nil`: one a core.
        package var loops: Int?
        /// A PEM file of authorities that HTTPS upstreams may also be vouched for by; `nil`: the system's alone.
        package var trustedAuthorities: String?

        package init(host: String, port: Int, demand: any DemandSink, log: Logger) {
            self.host = host
            self.port = port
            self.demand = demand
            self.log = log
        }
    }

    /// Where it listens.
    package struct Address: Hashable, Sendable, CustomStringConvertible {
        package let host: String
        package let port: Int
        package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
    }
}

/// What the gateway knows of an instance's requests.
package struct InstanceActivity: Hashable, Sendable {
    package var inFlight: Int
    /// Since a prediction last ended, well or badly; `nil` where none has.
    package var sinceLastAnswer: Duration?
}
