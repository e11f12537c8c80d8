package import ModelCore
import NIOCore
import NIOHTTP1

/// Asks models through the gateway, for `modelet predict`.
package struct PredictionClient: Sendable {
    private let gateway: String

    /// The largest answer that is kept, in bytes; whoever needs more streams it with another tool.
    private static let largestReply = 64 * 1024 * 1024

    /// - Parameter gateway: `host:port`, as ``ControllerAbout/gateway`` says.
    package init(gateway: String) {
        self.gateway = gateway
    }

    /// Posts a JSON document to a model. An answer is an answer, whatever its status.
    /// - Parameters:
    ///   - body: the document, which is not looked at.
    ///   - timeout: for the whole, a cold start included.
    /// - Throws: ``ClientError/noDaemon`` where nothing listens, never ``ClientError/api(status:code:message:)``.
    package func predict(
        _ key: ModelKey, body: [UInt8], timeout: Duration = .seconds(3600)
    ) async throws(ClientError) -> Prediction {
        let exchange = HTTPExchange(
            method: .POST, url: "http://\(gateway)/orchestrator/\(key)", body: ByteBuffer(bytes: body),
            timeout: timeout, largestReply: Self.largestReply)
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
