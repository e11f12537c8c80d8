import Gateway
import ModelCore
import NIOCore
import NIOPosix
import NIOSSL
import Reconciler
import Testing

/// HTTPS upstreams, and the verification of who they are.
@Suite struct TLSTests {
    private func withAuthority(
        _ certificate: TestCertificate = .good, _ body: (String) async throws -> Void
    ) async throws {
        try await certificate.withFiles { file, _ in try await body(file) }
    }

    @Test func aTrustedUpstreamIsAsked() async throws {
        let upstream = try await StubUpstream.start(tls: try TestCertificate.good.server()) { .ok($0.body) }
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
        let upstream = try await StubUpstream.start(tls: try TestCertificate.good.server())
        try await withGateway { gateway, _ in
            await gateway.publish([route(.remote, base: "https://localhost:\(upstream.port)")])
            let answer = try await gateway.ask(post())
            #expect(answer.status == 502)
            #expect(answer.body.contains("nobody whom this host trusts vouches for its certificate"), "\(answer.body)")
            #expect(upstream.requests.isEmpty)
        }
        await upstream.stop()
    }

    @Test func aCertificateForAnotherNameIsRefused() async throws {
        let upstream = try await StubUpstream.start(tls: try TestCertificate.good.server())
        try await withAuthority { authority in
            try await withGateway(trustedAuthorities: authority) { gateway, _ in
                await gateway.publish([route(.remote, base: "https://127.0.0.1:\(upstream.port)")])
                let answer = try await gateway.ask(post())
                #expect(answer.status == 502)
                #expect(answer.body.contains("its certificate is for another name"), "\(answer.body)")
                #expect(upstream.requests.isEmpty)
            }
        }
        await upstream.stop()
    }

    @Test func anExpiredCertificateIsRefused() async throws {
        let upstream = try await StubUpstream.start(tls: try TestCertificate.expired.server())
        try await withAuthority(.expired) { authority in
            try await withGateway(trustedAuthorities: authority) { gateway, _ in
                await gateway.publish([route(.remote, base: "https://localhost:\(upstream.port)")])
                let answer = try await gateway.ask(post())
                #expect(answer.status == 502)
                #expect(answer.body.contains("its certificate has expired"), "\(answer.body)")
                #expect(upstream.requests.isEmpty)
            }
        }
        await upstream.stop()
    }

    @Test func anUpstreamWithoutTLSIsSaid() async throws {
        let upstream = try await StubUpstream.start { _ in .ok() }
        let talker = try await RawServer.start()
        try await withGateway { gateway, _ in
            await gateway.publish([route(.remote, base: "https://localhost:\(talker.port)")])
            async let answer = gateway.ask(post())
            let peer = try await talker.peer()
            try await peer.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            let said = try await answer
            #expect(said.status == 502 && said.body.contains("does not speak TLS"), "\(said.body)")
        }
        await talker.stop()
        await upstream.stop()
    }

    /// The name is said before TLS begins, so that a host with many names knows which is meant.
    @Test func theUpstreamIsToldWhichNameIsMeant() async throws {
        let upstream = try await RawServer.start()
        try await withGateway { gateway, _ in
            await gateway.publish([route(.remote, base: "https://localhost:\(upstream.port)")])
            let client = try await RawClient.connect(gateway.address.port)
            try await client.send(post())
            let peer = try await upstream.peer()
            try await peer.receive(upTo: "localhost")
            await client.close()
        }
        await upstream.stop()
    }
}
