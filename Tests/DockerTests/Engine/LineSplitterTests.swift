import NIOCore
import Testing

@testable import Docker

@Suite("Lines of a stream")
struct LineSplitterTests {
    private func lines(_ text: String, pieces: Int, longest: Int = LineSplitter.longest) -> [String] {
        var splitter = LineSplitter(longest: longest)
        var lines: [LineSplitter.Line] = []
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: pieces) {
            lines += splitter.split(ByteBuffer(bytes: bytes[start..<min(start + pieces, bytes.count)]))
        }
        if let last = splitter.finish() { lines.append(last) }
        return lines.map { line in
            switch line {
            case .whole(let bytes): String(buffer: bytes)
            case .tooLong: "<too long>"
            }
        }
    }

    @Test("lines are the same however the stream is cut", arguments: 1...12)
    func everyCut(pieces: Int) {
        #expect(lines("{\"a\":1}\r\n{\"b\":2}\n\n\r\nlast", pieces: pieces) == ["{\"a\":1}", "{\"b\":2}", "last"])
        #expect(lines("one\n", pieces: pieces) == ["one"])
        #expect(lines("é\n→\n", pieces: pieces) == ["é", "→"])
        #expect(lines("", pieces: pieces) == [])
    }

    @Test("a carriage return within a line is a part of it", arguments: 1...4)
    func carriageReturn(pieces: Int) {
        #expect(lines("a\rb\r\nc", pieces: pieces) == ["a\rb", "c"])
    }

    @Test("a line that is too long is swallowed, and the next is whole", arguments: 1...12)
    func tooLong(pieces: Int) {
        #expect(lines("12345\n123456\n12345\n", pieces: pieces, longest: 5) == ["12345", "<too long>", "12345"])
        #expect(lines("1234567890", pieces: pieces, longest: 5) == ["<too long>"])
    }

    @Test("of an endless line no more than the limit is kept")
    func bounded() {
        var splitter = LineSplitter(longest: 1000)
        for _ in 0..<10_000 { #expect(splitter.split(ByteBuffer(repeating: 65, count: 999)).isEmpty) }
        #expect(splitter.split(ByteBuffer(string: "\nb\n")) == [.tooLong, .whole(ByteBuffer(string: "b"))])
    }
}
