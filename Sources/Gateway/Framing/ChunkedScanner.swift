/// Follows a chunked body (RFC 9112 §7.1) from byte to byte, to find its end and to refuse what is malformed.
///
/// A value without I/O that keeps no byte of the body: the bytes scanned can be passed on as they came. Chunk
/// extensions are let through in their simple form (`;name` or `;name=token`), trailers where they are well-formed
/// fields that say nothing about framing.
struct ChunkedScanner {
    enum Outcome: Equatable {
        /// Every byte belongs to the body, and the body goes on.
        case partial
        /// The body ends after `count` bytes.
        case complete(count: Int)
        case malformed
    }

    private enum State {
        case sizeStart, size, extensionNameStart, extensionName, extensionValueStart, extensionValue, sizeFeed
        case data, dataReturn, dataFeed
        case trailerStart, trailerName, trailerValue, trailerFeed, lastFeed
        case done, failed
    }

    private var state = State.sizeStart
    private var remaining = 0
    private var digits = 0
    private var extensionLength = 0
    private var trailerLength = 0
    private var trailerName: [UInt8] = []

    /// The longest chunk size read, in hexadecimal digits: 2^60 bytes.
    private static let mostSizeDigits = 15

    /// - Parameter onData: called with each range of `bytes` that is content rather than framing.
    @inline(__always)
    mutating func scan(_ bytes: UnsafeRawBufferPointer, onData: (Range<Int>) -> Void = { _ in }) -> Outcome {
        var index = 0
        while index < bytes.count {
            if state == .data {
                let count = min(remaining, bytes.count - index)
                onData(index..<(index + count))
                index += count
                remaining -= count
                if remaining == 0 { state = .dataReturn }
                continue
            }
            advance(bytes[index])
            index += 1
            if state == .failed { return .malformed }
            if state == .done { return .complete(count: index) }
        }
        return .partial
    }

    /// Takes one byte of framing.
    private mutating func advance(_ byte: UInt8) {
        switch state {
        case .sizeStart, .size: state = takeSize(byte)
        case .extensionNameStart, .extensionName, .extensionValueStart, .extensionValue:
            state = takeExtension(byte)
        case .sizeFeed:
            guard byte == ByteClass.lineFeed else { return state = .failed }
            state = remaining == 0 ? .trailerStart : .data
        case .dataReturn: state = byte == ByteClass.carriageReturn ? .dataFeed : .failed
        case .dataFeed:
            state = byte == ByteClass.lineFeed ? .sizeStart : .failed
            digits = 0
            extensionLength = 0
        case .trailerStart, .trailerName, .trailerValue: state = takeTrailer(byte)
        case .trailerFeed: state = byte == ByteClass.lineFeed ? .trailerStart : .failed
        case .lastFeed: state = byte == ByteClass.lineFeed ? .done : .failed
        case .data, .done, .failed: state = .failed
        }
    }

    private mutating func takeSize(_ byte: UInt8) -> State {
        if let value = ByteClass.hexValue(byte) {
            digits += 1
            guard digits <= Self.mostSizeDigits else { return .failed }
            remaining = remaining << 4 | Int(value)
            return .size
        }
        guard state == .size else { return .failed }
        switch byte {
        case ByteClass.carriageReturn: return .sizeFeed
        case UInt8(ascii: ";"): return .extensionNameStart
        default: return .failed
        }
    }

    private mutating func takeExtension(_ byte: UInt8) -> State {
        extensionLength += 1
        guard extensionLength <= Limits.longestChunkExtension else { return .failed }
        if ByteClass.isToken(byte) {
            return state == .extensionNameStart || state == .extensionName ? .extensionName : .extensionValue
        }
        switch (state, byte) {
        case (.extensionName, UInt8(ascii: "=")): return .extensionValueStart
        case (.extensionName, UInt8(ascii: ";")), (.extensionValue, UInt8(ascii: ";")): return .extensionNameStart
        case (.extensionName, ByteClass.carriageReturn), (.extensionValue, ByteClass.carriageReturn): return .sizeFeed
        default: return .failed
        }
    }

    private mutating func takeTrailer(_ byte: UInt8) -> State {
        trailerLength += 1
        guard trailerLength <= Limits.longestTrailers else { return .failed }
        switch state {
        case .trailerStart where byte == ByteClass.carriageReturn:
            return .lastFeed
        case .trailerStart where ByteClass.isToken(byte):
            trailerName = [byte]
            return .trailerName
        case .trailerName where ByteClass.isToken(byte):
            trailerName.append(byte)
            return .trailerName
        case .trailerName where byte == UInt8(ascii: ":"):
            return mayTrail() ? .trailerValue : .failed
        case .trailerValue where ByteClass.isFieldValue(byte):
            return .trailerValue
        case .trailerValue where byte == ByteClass.carriageReturn:
            return .trailerFeed
        default:
            return .failed
        }
    }

    /// Whether the field may come after the body: none that frames or routes a message, or says who sends it
    /// (RFC 9110 §6.5.1).
    private func mayTrail() -> Bool {
        trailerName.withUnsafeBytes { name in
            switch KnownField.named(name, from: 0, to: name.count) {
            case .host, .contentLength, .transferEncoding, .connection, .expect, .hopByHop, .upgrade, .authorization:
                false
            default: true
            }
        }
    }
}
