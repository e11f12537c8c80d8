internal import NIOCore
internal import NIOHTTP1

/// One call to the engine.
struct EngineCall: Sendable {
    var method: HTTPMethod
    /// Begins with a slash; names in it are encoded.
    var path: String
    var query: [(name: String, value: String)] = []
    var headers: [(name: String, value: String)] = []
    /// A JSON document.
    var body: ByteBuffer?
    /// For the whole of it, or until the head of a stream is there.
    var timeout: Duration
    /// The largest answer that is read, in bytes.
    var largestReply = EngineCall.usualReply
    var version: APIVersion?

    /// An inspection is some 10 KiB, a list of a thousand containers with their labels 2 MiB.
    static let usualReply = 16 * 1024 * 1024

    func speaking(_ version: APIVersion) -> EngineCall {
        var call = self
        call.version = version
        return call
    }

    /// For messages: `POST /containers/create`. Without the query, which may hold what is nobody's business.
    var name: String { "\(method.rawValue) \(path)" }

    /// What is asked of the engine: path and query.
    var target: String {
        let path = (version.map { "/v\($0)" } ?? "") + path
        guard !query.isEmpty else { return path }
        return path + "?"
            + query.map { "\(percentEncoded($0.name))=\(percentEncoded($0.value))" }.joined(separator: "&")
    }
}

/// An answer that is there as a whole.
struct EngineReply: Sendable {
    var status: Int
    var headers: HTTPHeaders
    var body: ByteBuffer
}

/// Text as a part of a path or of a query spells it.
func percentEncoded(_ text: String) -> String {
    var encoded = ""
    for byte in text.utf8 {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
            encoded.unicodeScalars.append(UnicodeScalar(byte))
        default:
            encoded += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }
    }
    return encoded
}
