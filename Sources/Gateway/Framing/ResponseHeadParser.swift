/// Where the parts of a response head lie in its bytes, and what they mean.
struct ResponseHead {
    var status = 0
    /// From the first digit of the status to the end of the line, without its CRLF.
    var statusLine: Range<Int> = 0..<0
    var isHTTP11 = true
    var section = FieldSection()

    /// Whether another response follows on the connection, as far as the head tells.
    var keepsAlive: Bool { isHTTP11 ? !section.closes : section.keepsAlive && !section.closes }

    /// How the body is framed (RFC 9112 §6.3).
    func framing(toHead: Bool) -> MessageBody.Framing {
        if toHead || status < 200 || status == 204 || status == 304 { return .none }
        if section.transferCoding == .chunked { return .chunked }
        if let length = section.contentLength { return length == 0 ? .none : .length(length) }
        return .untilClose
    }
}

/// Reads response heads as strictly as ``RequestHeadParser`` reads requests, in the same manner.
struct ResponseHeadParser {
    enum Outcome: Equatable {
        case incomplete
        /// ``head`` is filled in; the body begins after `length` bytes.
        case complete(length: Int)
        /// Not HTTP/1.x, or framed in a way that two readers might understand differently.
        case malformed
    }

    private(set) var head = ResponseHead()
    private var lines = LineScanner()
    private var hasStatusLine = false

    /// Makes ready for the next head; keeps the memory.
    mutating func reset() {
        head.section.reset()
        lines = LineScanner()
        hasStatusLine = false
    }

    mutating func parse(_ bytes: UnsafeRawBufferPointer) -> Outcome {
        while true {
            switch lines.next(in: bytes) {
            case .incomplete:
                return bytes.count > Limits.longestHead ? .malformed : .incomplete
            case .bareLineFeed:
                return .malformed
            case .line(let start, let end):
                guard lines.position <= Limits.longestHead else { return .malformed }
                if !hasStatusLine {
                    guard readStatusLine(bytes, from: start, to: end) else { return .malformed }
                    hasStatusLine = true
                } else if start == end {
                    return isSound ? .complete(length: lines.position) : .malformed
                } else if head.section.add(bytes, from: start, to: end) != nil {
                    return .malformed
                }
            }
        }
    }

    private var isSound: Bool {
        switch head.section.transferCoding {
        case .absent: true
        case .chunked: head.section.contentLength == nil
        case .unsupported: false
        }
    }

    /// `HTTP/1.1 200 OK`; the reason may be missing, with or without the blank before it.
    private mutating func readStatusLine(_ bytes: UnsafeRawBufferPointer, from start: Int, to end: Int) -> Bool {
        guard end - start >= 12, bytes[start] == UInt8(ascii: "H"), bytes[start + 1] == UInt8(ascii: "T"),
            bytes[start + 2] == UInt8(ascii: "T"), bytes[start + 3] == UInt8(ascii: "P"),
            bytes[start + 4] == UInt8(ascii: "/"), bytes[start + 5] == UInt8(ascii: "1"),
            bytes[start + 6] == UInt8(ascii: "."), bytes[start + 8] == ByteClass.space,
            end == start + 12 || bytes[start + 12] == ByteClass.space
        else { return false }
        switch bytes[start + 7] {
        case UInt8(ascii: "1"): head.isHTTP11 = true
        case UInt8(ascii: "0"): head.isHTTP11 = false
        default: return false
        }
        var status = 0
        for index in (start + 9)..<(start + 12) {
            guard ByteClass.isDigit(bytes[index]) else { return false }
            status = status * 10 + Int(bytes[index] - UInt8(ascii: "0"))
        }
        for index in (start + 12)..<end where !ByteClass.isFieldValue(bytes[index]) { return false }
        head.status = status
        head.statusLine = (start + 9)..<end
        return (100...599).contains(status)
    }
}
