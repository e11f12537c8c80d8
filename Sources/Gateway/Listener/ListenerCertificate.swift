import Glibc
import NIOCore
import NIOSSL

/// What the listener proves itself with to its clients: a certificate chain and its key, read from PEM files.
package struct ListenerCertificate: Sendable {
    let context: NIOSSLContext
    /// When the certificate expires, in seconds since 1970.
    private let notAfter: Int

    /// Reads both files; blocks while it does.
    /// - Parameters:
    ///   - certificate: the certificate, and behind it those that vouch for it.
    ///   - key: its private key, not encrypted.
    package init(certificate: String, key: String) throws(GatewayError) {
        let chain = try Self.read(certificate, "certificate") { try NIOSSLCertificate.fromPEMFile($0) }
        guard let own = chain.first else { throw .badCertificate("\(certificate) holds no certificate") }
        let privateKey = try Self.read(key, "private key") { try NIOSSLPrivateKey(file: $0, format: .pem) }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(privateKey))
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        do {
            context = try NIOSSLContext(configuration: configuration)
        } catch {
            throw .badCertificate("\(key) is not the key of the certificate in \(certificate)")
        }
        notAfter = own.notValidAfter
    }

    /// Whether clients will refuse it because its time is over.
    package var hasExpired: Bool { notAfter < time(nil) }

    private static func read<Result>(
        _ path: String, _ what: String, _ read: (String) throws -> Result
    ) throws(GatewayError) -> Result {
        guard access(path, R_OK) == 0 else {
            throw .badCertificate("cannot read \(path): \(String(cString: strerror(errno)))")
        }
        do {
            return try read(path)
        } catch {
            throw .badCertificate("\(path) is not a \(what) in PEM form")
        }
    }

    /// The handler that this certificate has put in front of a connection.
    static func handler(of channel: any Channel) -> ChannelHandlerContext? {
        try? channel.pipeline.syncOperations.context(handlerType: NIOSSLServerHandler.self)
    }
}
