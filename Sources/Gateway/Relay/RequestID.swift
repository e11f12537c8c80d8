import NIOCore

/// What `X-Request-Id` says of a request.
enum RequestID {
    /// As the client gave it: where it lies in the bytes of the head.
    case given(Range<Int>)
    /// Made here; written as 32 hexadecimal digits.
    case made(UInt64, UInt64)
}

/// Makes ids: unique, but no secret (SplitMix64 from a random seed).
struct RequestIDSource {
    private var state = UInt64.random(in: .min ... .max)

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// The id of a request: the client's own where it has a usable one.
    mutating func id(for head: RequestHead, in bytes: UnsafeRawBufferPointer) -> RequestID {
        if let field = head.section.first(.requestID), (1...Limits.longestRequestID).contains(field.value.count),
            field.value.allSatisfy({ ByteClass.isVisible(bytes[$0]) })
        {
            return .given(field.value)
        }
        return .made(next(), next() | 1)
    }
}

extension ByteBuffer {
    /// Writes a request id.
    /// - Parameter head: the bytes in which a given id lies.
    mutating func write(_ id: RequestID, head: UnsafeRawBufferPointer) {
        switch id {
        case .given(let range):
            writeBytes(UnsafeRawBufferPointer(rebasing: head[range]))
        case .made(let high, let low):
            writeHex(high)
            writeHex(low)
        }
    }

    /// Writes 16 hexadecimal digits.
    mutating func writeHex(_ value: UInt64) {
        writeWithUnsafeMutableBytes(minimumWritableBytes: 16) { target in
            for index in 0..<16 {
                let nibble = UInt8(truncatingIfNeeded: value >> UInt64(60 - 4 * index)) & 15
                target[index] = nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") - 10 + nibble
            }
            return 16
        }
    }
}
