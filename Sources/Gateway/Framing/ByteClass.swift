/// Classes of bytes in the grammar of HTTP/1.1 (RFC 9110 §5.6.2, RFC 9112).
enum ByteClass {
    static let space = UInt8(ascii: " ")
    static let tab = UInt8(ascii: "\t")
    static let carriageReturn = UInt8(ascii: "\r")
    static let lineFeed = UInt8(ascii: "\n")

    /// The bit of every `tchar` (``!#$%&'*+-.^_`|~``, digits, letters), for bytes 0–63 and 64–127.
    private static var tokenLow: UInt64 { 0x03ff_6cfa_0000_0000 }
    private static var tokenHigh: UInt64 { 0x57ff_ffff_c7ff_fffe }

    /// Whether the byte may stand in a method or in a field name.
    @inline(__always)
    static func isToken(_ byte: UInt8) -> Bool {
        if byte < 64 { return (tokenLow >> UInt64(byte)) & 1 == 1 }
        return byte < 128 && (tokenHigh >> UInt64(byte - 64)) & 1 == 1
    }

    /// Whether the byte may stand in a field value: visible, space, tab, or beyond ASCII.
    @inline(__always)
    static func isFieldValue(_ byte: UInt8) -> Bool {
        (byte >= 0x20 && byte != 0x7F) || byte == tab
    }

    /// Whether the byte is visible ASCII.
    @inline(__always)
    static func isVisible(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7F
    }

    /// Whether the byte may stand in a `Host`: visible, and none that would begin a path, a query or a user name.
    static func isAuthority(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#"), UInt8(ascii: "@"), UInt8(ascii: "\\"),
            UInt8(ascii: ","), UInt8(ascii: "\""), UInt8(ascii: "<"), UInt8(ascii: ">"):
            false
        default:
            isVisible(byte)
        }
    }

    @inline(__always)
    static func isDigit(_ byte: UInt8) -> Bool {
        byte &- UInt8(ascii: "0") < 10
    }

    /// The value of a hexadecimal digit; `nil` for any other byte.
    @inline(__always)
    static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

extension UnsafeRawBufferPointer {
    /// Whether the bytes from `start` to `end` are `text`, which is in lower case, whatever their case.
    ///
    /// Right for tokens only: it compares with bit 5 set, and no two token bytes of `a-z`, `0-9`, `-` share the rest.
    @inline(__always)
    func token(from start: Int, to end: Int, is text: StaticString) -> Bool {
        guard end - start == text.utf8CodeUnitCount else { return false }
        let expected = text.utf8Start
        for index in 0..<(end - start) where self[start + index] | 0x20 != expected[index] { return false }
        return true
    }
}
