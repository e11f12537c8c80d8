import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import Gateway

/// What is accepted here, llhttp (inside NIOHTTP1) accepts too, and sees the same message in it: never laxer.
@Suite struct DifferentialTests {
    /// What a reader makes of the first message in some bytes.
    private enum Reading: Equatable {
        case refused
        case incomplete
        case message(Message)
    }

    private struct Message: Equatable {
        var method = ""
        var target = ""
        var version = ""
        var headers: [String] = []
        var body: [UInt8] = []
    }

    static let corpus: [String] =
        RequestHeadParserTests.good.map(\.0) + RequestHeadParserTests.bad.map(\.0).filter { $0.utf8.count < 2000 }
        + ChunkedScannerTests.good.map { chunked + $0.0 } + ChunkedScannerTests.bad.map { chunked + $0 }
        + [
            "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST /a HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nAccept: */*\r\nUser-Agent: x/1\r\n"
                + "Content-Length: 2\r\n\r\n{}",
            chunked + "5\r\nhello\r\n0\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n",
        ]

    private static let chunked = "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

    @Test(arguments: corpus) func readsAsTheOracleDoes(_ text: String) {
        compare(Array(text.utf8))
    }

    /// Random changes of the corpus, the same ones in every run.
    @Test(arguments: 0..<16) func readsMutationsAsTheOracleDoes(_ seed: Int) {
        var random = Random(state: UInt64(seed) &* 7919 &+ 1)
        for _ in 0..<2000 {
            var bytes = Array(Self.corpus[random.below(Self.corpus.count)].utf8)
            for _ in 0...random.below(4) { random.mutate(&bytes, corpus: Self.corpus) }
            compare(bytes)
        }
    }

    private func compare(_ bytes: [UInt8]) {
        let ours = own(bytes)
        guard ours != .refused else { return }
        let theirs = oracle(bytes)
        // Lines are judged here once they are whole; the oracle may know earlier that one will be refused.
        if ours == .incomplete, theirs == .refused { return }
        #expect(ours == theirs, "\(String(decoding: bytes, as: UTF8.self).debugDescription)")
    }

    private func own(_ bytes: [UInt8]) -> Reading {
        var parser = RequestHeadParser()
        return bytes.withUnsafeBytes { raw in
            switch parser.parse(raw) {
            case .incomplete: return .incomplete
            case .refused: return .refused
            case .complete(let length):
                let head = parser.head
                guard RequestTarget(raw, head.target) != nil else { return .refused }
                var message = Message()
                message.method = "\(head.method)".uppercased()
                message.target = String(decoding: raw[head.target], as: UTF8.self)
                message.version = head.isHTTP11 ? "1.1" : "1.0"
                message.headers = head.section.fields.map { field in
                    let name = raw[Int(field.start)..<Int(field.nameEnd)]
                    return
                        "\(String(decoding: name, as: UTF8.self)): \(String(decoding: raw[field.value], as: UTF8.self))"
                }
                var body = MessageBody(head.framing)
                let rest = UnsafeRawBufferPointer(rebasing: raw[length...])
                guard body.take(rest, onData: { message.body += rest[$0] }) != nil else { return .refused }
                return body.isComplete ? .message(message) : .incomplete
            }
        }
    }

    private func oracle(_ bytes: [UInt8]) -> Reading {
        let channel = EmbeddedChannel()
        defer { _ = try? channel.finish(acceptAlreadyClosed: true) }
        var message = Message()
        do {
            // Its limits of size are another matter; only its grammar is asked for.
            var limits = NIOHTTPDecoderLimitConfiguration()
            limits.maxHeaderFieldSize = 1 << 20
            limits.maxHeaderListSize = 1 << 20
            limits.maxHeaderFieldCount = 1 << 20
            let decoder = HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: limits)
            try channel.pipeline.syncOperations.addHandler(ByteToMessageHandler(decoder))
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        } catch {
            return .refused
        }
        // An error after the first message is none of its business.
        let failure: (any Error)?
        do {
            try channel.writeInbound(ByteBuffer(bytes: bytes))
            failure = nil
        } catch { failure = error }
        while let part = try? channel.readInbound(as: HTTPServerRequestPart.self) {
            switch part {
            case .head(let head):
                message.method = head.method.rawValue
                message.target = head.uri
                message.version = "\(head.version.major).\(head.version.minor)"
                message.headers = head.headers.map { "\($0.name): \($0.value.trimmed)" }
            case .body(let body): message.body += body.readableBytesView
            case .end: return .message(message)
            }
        }
        return failure == nil ? .incomplete : .refused
    }
}
