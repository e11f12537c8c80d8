import NIOCore
import Testing

@testable import Docker

@Suite("Logs as engines send them")
struct LogDemultiplexerTests {
    static func frame(_ stream: UInt8, _ text: String) -> [UInt8] {
        let count = UInt32(text.utf8.count)
        return [stream, 0, 0, 0] + (0..<4).map { UInt8(truncatingIfNeeded: count >> (24 - 8 * $0)) } + Array(text.utf8)
    }

    /// What each stream has, and in which order they came, however it was cut.
    private func chunks(_ bytes: [UInt8], pieces: Int) throws(EngineError) -> [String] {
        var demultiplexer = LogDemultiplexer()
        var chunks: [LogChunk] = []
        for start in stride(from: 0, to: bytes.count, by: pieces) {
            chunks += try demultiplexer.take(ByteBuffer(bytes: bytes[start..<min(start + pieces, bytes.count)]))
        }
        if let last = try demultiplexer.finish() { chunks.append(last) }
        var joined: [LogChunk] = []
        for chunk in chunks {
            if let last = joined.last, last.stream == chunk.stream {
                joined[joined.count - 1].bytes += chunk.bytes
            } else {
                joined.append(chunk)
            }
        }
        return joined.map { "\($0.stream):" + String(decoding: $0.bytes, as: UTF8.self) }
    }

    @Test("frames are taken apart however the stream is cut", arguments: 1...20)
    func everyCut(pieces: Int) throws {
        let bytes = Self.frame(1, "out\n") + Self.frame(2, "err\n") + Self.frame(1, "") + Self.frame(1, "more")
        #expect(try chunks(bytes, pieces: pieces) == ["output:out\n", "error:err\n", "output:more"])
        #expect(try chunks([], pieces: pieces) == [])
        #expect(try chunks(Self.frame(3, "oops"), pieces: pieces) == ["engine:oops"])
    }

    @Test("a terminal's log is passed on as it is", arguments: 1...20)
    func raw(pieces: Int) throws {
        #expect(try chunks(Array("hello\r\nworld".utf8), pieces: pieces) == ["output:hello\r\nworld"])
        #expect(try chunks([1, 0, 0], pieces: pieces) == ["output:\u{1}\0\0"])
        #expect(try chunks([1, 0, 7, 65], pieces: pieces) == ["output:\u{1}\0\u{7}A"])
        #expect(try chunks([4, 0, 0, 0, 0, 0, 0, 0], pieces: pieces).count == 1)
    }

    @Test("what is no frame among frames is an error", arguments: 1...20)
    func broken(pieces: Int) {
        #expect(throws: EngineError.self) { try chunks(Self.frame(1, "out") + Array("nonsense".utf8), pieces: pieces) }
    }

    @Test("a log that is cut off within a frame is not taken for whole", arguments: 1...20)
    func cutOff(pieces: Int) {
        let bytes = Self.frame(1, "out\n") + Self.frame(2, "err\n")
        for length in [3, 9, 11, 13, 19, 21, 23] {
            // The first 8 bytes could be a terminal's.
            guard length > 8 else { continue }
            #expect(throws: EngineError.self, "cut at \(length)") {
                try chunks(Array(bytes.prefix(length)), pieces: pieces)
            }
        }
        #expect(throws: Never.self) { try chunks(Array(bytes.prefix(12)), pieces: pieces) }
    }

    @Test("a frame of 4 GiB is passed on as it comes")
    func hugeFrame() throws {
        var demultiplexer = LogDemultiplexer()
        #expect(try demultiplexer.take(ByteBuffer(bytes: [1, 0, 0, 0, 255, 255, 255, 255])).isEmpty)
        for _ in 0..<100 {
            let chunks = try demultiplexer.take(ByteBuffer(repeating: 65, count: 1000))
            #expect(chunks == [LogChunk(stream: .output, bytes: [UInt8](repeating: 65, count: 1000))])
        }
    }
}

@Suite("The tail of a log")
struct LogTailTests {
    private func tail(_ lines: Int, _ chunks: [(LogChunk.Stream, String)]) -> [String] {
        var tail = LogTail(lines: lines)
        for (stream, text) in chunks { tail.append(LogChunk(stream: stream, bytes: Array(text.utf8))) }
        return tail.finish()
    }

    @Test("the last lines are kept, and one without an end counts")
    func last() {
        #expect(tail(2, [(.output, "1\n2\n3\n4")]) == ["3", "4"])
        #expect(tail(2, (0..<1000).map { (.output, "\($0)\n") }) == ["998", "999"])
        #expect(tail(0, [(.output, "1\n")]) == [])
        #expect(tail(5, []) == [])
    }

    @Test("streams that are written at once do not run into each other")
    func streams() {
        #expect(tail(9, [(.output, "a"), (.error, "x\n"), (.output, "b\n"), (.error, "y")]) == ["x", "ab", "y"])
    }

    @Test("lines are fit for a terminal")
    func printable() {
        #expect(tail(9, [(.output, "\u{1b}[31mred\u{1b}[0m\ta\u{7}\n")]) == ["red a"])
        #expect(tail(9, [(.output, "10%\r50%\r100%\r\nok\r\n")]) == ["100%", "ok"])
        let long = tail(9, [(.output, String(repeating: "é", count: 100_000) + "\nnext")])
        #expect(long.map(\.count) == [1001, 4])
        #expect(tail(9, [(.output, "\u{fffd}\n")]) == ["\u{fffd}"])
    }
}
