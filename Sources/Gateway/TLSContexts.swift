import NIOSSL
import Synchronization

/// Makes the TLS set-up for HTTPS upstreams: once, and only if a route needs it, for it reads every authority that
/// the system trusts.
final class TLSContexts: Sendable {
    private let authorities: String?
    private let made = Mutex<NIOSSLContext?>(nil)

    /// - Parameter authorities: a PEM file of further authorities to trust.
    init(authorities: String?) {
        self.authorities = authorities
    }

    /// Certificates are verified, and so is the name in them. Blocks while it reads files, the first time.
    func context() throws -> NIOSSLContext {
        try made.withLock { made in
            if let made { return made }
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.applicationProtocols = ["http/1.1"]
            if let authorities { configuration.additionalTrustRoots = [.file(authorities)] }
            let context = try NIOSSLContext(configuration: configuration)
            made = context
            return context
        }
    }
}
