import Testing

@testable import Gateway

@Suite struct RequestHeadParserTests {
    /// Heads that are understood, and how their bodies are framed.
    static let good: [(String, MessageBody.Framing)] = [
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", .none),
        ("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .none),
        ("POST /a?b=c HTTP/1.1\r\nHost: a:80\r\nContent-Length: 12\r\n\r\n", .length(12)),
        ("POST / HTTP/1.1\r\nhOsT:a\r\ncontent-LENGTH:  0012  \r\nX-Empty:\t\r\n\r\n", .length(12)),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", .none),
        ("POST / HTTP/1.1\r\nHost: [::1]:80\r\nTransfer-Encoding: Chunked\r\n\r\n", .chunked),
        ("POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\n", .length(3)),
        ("OPTIONS http://a/b HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n\r\n", .none),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nX-Beyond: \u{e9}\u{20ac}\tx\r\nConnection: Close, X-Y ,,keep-alive\r\n\r\n",
            .none
        ),
    ]

    /// Heads that are refused, and why.
    static let bad: [(String, Refusal)] = [
        ("GET / HTTP/1.1\nHost: a\n\n", .bareLineFeed),
        ("GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", .bareLineFeed),
        ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", .badRequestLine),
        ("GET /  HTTP/1.1\r\nHost: a\r\n\r\n", .badVersion),
        (" GET / HTTP/1.1\r\nHost: a\r\n\r\n", .badRequestLine),
        ("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .badRequestLine),
        ("GET /\r\nHost: a\r\n\r\n", .badRequestLine),
        ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", .badVersion),
        ("GET / http/1.1\r\nHost: a\r\n\r\n", .badVersion),
        ("GET / HTTP/1.10\r\nHost: a\r\n\r\n", .badVersion),
        ("GET / HTTP/1.2\r\nHost: a\r\n\r\n", .unknownVersion),
        ("GET / HTTP/0.9\r\nHost: a\r\n\r\n", .unknownVersion),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .http2),
        ("get / HTTP/1.1\r\nHost: a\r\n\r\n", .unknownMethod),
        ("BREW / HTTP/1.1\r\nHost: a\r\n\r\n", .unknownMethod),
        ("GET /\u{1} HTTP/1.1\r\nHost: a\r\n\r\n", .badTarget),
        ("GET /\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n", .badTarget),
        ("GET /#x HTTP/1.1\r\nHost: a\r\n\r\n", .badTarget),
        ("GET /\r/ HTTP/1.1\r\nHost: a\r\n\r\n", .badTarget),
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", .malformedField),
        ("GET / HTTP/1.1\r\nHost: a\r\n X: y\r\n\r\n", .malformedField),
        ("GET / HTTP/1.1\r\nHost: a\r\n\tfolded\r\n\r\n", .malformedField),
        ("GET / HTTP/1.1\r\nHost: a\r\n: y\r\n\r\n", .malformedField),
        ("GET / HTTP/1.1\r\nHost: a\r\nX y\r\n\r\n", .malformedField),
        ("GET / HTTP/1.1\r\nHost: a\r\nX[: y\r\n\r\n", .malformedField),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: y\u{0}\r\n\r\n", .malformedField),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: y\rz\r\n\r\n", .malformedField),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: y\r\r\n\r\n", .malformedField),
        ("GET / HTTP/1.1\r\nX: y\r\n\r\n", .missingHost),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", .repeatedHost),
        ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", .badHost),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", .badHost),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", .repeatedContentLength),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", .repeatedContentLength),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n", .badContentLength),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n", .badContentLength),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n", .badContentLength),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\n", .badContentLength),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5 5\r\n\r\n", .badContentLength),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", .badContentLength),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\t\r\n\r\n", .badContentLength),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\tchunked\r\n\r\n", .unsupportedTransferEncoding),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", .badContentLength),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", .bothLengths),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", .bothLengths),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
            .repeatedTransferEncoding
        ),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", .unsupportedTransferEncoding),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n", .unsupportedTransferEncoding),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", .unsupportedTransferEncoding),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n", .unsupportedTransferEncoding),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \r\n\r\n", .unsupportedTransferEncoding),
        ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", .transferEncodingInHTTP10),
        ("POST / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n", .unknownExpectation),
        ("GET /\(String(repeating: "a", count: 9000)) HTTP/1.1\r\nHost: a\r\n\r\n", .targetTooLong),
        (
            "GET / HTTP/1.1\r\nHost: a\r\n" + String(repeating: "X: y\r\n", count: 300) + "\r\n",
            .tooManyFields
        ),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: \(String(repeating: "y,", count: 65))\r\n\r\n",
            .malformedField
        ),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "y", count: 70000))\r\n\r\n", .headTooLong),
    ]

    private func parse(_ bytes: [UInt8], _ parser: inout RequestHeadParser) -> RequestHeadParser.Outcome {
        bytes.withUnsafeBytes { parser.parse($0) }
    }

    @Test(arguments: good) func understands(_ head: String, _ framing: MessageBody.Framing) {
        var parser = RequestHeadParser()
        let bytes = Array((head + "BODY\r\n").utf8)
        #expect(parse(bytes, &parser) == .complete(length: head.utf8.count))
        #expect(parser.head.framing == framing)
    }

    @Test(arguments: bad) func refuses(_ head: String, _ refusal: Refusal) {
        var parser = RequestHeadParser()
        #expect(parse(Array(head.utf8), &parser) == .refused(refusal))
    }

    /// However a head is cut, it means the same.
    @Test(arguments: good) func understandsAtEverySplit(_ head: String, _ framing: MessageBody.Framing) {
        let bytes = Array(head.utf8)
        for split in 0..<bytes.count {
            var parser = RequestHeadParser()
            #expect(parse(Array(bytes[..<split]), &parser) == .incomplete, "\(split)")
            #expect(parse(bytes, &parser) == .complete(length: bytes.count), "\(split)")
            #expect(parser.head.framing == framing, "\(split)")
        }
        var parser = RequestHeadParser()
        for end in 1..<bytes.count { #expect(parse(Array(bytes[..<end]), &parser) == .incomplete) }
        #expect(parse(bytes, &parser) == .complete(length: bytes.count))
    }

    @Test(arguments: bad) func refusesAtEverySplit(_ head: String, _ refusal: Refusal) {
        let bytes = Array(head.utf8)
        for split in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 200)) {
            var parser = RequestHeadParser()
            if case .refused = parse(Array(bytes[..<split]), &parser) { continue }
            #expect(parse(bytes, &parser) == .refused(refusal), "\(split)")
        }
    }

    @Test func tellsWhatIsNoRequestFromItsFirstByte() {
        var parser = RequestHeadParser()
        #expect(parse([0x16, 0x03, 0x01], &parser) == .refused(.badRequestLine))
    }

    @Test func boundsAnUnfinishedHead() {
        var parser = RequestHeadParser()
        #expect(parse(Array("GET /".utf8) + Array(repeating: 0x61, count: 9000), &parser) == .refused(.targetTooLong))
        parser.reset()
        let field = Array("GET / HTTP/1.1\r\nX: ".utf8) + Array(repeating: 0x61, count: 66000)
        #expect(parse(field, &parser) == .refused(.headTooLong))
    }

    @Test func knowsWhatTheConnectionHeaderNames() throws {
        var parser = RequestHeadParser()
        let bytes = Array(
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: close, x-secret\r\nX-Secret: 1\r\nX-S: 2\r\n\r\n".utf8)
        _ = parse(bytes, &parser)
        let section = parser.head.section
        let named = bytes.withUnsafeBytes { raw in section.fields.map { section.isNamedByConnection($0, in: raw) } }
        #expect(named == [false, false, true, false])
        #expect(!parser.head.keepsAlive)
    }

    @Test func tokensAreThoseOfTheGrammar() {
        let tokens = Set("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)
        for byte in UInt8.min...UInt8.max { #expect(ByteClass.isToken(byte) == tokens.contains(byte)) }
    }
}
