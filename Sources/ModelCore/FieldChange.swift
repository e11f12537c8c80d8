/// One field of a spec that differs between two versions of it, under the name that manifests use.
package struct FieldChange: Codable, Hashable, Sendable, CustomStringConvertible {
    package var field: String
    /// `nil`: the field was not given.
    package var old: String?
    package var new: String?

    package init(field: String, old: String?, new: String?) {
        self.field = field
        self.old = old
        self.new = new
    }

    package var description: String { "\(field): \(old ?? "(not set)") → \(new ?? "(not set)")" }
}

/// The fields in which two values differ, in alphabetical order. Values of the environment, and of headers that carry
/// credentials, are named, never shown.
package func fieldChanges(from old: some Encodable, to new: some Encodable) -> [FieldChange] {
    let before = FieldEncoder.fields(of: old)
    let after = FieldEncoder.fields(of: new)
    return Set(before.keys).union(after.keys).sorted().compactMap { field in
        guard before[field] != after[field] else { return nil }
        guard !isEnvironmentValue(field), !isCredential(field) else {
            return FieldChange(field: field, old: before[field].map { _ in "…" }, new: after[field].map { _ in "…" })
        }
        return FieldChange(field: field, old: before[field], new: after[field])
    }
}

/// `environment.NAME`, alone or within a source; not `inherit_environment`, which lists names.
private func isEnvironmentValue(_ field: String) -> Bool {
    field.hasPrefix("environment.") || field.contains(".environment.")
}

/// `headers.NAME` where the name says that the value is for nobody else's eyes.
private func isCredential(_ field: String) -> Bool {
    guard field.hasPrefix("headers.") else { return false }
    let name = field.lowercased()
    return ["auth", "cookie", "token", "secret", "key", "password"].contains { name.contains($0) }
}

/// Flattens an encodable value into `path.to.field: value`, for comparing and for showing.
private final class FieldEncoder: Encoder {
    private(set) var fields: [String: String] = [:]
    let codingPath: [any CodingKey] = []
    let userInfo: [CodingUserInfoKey: Any] = [:]

    static func fields(of value: some Encodable) -> [String: String] {
        let encoder = FieldEncoder()
        // Nothing in the containers below throws.
        try? value.encode(to: encoder)
        return encoder.fields
    }

    fileprivate func set(_ path: [String], _ value: String) {
        fields[path.dropLast().joined(separator: ".")] = nil
        fields[path.joined(separator: ".")] = value
    }

    /// Notes a container, which is a field of its own as long as nothing is in it.
    fileprivate func open(_ path: [String], _ empty: String) {
        if !path.isEmpty { set(path, empty) }
    }

    /// Whether a container at `path` was opened before, by another part of the same value, and filled.
    fileprivate func hasFields(below path: [String]) -> Bool {
        let prefix = path.joined(separator: ".") + "."
        return fields.keys.contains { $0.hasPrefix(prefix) }
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        Scope(encoder: self, path: []).container(keyedBy: type)
    }
    func unkeyedContainer() -> any UnkeyedEncodingContainer { Scope(encoder: self, path: []).unkeyedContainer() }
    func singleValueContainer() -> any SingleValueEncodingContainer { Scope(encoder: self, path: []) }

    /// An encoder for what lies at one path.
    private struct Scope: Encoder, SingleValueEncodingContainer {
        let encoder: FieldEncoder
        let path: [String]
        var codingPath: [any CodingKey] { [] }
        var userInfo: [CodingUserInfoKey: Any] { [:] }

        func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
            if !encoder.hasFields(below: path) { encoder.open(path, "{}") }
            return KeyedEncodingContainer(Keyed<Key>(encoder: encoder, path: path))
        }
        func unkeyedContainer() -> any UnkeyedEncodingContainer {
            encoder.open(path, "[]")
            return Unkeyed(encoder: encoder, path: path)
        }
        func singleValueContainer() -> any SingleValueEncodingContainer { self }

        func encodeNil() {}
        func encode<T: Encodable>(_ value: T) throws {
            if let text = value as? any CustomStringConvertible, Self.isScalar(value) {
                encoder.set(path, text.description)
            } else {
                try value.encode(to: self)
            }
        }

        static func isScalar(_ value: some Encodable) -> Bool {
            value is String || value is any BinaryInteger || value is any BinaryFloatingPoint || value is Bool
                || value is Seconds
        }
    }

    private struct Keyed<Key: CodingKey>: KeyedEncodingContainerProtocol {
        let encoder: FieldEncoder
        let path: [String]
        var codingPath: [any CodingKey] { [] }

        private func scope(_ key: any CodingKey) -> Scope { Scope(encoder: encoder, path: path + [key.stringValue]) }

        mutating func encodeNil(forKey key: Key) {}
        mutating func encode<T: Encodable>(_ value: T, forKey key: Key) throws { try scope(key).encode(value) }
        mutating func nestedContainer<Nested: CodingKey>(
            keyedBy type: Nested.Type, forKey key: Key
        ) -> KeyedEncodingContainer<Nested> {
            scope(key).container(keyedBy: type)
        }
        mutating func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
            scope(key).unkeyedContainer()
        }
        mutating func superEncoder() -> any Encoder { Scope(encoder: encoder, path: path) }
        mutating func superEncoder(forKey key: Key) -> any Encoder { scope(key) }
    }

    private struct Unkeyed: UnkeyedEncodingContainer {
        let encoder: FieldEncoder
        let path: [String]
        var codingPath: [any CodingKey] { [] }
        var count = 0

        private mutating func next() -> Scope {
            defer { count += 1 }
            return Scope(encoder: encoder, path: path + ["\(count)"])
        }

        mutating func encodeNil() { count += 1 }
        mutating func encode<T: Encodable>(_ value: T) throws { try next().encode(value) }
        mutating func nestedContainer<Nested: CodingKey>(
            keyedBy type: Nested.Type
        ) -> KeyedEncodingContainer<Nested> {
            next().container(keyedBy: type)
        }
        mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { next().unkeyedContainer() }
        mutating func superEncoder() -> any Encoder { next() }
    }
}
