import Testing

@testable import Probes

struct StatusParserTests {
    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\n", StatusParser.Verdict.status(200)),
        ("HTTP/1.0 404 Not Found\r\n\r\nbody", .status(404)),
        ("HTTP/1.1 204\r\n", .status(204)),
        ("HTTP/1.1 101 Switching Protocols\r\n", .status(101)),
        ("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n", .status(200)),
        ("HTTP/1.1 100 Continue\n\nHTTP/1.1 100 Continue\n\nHTTP/1.1 503 No\n", .status(503)),
        ("HTTP/1.1 103 Early Hints\r\nLink: x\r\n", .needsMore),
        ("HTTP/1.1 20", .needsMore),
        ("", .needsMore),
        ("HTTP/2 200 OK\r\n\r\n", .notHTTP("no HTTP: \"HTTP/2 200 OK....\"")),
        ("HTTP/1.1 2000 OK\r\n", .notHTTP("no HTTP: \"HTTP/1.1 2000 OK..\"")),
        ("HTTP/1.1 abc OK\r\n", .notHTTP("no HTTP: \"HTTP/1.1 abc OK..\"")),
        ("\u{16}\u{03}\u{01}", .notHTTP("TLS, not plain HTTP")),
        ("* OK IMAP", .notHTTP("no HTTP: \"* OK IMAP\"")),
    ])
    func anAnswerIsReadFromItsBeginning(_ text: String, _ expected: StatusParser.Verdict) {
        var parser = StatusParser()
        #expect(parser.read(text.utf8) == expected)
    }

    @Test func anAnswerMayComeByteByByte() {
        var parser = StatusParser()
        var verdicts: [StatusParser.Verdict] = []
        for byte in "HTTP/1.1 103 x\r\nA: b\r\n\r\nHTTP/1.1 207 ".utf8 { verdicts.append(parser.read([byte])) }
        #expect(verdicts.first { $0 != .needsMore } == .status(207))
    }

    @Test func anEndlessInterimHeadIsCutOff() {
        var parser = StatusParser()
        #expect(parser.read("HTTP/1.1 103 x\r\n".utf8) == .needsMore)
        let verdict = parser.read([UInt8](repeating: UInt8(ascii: "a"), count: StatusParser.longestHead))
        #expect(verdict == .notHTTP("an endless head"))
    }
}
