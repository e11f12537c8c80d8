internal import Synchronization

/// Values as they were decoded from the same text before: of a thousand rows, few change from one look to the next.
final class DecodedTexts<Value: Decodable & Sendable>: Sendable {
    private let values = Mutex<[String: Value]>([:])

    /// How many are kept: many times the models of one host. Beyond that all are forgotten, and decoded again as they are
    /// asked for.
    private static var most: Int { 20_000 }

    /// Decodes canonical JSON.
    func value(from text: String) throws -> Value {
        if let known = values.withLock({ $0[text] }) { return known }
        let value: Value = try CanonicalJSON.value(from: text)
        values.withLock { values in
            if values.count >= Self.most { values = [:] }
            values[text] = value
        }
        return value
    }
}
