package import ModelCore
import NIOCore
import NIOHTTP1

/// Asks models through the gateway, for `modelet predict`.
package struct PredictionClient: Sendable {
    private let gateway: String
    private let isTLS: Bool
    private let token: String?

    /// The largest answer that is kept, in bytes; whoever needs more streams it with another tool.
    private static let largestReply = 64 * 1024 * 1024

    /// - Parameters:
    ///   - gateway: `host:port`, as ``ControllerAbout/gateway`` says.
    ///   - isTLS: as ``ControllerAbout/gatewayIsTLS`` says.
    ///   - token: what opens the gateway, where something has to.
    package init(gateway: String, isTLS: Bool = false, token: String? = nil) {
        self.gateway = gateway
        self.isTLS = isTLS
        self.token = token
    }

    /// Posts a JSON document to a model. An answer is an answer, whatever its status.
    /// - Parameters:
    ///   - body: the document, which is not looked at.
    ///   - timeout: for the whole, a cold start included.
    /// - Throws: ``ClientError/noDaemon`` where nothing listens, never ``ClientError/api(status:code:message:)``.
    package func predict(
        _ key: ModelKey, body: [UInt8], timeout: Duration = .seconds(3600)
    ) async throws(ClientError) -> Prediction {
        var exchange = HTTPExchange(
            method: .POST, url: "\(isTLS ? "https" : "http")://\(gateway)/orchestrator/\(key)",
            body: ByteBuffer(bytes: body), timeout: timeout, largestReply: Self.largestReply)
        exchange.token = token
        // An address of this host's own, and not the name in the certificate; the daemon has said through its private
        // socket that it listens there.
        exchange.verifiesCertificate = false
        let reply = try await exchange.perform()
        let headers = reply.headers.map { ($0.name.lowercased(), $0.value) }
        return Prediction(
            status: reply.status, headers: Dictionary(headers) { first, _ in first },
            body: Array(reply.body.readableBytesView))
    }
}

package struct Prediction: Hashable, Sendable {
    package var status: Int
    /// The first value of each header, by its name in lower case: `x-modelet-served-by`, `retry-after`, …
    package var headers: [String: String]
    package var body: [UInt8]
}
