extension Gateway {
    /// Where it listens.
    package struct Address: Hashable, Sendable, CustomStringConvertible {
        package let host: String
        package let port: Int

        package init(host: String, port: Int) {
            self.host = host
            self.port = port
        }

        package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
    }
}

/// What the gateway knows of an instance's requests.
package struct InstanceActivity: Hashable, Sendable {
    package var inFlight: Int
    /// Since a prediction last ended, well or badly; `nil` where none has.
    package var sinceLastAnswer: Duration?
}
