/// Reads request heads, strictly: what another server might read in another way is refused, never guessed.
///
/// A value without I/O. Give it all bytes received since the head began, again with each piece that arrives; it looks
/// at none twice. Positions in ``head`` count from the first of those bytes.
struct RequestHeadParser {
    enum Outcome: Equatable {
        case incomplete
        /// ``head`` is filled in; the body begins after `length` bytes.
        case complete(length: Int)
        case refused(Refusal)
    }

    private(set) var head = RequestHead()
    private var lines = LineScanner()
    private var hasRequestLine = false

    /// Makes ready for the next head; keeps the memory.
    mutating func reset() {
        head.reset()
        lines = LineScanner()
        hasRequestLine = false
    }

    mutating func parse(_ bytes: UnsafeRawBufferPointer) -> Outcome {
        while true {
            switch lines.next(in: bytes) {
            case .incomplete:
                return judgeIncomplete(bytes)
            case .bareLineFeed:
                return .refused(.bareLineFeed)
            case .line(let start, let end):
                guard lines.position <= Limits.longestHead else { return .refused(.headTooLong) }
                if !hasRequestLine {
                    // One empty line before the request line is forgiven (RFC 9112 §2.2).
                    if start == end, start == 0 { continue }
                    hasRequestLine = true
                    if let refusal = readRequestLine(bytes, from: start, to: end) { return .refused(refusal) }
                } else if start == end {
                    if let refusal = conclude(bytes) { return .refused(refusal) }
                    return .complete(length: lines.position)
                } else if let fault = head.section.add(bytes, from: start, to: end) {
                    return .refused(Refusal(fault))
                }
            }
        }
    }

    /// The longest that a method, a version and the blanks between them take: a request line may be that much longer
    /// than its target.
    private static let requestLineOverhead = 32

    private func judgeIncomplete(_ bytes: UnsafeRawBufferPointer) -> Outcome {
        let pending = bytes.count - lines.position
        if !hasRequestLine {
            if pending > Limits.longestTarget + Self.requestLineOverhead { return .refused(.targetTooLong) }
            // What is no method can never become a request: TLS on a plain port, say, need not run into a timeout.
            if pending > 0, !ByteClass.isToken(bytes[lines.position]),
                bytes[lines.position] != ByteClass.carriageReturn
            {
                return .refused(.badRequestLine)
            }
        }
        return bytes.count > Limits.longestHead ? .refused(.headTooLong) : .incomplete
    }

    private mutating func readRequestLine(_ bytes: UnsafeRawBufferPointer, from start: Int, to end: Int) -> Refusal? {
        var index = start
        while index < end, ByteClass.isToken(bytes[index]) { index += 1 }
        guard index > start, index < end, bytes[index] == ByteClass.space else { return .badRequestLine }
        let methodEnd = index
        let targetStart = index + 1
        index = targetStart
        while index < end, bytes[index] != ByteClass.space {
            guard ByteClass.isVisible(bytes[index]), bytes[index] != UInt8(ascii: "#") else { return .badTarget }
            index += 1
        }
        guard index > targetStart, index < end else { return .badRequestLine }
        head.target = targetStart..<index
        if let refusal = readVersion(bytes, from: index + 1, to: end) { return refusal }
        guard let method = Self.method(bytes, from: start, to: methodEnd) else { return .unknownMethod }
        head.method = method
        head.methodName = start..<methodEnd
        return head.target.count > Limits.longestTarget ? .targetTooLong : nil
    }

    private mutating func readVersion(_ bytes: UnsafeRawBufferPointer, from start: Int, to end: Int) -> Refusal? {
        guard end - start == 8, bytes[start] == UInt8(ascii: "H"), bytes[start + 1] == UInt8(ascii: "T"),
            bytes[start + 2] == UInt8(ascii: "T"), bytes[start + 3] == UInt8(ascii: "P"),
            bytes[start + 4] == UInt8(ascii: "/"), ByteClass.isDigit(bytes[start + 5]),
            bytes[start + 6] == UInt8(ascii: "."), ByteClass.isDigit(bytes[start + 7])
        else { return .badVersion }
        switch (bytes[start + 5], bytes[start + 7]) {
        case (UInt8(ascii: "1"), UInt8(ascii: "1")): head.isHTTP11 = true
        case (UInt8(ascii: "1"), UInt8(ascii: "0")): head.isHTTP11 = false
        case (UInt8(ascii: "2"), _): return .http2
        default: return .unknownVersion
        }
        return nil
    }

    private static func method(
        _ bytes: UnsafeRawBufferPointer, from start: Int, to end: Int
    ) -> RequestHead.Method? {
        func matches(_ text: StaticString) -> Bool {
            (0..<(end - start)).allSatisfy { bytes[start + $0] == text.utf8Start[$0] }
        }
        switch end - start {
        case 3 where matches("GET"): return .get
        case 3 where matches("PUT"): return .put
        case 4 where matches("POST"): return .post
        case 4 where matches("HEAD"): return .head
        case 5 where matches("PATCH"): return .patch
        case 5 where matches("TRACE"): return .trace
        case 6 where matches("DELETE"): return .delete
        case 7 where matches("OPTIONS"): return .options
        case 7 where matches("CONNECT"): return .connect
        default: break
        }
        let name = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
        return extendedMethods.contains { name.elementsEqual($0.utf8) } ? .extended : nil
    }

    /// Registered methods beyond RFC 9110 that every common server reads.
    private static let extendedMethods = [
        "COPY", "LINK", "LOCK", "MKCOL", "MOVE", "PROPFIND", "PROPPATCH", "REPORT", "SEARCH", "UNLINK", "UNLOCK",
    ]

    /// Judges the head as a whole, and derives how its body is framed.
    private mutating func conclude(_ bytes: UnsafeRawBufferPointer) -> Refusal? {
        switch (head.section.transferCoding, head.section.contentLength) {
        case (.absent, nil): head.framing = .none
        case (.absent, let length?): head.framing = length == 0 ? .none : .length(length)
        case (_, .some): return .bothLengths
        case (_, nil) where !head.isHTTP11: return .transferEncodingInHTTP10
        case (.unsupported, nil): return .unsupportedTransferEncoding
        case (.chunked, nil): head.framing = .chunked
        }
        if let host = head.section.first(.host) {
            for index in host.value where !ByteClass.isAuthority(bytes[index]) { return .badHost }
        } else if head.isHTTP11 {
            return .missingHost
        }
        guard head.section.has(.expect) else { return nil }
        for field in head.section.fields where field.name == .expect {
            let value = field.value
            guard bytes.token(from: value.lowerBound, to: value.upperBound, is: "100-continue") else {
                return .unknownExpectation
            }
        }
        head.expectsContinue = head.isHTTP11 && head.framing != .none
        return nil
    }
}
