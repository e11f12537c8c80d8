import Foundation
import Gateway
import ModelCore
import NIOSSL
import Reconciler
import Testing

/// HTTPS upstreams, and the verification of who they are.
@Suite struct TLSTests {
    /// For `localhost`, by nobody's authority but its own; good from 2020 to 2120. Protects nothing.
    private static let certificate = """
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

        """
    private static let key = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgBbdOPZHvoiRn2bF2
        IZXXr2qsRledlk7GZKnCF8uz28ShRANCAAShaQpkxcbLkt/eizbL+lksbFFTK8oG
        WPCCZ0dAKwTHxt2xRoxJjmQIYjKYhUYt2bqDMZfLwW2bNVXVF6ntPQ73
        -----END PRIVATE KEY-----

        """

    private func server() throws -> NIOSSLContext {
        let certificates = try NIOSSLCertificate.fromPEMBytes(Array(Self.certificate.utf8))
        let key = try NIOSSLPrivateKey(bytes: Array(Self.key.utf8), format: .pem)
        return try NIOSSLContext(
            configuration: .makeServerConfiguration(
                certificateChain: certificates.map { .certificate($0) }, privateKey: .privateKey(key)))
    }

    private func withAuthority(_ body: (String) async throws -> Void) async throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("gateway-\(UUID().uuidString).pem")
        try Data(Self.certificate.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        try await body(file.path)
    }

    @Test func aTrustedUpstreamIsAsked() async throws {
        let upstream = try await StubUpstream.start(tls: try server()) { .ok($0.body) }
        try await withAuthority { authority in
            try await withGateway(trustedAuthorities: authority, loops: 1) { gateway, _ in
                await gateway.publish([route(.remote, base: "https://localhost:\(upstream.port)")])
                let client = try await RawClient.connect(gateway.address.port)
                for body in ["one", String(repeating: "x", count: 300_000), ""] {
                    try await client.send(post(body))
                    #expect(try await client.response().body == body)
                }
                #expect(upstream.connections == 1)
                await client.close()
            }
        }
        await upstream.stop()
    }

    @Test func anUnknownAuthorityIsRefused() async throws {
        let upstream = try await StubUpstream.start(tls: try server())
        try await withGateway { gateway, _ in
            await gateway.publish([route(.remote, base: "https://localhost:\(upstream.port)")])
            let answer = try await gateway.ask(post())
            #expect(answer.status == 502 && answer.body.contains("CERTIFICATE_VERIFY_FAILED"), "\(answer.body)")
            #expect(upstream.requests.isEmpty)
        }
        await upstream.stop()
    }

    @Test func aCertificateForAnotherNameIsRefused() async throws {
        let upstream = try await StubUpstream.start(tls: try server())
        try await withAuthority { authority in
            try await withGateway(trustedAuthorities: authority) { gateway, _ in
                await gateway.publish([route(.remote, base: "https://127.0.0.1:\(upstream.port)")])
                let answer = try await gateway.ask(post())
                #expect(answer.status == 502, "\(answer.body)")
                #expect(upstream.requests.isEmpty)
            }
        }
        await upstream.stop()
    }
}
