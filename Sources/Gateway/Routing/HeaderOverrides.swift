/// The `headers` of a manifest, ready to be put into requests in place of the client's.
struct HeaderOverrides: Sendable {
    private struct Name: Sendable {
        var hash: UInt32
        var bytes: [UInt8]
    }

    /// The fields as lines, with their CRLF.
    private(set) var lines: [UInt8] = []
    /// The value of a `Host` that replaces the upstream's own.
    private(set) var host: String?
    /// The ``KnownField/bit`` of every known field among them.
    private(set) var known: UInt32 = 0
    /// Fields that were left out: malformed, or ones that frame the message.
    private(set) var refused: [String] = []
    private var names: [Name] = []

    init(_ headers: [String: String]) {
        for (name, value) in headers.sorted(by: { $0.key < $1.key }) {
            let line = Array("\(name): \(value)".utf8)
            let field = line.withUnsafeBytes { HeaderField.parse($0, from: 0, to: $0.count) }
            guard let field, Int(field.nameEnd) == name.utf8.count else {
                refused.append(name)
                continue
            }
            switch field.name {
            case .contentLength, .transferEncoding, .connection, .expect, .hopByHop, .upgrade:
                refused.append(name)
                continue
            case .host:
                host = value
            default:
                lines += line + [ByteClass.carriageReturn, ByteClass.lineFeed]
            }
            known |= field.name.bit
            names.append(Name(hash: field.hash, bytes: name.utf8.map(FieldSection.lowercased)))
        }
    }

    func has(_ field: KnownField) -> Bool { known & field.bit != 0 }

    /// Whether the manifest sets this field itself.
    @inline(__always)
    func replaces(_ field: HeaderField, in bytes: UnsafeRawBufferPointer) -> Bool {
        for name in names where name.hash == field.hash && Self.matches(name.bytes, field, bytes) { return true }
        return false
    }

    private static func matches(_ name: [UInt8], _ field: HeaderField, _ bytes: UnsafeRawBufferPointer) -> Bool {
        let start = Int(field.start)
        guard Int(field.nameEnd) - start == name.count else { return false }
        return name.indices.allSatisfy { FieldSection.lowercased(bytes[start + $0]) == name[$0] }
    }
}
