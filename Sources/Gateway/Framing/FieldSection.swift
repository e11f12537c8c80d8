/// The header fields of one message, and what they say about its framing and its connection.
struct FieldSection {
    enum Fault: Equatable {
        case malformedField
        case tooManyFields
        case badContentLength
        case repeatedContentLength
        case repeatedTransferEncoding
        case repeatedHost
    }

    enum TransferCoding: Equatable {
        case absent
        case chunked
        /// Something else, or something besides.
        case unsupported
    }

    private(set) var fields: [HeaderField] = []
    /// The ``KnownField/bit`` of every known field that occurs.
    private(set) var present: UInt32 = 0
    private(set) var contentLength: Int?
    private(set) var transferCoding = TransferCoding.absent
    /// `Connection: close`.
    private(set) var closes = false
    /// `Connection: keep-alive`.
    private(set) var keepsAlive = false
    /// Names that `Connection` declares to be for this hop only.
    private(set) var namedByConnection: [Range<Int>] = []

    func has(_ field: KnownField) -> Bool { present & field.bit != 0 }

    func first(_ field: KnownField) -> HeaderField? {
        has(field) ? fields.first { $0.name == field } : nil
    }

    mutating func reset() {
        fields.removeAll(keepingCapacity: true)
        namedByConnection.removeAll(keepingCapacity: true)
        present = 0
        contentLength = nil
        transferCoding = .absent
        closes = false
        keepsAlive = false
    }

    /// Adds the field in the line from `start` up to its CRLF at `end`.
    mutating func add(_ bytes: UnsafeRawBufferPointer, from start: Int, to end: Int) -> Fault? {
        guard let field = HeaderField.parse(bytes, from: start, to: end) else { return .malformedField }
        guard fields.count < Limits.mostFields else { return .tooManyFields }
        if field.name != .other, let fault = note(field, in: bytes) { return fault }
        fields.append(field)
        return nil
    }

    private mutating func note(_ field: HeaderField, in bytes: UnsafeRawBufferPointer) -> Fault? {
        let repeated = has(field.name)
        present |= field.name.bit
        switch field.name {
        case .contentLength:
            if repeated { return .repeatedContentLength }
            contentLength = Self.hasTabs(bytes, around: field) ? nil : Self.length(bytes, field.value)
            return contentLength == nil ? .badContentLength : nil
        case .transferEncoding:
            if repeated { return .repeatedTransferEncoding }
            let value = field.value
            let isChunked = bytes.token(from: value.lowerBound, to: value.upperBound, is: "chunked")
            transferCoding = isChunked && !Self.hasTabs(bytes, around: field) ? .chunked : .unsupported
            return nil
        case .host:
            return repeated ? .repeatedHost : nil
        case .connection:
            noteConnection(bytes, field.value)
            return namedByConnection.count > Limits.mostConnectionOptions ? .malformedField : nil
        default:
            return nil
        }
    }

    /// Whether there are tabs around the value. Some servers take them for a part of it, so that a field that frames
    /// the message would mean one thing here and another thing there.
    private static func hasTabs(_ bytes: UnsafeRawBufferPointer, around field: HeaderField) -> Bool {
        bytes[Int(field.nameEnd)..<Int(field.valueStart)].contains(ByteClass.tab)
            || bytes[Int(field.valueEnd)..<Int(field.end)].contains(ByteClass.tab)
    }

    /// The longest `Content-Length` read, in digits: what fits an `Int` whatever the digits are.
    private static let mostLengthDigits = 18

    private static func length(_ bytes: UnsafeRawBufferPointer, _ value: Range<Int>) -> Int? {
        guard (1...mostLengthDigits).contains(value.count) else { return nil }
        var length = 0
        for index in value {
            guard ByteClass.isDigit(bytes[index]) else { return nil }
            length = length * 10 + Int(bytes[index] - UInt8(ascii: "0"))
        }
        return length
    }

    private mutating func noteConnection(_ bytes: UnsafeRawBufferPointer, _ value: Range<Int>) {
        var start = value.lowerBound
        while start < value.upperBound {
            while start < value.upperBound, !ByteClass.isToken(bytes[start]) { start += 1 }
            var end = start
            while end < value.upperBound, ByteClass.isToken(bytes[end]) { end += 1 }
            guard end > start, namedByConnection.count <= Limits.mostConnectionOptions else { return }
            if bytes.token(from: start, to: end, is: "close") {
                closes = true
            } else if bytes.token(from: start, to: end, is: "keep-alive") {
                keepsAlive = true
            } else {
                namedByConnection.append(start..<end)
            }
            start = end
        }
    }

    /// Whether the sender would switch to another protocol: `Connection: upgrade`, and an `Upgrade` that says to which.
    func asksForUpgrade(_ bytes: UnsafeRawBufferPointer) -> Bool {
        has(.upgrade)
            && namedByConnection.contains { bytes.token(from: $0.lowerBound, to: $0.upperBound, is: "upgrade") }
    }

    /// Whether `Connection` names this field as one for this hop only.
    func isNamedByConnection(_ field: HeaderField, in bytes: UnsafeRawBufferPointer) -> Bool {
        guard !namedByConnection.isEmpty else { return false }
        let length = Int(field.nameEnd - field.start)
        return namedByConnection.contains { name in
            guard name.count == length else { return false }
            return (0..<length).allSatisfy {
                Self.lowercased(bytes[Int(field.start) + $0]) == Self.lowercased(bytes[name.lowerBound + $0])
            }
        }
    }

    static func lowercased(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }
}
