/// The name of a model, unique on a host: `domain/source/model`.
package struct ModelKey: Hashable, Sendable {
    package let domain: String
    package let source: String
    package let model: String

    package init(domain: String, source: String, model: String) {
        self.domain = domain
        self.source = source
        self.model = model
    }

    /// Parses `domain/source/model`; `domain/source` means the model `default`. `nil` where an id is not valid.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard (2...3).contains(parts.count), parts.allSatisfy(Self.isValidID) else { return nil }
        self.init(domain: parts[0], source: parts[1], model: parts.count == 3 ? parts[2] : Self.defaultModel)
    }

    /// The model that a request means when it names only a domain and a source.
    package static let defaultModel = "default"

    /// The longest id of a domain, a source or a model, in bytes; with it a key fits one file name.
    package static let longestID = 63

    /// Whether `text` may name a domain, a source or a model: `[A-Za-z0-9][A-Za-z0-9._-]{0,62}`.
    package static func isValidID(_ text: String) -> Bool {
        guard (1...longestID).contains(text.utf8.count), let first = text.utf8.first else { return false }
        return isAlphanumeric(first) && text.utf8.allSatisfy { isAlphanumeric($0) || "._-".utf8.contains($0) }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default:
            false
        }
    }
}

extension ModelKey: CustomStringConvertible {
    package var description: String { "\(domain)/\(source)/\(model)" }
}

extension ModelKey: Comparable {
    package static func < (a: ModelKey, b: ModelKey) -> Bool {
        (a.domain, a.source, a.model) < (b.domain, b.source, b.model)
    }
}

extension ModelKey: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let key = ModelKey(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a model key: \(text)")
        }
        self = key
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
