/// Why the gateway cannot start.
package enum GatewayError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Another program listens there.
    case addressInUse(host: String, port: Int)
    /// This user may not listen there.
    case notPermitted(host: String, port: Int)
    /// A sentence that says what else is wrong with the address.
    case cannotListen(String)
    /// A sentence that says what is wrong with the certificate or its key.
    case badCertificate(String)

    package var description: String {
        switch self {
        case .addressInUse(let host, let port):
            "\(host):\(port) is in use by another program; choose another with --listen HOST:PORT"
        case .notPermitted(let host, let port):
            "this user may not listen on \(host):\(port); ports below 1024 need a privilege"
        case .cannotListen(let reason), .badCertificate(let reason): reason
        }
    }
}
