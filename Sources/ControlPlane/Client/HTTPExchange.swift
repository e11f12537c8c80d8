import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOSSL

/// One request and its answer, on a connection of its own.
///
/// Nothing is pooled: a command asks once or twice, and a pool would limit how many waits may be open at once, and
/// could find a connection to another daemon under the same address.
struct HTTPExchange {
    struct Reply {
        var status: Int
        var headers: HTTPHeaders
        var body: ByteBuffer
    }

    var method: HTTPMethod
    var url: String
    /// A JSON document.
    var body: ByteBuffer?
    /// A token, sent as `Authorization: Bearer`.
    var token: String?
    /// Whether a certificate is checked, where the URL is one of https.
    var verifiesCertificate = true
    /// How long the whole may take.
    var timeout: Duration
    /// The largest answer that is read, in bytes.
    var largestReply: Int

    /// How long a connection on this host may take to be made.
    private static let connectTimeout: TimeAmount = .seconds(10)

    func perform() async throws(ClientError) -> Reply {
        let limit = TimeAmount(timeout)
        var configuration = HTTPClient.Configuration()
        if !verifiesCertificate {
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.certificateVerification = .none
            configuration.tlsConfiguration = tls
        }
        configuration.redirectConfiguration = .disallow
        configuration.timeout.connect = min(Self.connectTimeout, limit)
        configuration.timeout.read = limit
        configuration.connectionPool.retryConnectionEstablishment = false
        do {
            return try await HTTPClient.withHTTPClient(configuration: configuration) { client in
                let response = try await client.execute(request, deadline: .now() + limit)
                let body = try await response.body.collect(upTo: largestReply)
                return Reply(status: Int(response.status.code), headers: response.headers, body: body)
            }
        } catch {
            throw ClientError(error)
        }
    }

    private var request: HTTPClientRequest {
        var request = HTTPClientRequest(url: url)
        request.method = method
        request.headers.add(name: "Connection", value: "close")
        if let token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(body)
        }
        return request
    }
}
