import Testing

@testable import Gateway

@Suite struct ResponseHeadParserTests {
    static let good: [(String, Int, MessageBody.Framing)] = [
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 200, .length(5)),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, .none),
        ("HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n", 200, .chunked),
        ("HTTP/1.1 200 \r\n\r\n", 200, .untilClose),
        ("HTTP/1.0 404 Nicht \u{e4}\r\n\r\n", 404, .untilClose),
        ("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", 204, .none),
        ("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 304, .none),
        ("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", 103, .none),
    ]

    static let bad = [
        "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n", "HTTP/2.0 200 OK\r\n\r\n",
        "http/1.1 200 OK\r\n\r\n", "HTTP/1.1 099 X\r\n\r\n", "HTTP/1.1 600 X\r\n\r\n", "HTTP/1.1 200 OK\n\n",
        "200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nX : y\r\n\r\n", "HTTP/1.1 200 OK\r\nX: y\r\n z\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: \(String(repeating: "y", count: 70000))\r\n\r\n", "\r\nHTTP/1.1 200 OK\r\n\r\n",
    ]

    private func parse(_ bytes: [UInt8], _ parser: inout ResponseHeadParser) -> ResponseHeadParser.Outcome {
        bytes.withUnsafeBytes { parser.parse($0) }
    }

    @Test(arguments: good) func understandsAtEverySplit(_ head: String, _ status: Int, _ framing: MessageBody.Framing) {
        let bytes = Array(head.utf8)
        for split in 0..<bytes.count {
            var parser = ResponseHeadParser()
            #expect(parse(Array(bytes[..<split]), &parser) == .incomplete, "\(split)")
            #expect(parse(bytes, &parser) == .complete(length: bytes.count), "\(split)")
            #expect(parser.head.status == status)
            #expect(parser.head.framing(toHead: false) == framing)
            #expect(parser.head.framing(toHead: true) == .none)
        }
    }

    @Test(arguments: bad) func refuses(_ head: String) {
        var parser = ResponseHeadParser()
        #expect(parse(Array(head.utf8), &parser) == .malformed)
    }
}
