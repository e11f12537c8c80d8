/// The header fields that the gateway reads, sets or drops. The raw value is the bit in ``FieldSection/present``.
enum KnownField: UInt8 {
    case other
    case host, contentLength, transferEncoding, connection, expect
    /// Passed on only where both sides may switch protocols.
    case upgrade
    /// Fields of one hop only: dropped.
    case hopByHop
    case forwardedFor, forwardedProto, forwardedHost
    case requestID, traceparent
    case authorization
    /// `X-Modelet-…`, which only the gateway itself sets on a reply.
    case modelet

    var bit: UInt32 { 1 << UInt32(rawValue) }

    /// Which field the name in `bytes` from `start` to `end` is.
    static func named(_ bytes: UnsafeRawBufferPointer, from start: Int, to end: Int) -> KnownField {
        func matches(_ text: StaticString) -> Bool { bytes.token(from: start, to: end, is: text) }
        switch end - start {
        case 2: if matches("te") { return .hopByHop }
        case 4: if matches("host") { return .host }
        case 6: if matches("expect") { return .expect }
        case 7: if matches("upgrade") { return .upgrade }
        case 10:
            if matches("connection") { return .connection }
            if matches("keep-alive") { return .hopByHop }
        case 11: if matches("traceparent") { return .traceparent }
        case 12: if matches("x-request-id") { return .requestID }
        case 13: if matches("authorization") { return .authorization }
        case 14:
            if matches("content-length") { return .contentLength }
            if matches("http2-settings") { return .hopByHop }
        case 15: if matches("x-forwarded-for") { return .forwardedFor }
        case 16:
            if matches("proxy-connection") { return .hopByHop }
            if matches("x-forwarded-host") { return .forwardedHost }
        case 17:
            if matches("transfer-encoding") { return .transferEncoding }
            if matches("x-forwarded-proto") { return .forwardedProto }
        case 18: if matches("proxy-authenticate") { return .hopByHop }
        case 19: if matches("proxy-authorization") { return .hopByHop }
        default: break
        }
        if end - start > 10, bytes.token(from: start, to: start + 10, is: "x-modelet-") { return .modelet }
        return .other
    }
}

/// Where one header field lies in the bytes of its head.
struct HeaderField: Equatable {
    /// The name begins here; the line ends, CRLF included, at ``end``.
    var start: UInt32
    var nameEnd: UInt32
    /// The value, without the blanks around it.
    var valueStart: UInt32
    var valueEnd: UInt32
    var end: UInt32
    /// FNV-1a of the name in lower case, to compare names by before their bytes.
    var hash: UInt32
    var name: KnownField

    var value: Range<Int> { Int(valueStart)..<Int(valueEnd) }

    static let emptyHash: UInt32 = 2_166_136_261

    @inline(__always)
    static func hash(_ hash: UInt32, adding byte: UInt8) -> UInt32 {
        (hash ^ UInt32(byte | 0x20)) &* 16_777_619
    }

    /// Parses the line from `start` up to its CRLF at `end`. `nil` where it is not `name ":" value`: a name that is no
    /// token (an empty one, a blank before the colon, a folded line) or a value with a control character.
    static func parse(_ bytes: UnsafeRawBufferPointer, from start: Int, to end: Int) -> HeaderField? {
        var nameEnd = start
        var hash = emptyHash
        while nameEnd < end, ByteClass.isToken(bytes[nameEnd]) {
            hash = Self.hash(hash, adding: bytes[nameEnd])
            nameEnd += 1
        }
        guard nameEnd > start, nameEnd < end, bytes[nameEnd] == UInt8(ascii: ":") else { return nil }
        var valueStart = nameEnd + 1
        while valueStart < end, isBlank(bytes[valueStart]) { valueStart += 1 }
        var valueEnd = end
        while valueEnd > valueStart, isBlank(bytes[valueEnd - 1]) { valueEnd -= 1 }
        for index in valueStart..<valueEnd where !ByteClass.isFieldValue(bytes[index]) { return nil }
        return HeaderField(
            start: UInt32(start), nameEnd: UInt32(nameEnd), valueStart: UInt32(valueStart),
            valueEnd: UInt32(valueEnd), end: UInt32(end + 2), hash: hash,
            name: KnownField.named(bytes, from: start, to: nameEnd))
    }

    @inline(__always)
    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == ByteClass.space || byte == ByteClass.tab
    }
}
