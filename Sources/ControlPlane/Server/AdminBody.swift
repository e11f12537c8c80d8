import FoundationEssentials
import HTTPTypes
import Hummingbird
import NIOCore

/// The body of a request: a JSON object whose every field is known.
protocol AdminBody: Codable, Sendable {
    associatedtype CodingKeys: CodingKey & CaseIterable
}

/// The largest body that is read, in bytes: a path of 4096 bytes, escaped, and some room.
private let largestBody = 64 * 1024

/// The longest name of who asks, in bytes; it is shown on one line.
private let longestName = 256

extension RequestBody {
    /// Reads the whole body; an empty one is an object without fields.
    /// - Throws: ``RequestFault`` that says which field is wrong, and how.
    func decode<Body: AdminBody>(_ type: Body.Type) async throws -> Body {
        let bytes: ByteBuffer
        do {
            bytes = try await collect(upTo: largestBody)
        } catch is NIOTooManyBytesError {
            throw RequestFault.bodyTooLarge(limit: largestBody)
        }
        let data = bytes.readableBytes == 0 ? Data("{}".utf8) : Data(bytes.readableBytesView)
        do {
            try refuseUnknownFields(in: data, of: type)
            return try JSONDecoder().decode(type, from: data)
        } catch let error as DecodingError {
            throw RequestFault.badBody(sentence(for: error))
        }
    }
}

private func refuseUnknownFields<Body: AdminBody>(in data: Data, of type: Body.Type) throws {
    let known = Body.CodingKeys.allCases.map(\.stringValue)
    let given = try JSONDecoder().decode([String: Anything].self, from: data).keys
    guard let unknown = given.filter({ !known.contains($0) }).min() else { return }
    let list = known.map { "`\($0)`" }.joined(separator: ", ")
    throw RequestFault.badBody("unknown field `\(unknown)`; the fields are \(list)")
}

/// Any JSON value, not looked at.
private struct Anything: Decodable {
    init(from decoder: any Decoder) {}
}

private func sentence(for error: DecodingError) -> String {
    switch error {
    case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
        guard let field = context.codingPath.last else { return "the body must be a JSON object" }
        return "field `\(field.stringValue)` must be \(jsonName(of: type))"
    case .keyNotFound(let key, _):
        return "field `\(key.stringValue)` is missing"
    case .dataCorrupted(let context):
        guard let field = context.codingPath.last else { return "the body is not valid JSON" }
        return "field `\(field.stringValue)`: \(context.debugDescription)"
    @unknown default:
        return "the body is not as expected"
    }
}

private func jsonName(of type: any Any.Type) -> String {
    switch type {
    case is Bool.Type: "true or false"
    case is String.Type: "a string"
    case is Double.Type, is Int.Type: "a number"
    default: "a \(type)"
    }
}

/// Who asks, as `status` and the journal will show it.
struct Requester {
    let name: String

    /// Who it is where the request does not say.
    static let unnamed = "the admin API"

    init<Keys: CodingKey>(_ container: KeyedDecodingContainer<Keys>, _ field: Keys) throws {
        name = try container.decodeIfPresent(String.self, forKey: field) ?? Self.unnamed
        let isPlain = name.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
        guard (1...longestName).contains(name.utf8.count), isPlain else {
            let message = "field `\(field.stringValue)` must be one line of 1 to \(longestName) bytes"
            throw RequestFault.badBody(message)
        }
    }
}

/// An answer with a JSON body, with stable order of fields and a final newline for terminals.
func json(_ value: some Encodable, _ status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]) throws -> Response {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var body = ByteBuffer(bytes: try encoder.encode(value))
    body.writeStaticString("\n")
    var headers = headers
    headers[.contentType] = "application/json"
    return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: body))
}
