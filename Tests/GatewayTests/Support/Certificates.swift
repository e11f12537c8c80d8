import Foundation
import NIOSSL

/// A certificate for `localhost`, by nobody's authority but its own, and its key. They protect nothing.
struct TestCertificate: Sendable {
    let certificate: String
    let key: String

    /// A server that proves itself with it.
    func server() throws -> NIOSSLContext {
        let certificates = try NIOSSLCertificate.fromPEMBytes(Array(certificate.utf8))
        let key = try NIOSSLPrivateKey(bytes: Array(key.utf8), format: .pem)
        return try NIOSSLContext(
            configuration: .makeServerConfiguration(
                certificateChain: certificates.map { .certificate($0) }, privateKey: .privateKey(key)))
    }

    /// A client that trusts it.
    func client() throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(certificate.utf8)))
        return try NIOSSLContext(configuration: configuration)
    }

    /// Runs `body` with the paths of files that hold the certificate and the key.
    func withFiles(_ body: (_ certificate: String, _ key: String) async throws -> Void) async throws {
        let name = FileManager.default.temporaryDirectory.appendingPathComponent("gateway-\(UUID().uuidString)").path
        defer { for end in ["crt", "key"] { try? FileManager.default.removeItem(atPath: "\(name).\(end)") } }
        try Data(certificate.utf8).write(to: URL(fileURLWithPath: "\(name).crt"))
        try Data(key.utf8).write(to: URL(fileURLWithPath: "\(name).key"))
        try await body("\(name).crt", "\(name).key")
    }

    /// Good from 2020 to 2120.
    static let good = TestCertificate(
        certificate: """
            -----BEGIN CERTIFICATE-----
            MIIBYTCCAQegAwIBAgIBATAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlsb2NhbGhv
            c3QwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBQxEjAQBgNVBAMM
            CWxvY2FsaG9zdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABKFpCmTFxsuS396L
            Nsv6WSxsUVMrygZY8IJnR0ArBMfG3bFGjEmOZAhiMpiFRi3ZuoMxl8vBbZs1VdUX
            qe09DvejSDBGMBQGA1UdEQQNMAuCCWxvY2FsaG9zdDAPBgNVHRMBAf8EBTADAQH/
            MB0GA1UdDgQWBBT7ro9sStYmKzjwqFyJgFkm0egzOjAKBggqhkjOPQQDAgNIADBF
            AiEAmeZWStD9cX/Tqk3Nbi5KlobhGGrhBeiWoKRC/9sbp4sCIEBhxXwR0uSmGBxa
            qKIpvozq8sHnfOMNdJJm6J3qwAdq
            -----END CERTIFICATE-----

            """,
        key: """
            -----BEGIN PRIVATE KEY-----
            MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgBbdOPZHvoiRn2bF2
            IZXXr2qsRledlk7GZKnCF8uz28ShRANCAAShaQpkxcbLkt/eizbL+lksbFFTK8oG
            WPCCZ0dAKwTHxt2xRoxJjmQIYjKYhUYt2bqDMZfLwW2bNVXVF6ntPQ73
            -----END PRIVATE KEY-----

            """)

    /// Good from 2020 to 2021.
    static let expired = TestCertificate(
        certificate: """
            -----BEGIN CERTIFICATE-----
            MIIBXjCCAQWgAwIBAgIBATAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlsb2NhbGhv
            c3QwHhcNMjAwMTAxMDAwMDAwWhcNMjEwMTAxMDAwMDAwWjAUMRIwEAYDVQQDDAls
            b2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASppevSR9a+jQtiHHeb
            TcWjmO1n5PnlBl0+S9iF9/iCmuJpEyB2Xkc0oCv3sNbpdMOTOolx7V81wSAxkZWm
            4btLo0gwRjAUBgNVHREEDTALgglsb2NhbGhvc3QwDwYDVR0TAQH/BAUwAwEB/zAd
            BgNVHQ4EFgQUH5q8OvODljEHkoKgSmUr7CuLTQ4wCgYIKoZIzj0EAwIDRwAwRAIg
            LkWcriT3zxuYgn4aWFf+s75A4oVlei73pSxEW24PguACIFG4hqerVr7kcCoSYHSX
            Z5NHm/N5rre5sDcf4cuuFD9+
            -----END CERTIFICATE-----

            """,
        key: """
            -----BEGIN PRIVATE KEY-----
            MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgkVTLLbtc2xcmCybv
            seqmkL8z8G5nCPEM+b7lXq0HXa2hRANCAASppevSR9a+jQtiHHebTcWjmO1n5Pnl
            Bl0+S9iF9/iCmuJpEyB2Xkc0oCv3sNbpdMOTOolx7V81wSAxkZWm4btL
            -----END PRIVATE KEY-----

            """)
}
