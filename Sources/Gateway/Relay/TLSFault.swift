import Glibc
import NIOCore
import NIOSSL

/// Why TLS with an upstream could not be agreed on, in words that follow the name of the upstream.
struct TLSFault: Error {
    let sentence: String

    /// `nil` where the error has nothing to do with the handshake.
    /// - Parameter channel: the connection on which it has just come up.
    init?(_ error: any Error, on channel: any Channel) {
        switch error {
        case let error as NIOSSLExtraError where error == .failedToValidateHostname:
            sentence = "cannot be trusted: its certificate is for another name"
        case NIOSSLError.handshakeFailed(let reason):
            let detail = "\(reason)"
            if detail.contains("CERTIFICATE_VERIFY_FAILED") {
                sentence =
                    "cannot be trusted: \(Self.why(try? channel.pipeline.syncOperations.nioSSL_peerCertificate()))"
            } else if detail.contains("WRONG_VERSION_NUMBER") || detail.contains("HTTP_REQUEST") {
                sentence = "does not speak TLS: \(detail)"
            } else {
                sentence = "could not agree on TLS: \(detail)"
            }
        default:
            return nil
        }
    }

    private static func why(_ certificate: NIOSSLCertificate?) -> String {
        let now = time(nil)
        if let certificate, certificate.notValidAfter < now { return "its certificate has expired" }
        if let certificate, certificate.notValidBefore > now { return "its certificate is not valid yet" }
        return "nobody whom this host trusts vouches for its certificate (CERTIFICATE_VERIFY_FAILED)"
    }
}
