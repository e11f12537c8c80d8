import Testing

@testable import Gateway

@Suite struct ChunkedScannerTests {
    /// Whole bodies, and their content.
    static let good: [(String, String)] = [
        ("0\r\n\r\n", ""),
        ("5\r\nhello\r\n0\r\n\r\n", "hello"),
        ("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world"),
        ("000A\r\n0123456789\r\n000\r\n\r\n", "0123456789"),
        ("a;name=value;flag\r\n0123456789\r\n0;last\r\n\r\n", "0123456789"),
        ("2\r\n\r\n\r\n0\r\n\r\n", "\r\n"),
        ("1\r\nx\r\n0\r\nX-Sum: 1\r\nX-Empty:\r\n\r\n", "x"),
    ]

    static let bad = [
        "\r\n", "g\r\n", "5\nhello", "5\r\nhello\n", "5\r\nhelloX", "-1\r\n", "+5\r\n", "0x5\r\n", " 5\r\n", "5 \r\n",
        "5\r\r\n", "1234567890abcdef\r\n", "ffffffffffffffff\r\n", "5;\r\n", "5;=x\r\n", "5;a b\r\n", "5;a=\r\n",
        "5;a=\"b\"\r\n", "5;a\n", "0\r\n\n", "0\r\nX\r\n", "0\r\n X: y\r\n", "0\r\nX: y\n", "0\r\nX: \u{0}\r\n",
        "0\r\nContent-Length: 5\r\n\r\n", "0\r\nTransfer-Encoding: chunked\r\n\r\n", "0\r\nHost: a\r\n\r\n",
        "0\r\nConnection: close\r\n\r\n", "5;\(String(repeating: "a", count: 300))\r\n",
        "0\r\nX: \(String(repeating: "a", count: 9000))\r\n",
    ]

    /// Scans the pieces one after the other. Returns the outcome of the last, and the content.
    private func scan(_ pieces: [[UInt8]]) -> (outcome: ChunkedScanner.Outcome, content: String) {
        var scanner = ChunkedScanner()
        var content: [UInt8] = []
        var outcome = ChunkedScanner.Outcome.partial
        for piece in pieces {
            outcome = piece.withUnsafeBytes { bytes in scanner.scan(bytes) { content += bytes[$0] } }
            if outcome != .partial { break }
        }
        return (outcome, String(decoding: content, as: UTF8.self))
    }

    @Test(arguments: good) func findsTheEnd(_ body: String, _ content: String) {
        let result = scan([Array((body + "NEXT").utf8)])
        #expect(result.outcome == .complete(count: body.utf8.count))
        #expect(result.content == content)
    }

    @Test(arguments: good) func findsTheEndAtEverySplit(_ body: String, _ content: String) {
        let bytes = Array(body.utf8)
        for split in 0..<bytes.count {
            let result = scan([Array(bytes[..<split]), Array(bytes[split...])])
            #expect(result.outcome == .complete(count: bytes.count - split), "\(split)")
            #expect(result.content == content, "\(split)")
        }
        let single = scan(bytes.map { [$0] })
        #expect(single.outcome == .complete(count: 1))
        #expect(single.content == content)
    }

    @Test(arguments: bad) func refuses(_ body: String) {
        #expect(scan([Array(body.utf8)]).outcome == .malformed)
        #expect(scan(body.utf8.map { [$0] }).outcome == .malformed)
    }

    @Test(arguments: good) func isNeverDoneEarly(_ body: String, _ content: String) {
        #expect(scan([Array(body.utf8.dropLast())]).outcome == .partial)
    }
}

@Suite struct MessageBodyTests {
    @Test func takesNoMoreThanItsLength() {
        var body = MessageBody(.length(5))
        let bytes = Array("hello world".utf8)
        #expect(bytes[..<3].withUnsafeBytes { body.take($0) } == 3)
        #expect(!body.isComplete)
        #expect(bytes[3...].withUnsafeBytes { body.take($0) } == 2)
        #expect(body.isComplete)
        #expect(bytes.withUnsafeBytes { body.take($0) } == 0)
    }

    @Test func nothingBelongsToABodyThatIsNone() {
        var body = MessageBody(.none)
        #expect(body.isComplete)
        #expect([1, 2].withUnsafeBytes { body.take($0) } == 0)
    }

    @Test func onlyTheEndEndsABodyWithoutLength() {
        var body = MessageBody(.untilClose)
        #expect([UInt8](repeating: 0, count: 9).withUnsafeBytes { body.take($0) } == 9)
        #expect(!body.isComplete)
    }
}
