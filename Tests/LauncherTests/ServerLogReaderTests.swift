import FoundationEssentials
import Glibc
import ModelCore
import TestSupport
import Testing

@testable import Launcher

/// Logs as a shim leaves them and goes on with them: renamed when they are full, a new one in their place.
struct ServerLogReaderTests {
    private let directory: TemporaryDirectory
    private let id = InstanceID("00000000-0000-7000-8000-000000000000")
    private var log: String { directory.path("\(id)/server.log") }

    init() throws {
        directory = try TemporaryDirectory()
        try FileManager.default.createDirectory(atPath: directory.path("\(id)"), withIntermediateDirectories: false)
    }

    private var reader: ServerLogReader { ServerLogReader(runDirectory: directory.path, id: id) }

    private func append(_ text: String) throws {
        if !FileManager.default.fileExists(atPath: log) {
            try Data().write(to: URL(filePath: log))
        }
        let file = try #require(fopen(log, "a"))
        fputs(text, file)
        fclose(file)
    }

    /// As `ServerLog` does, keeping two.
    private func rotate() throws {
        _ = rename(log + ".1", log + ".2")
        #expect(rename(log, log + ".1") == 0)
        try Data().write(to: URL(filePath: log))
    }

    private func rest(of reader: inout ServerLogReader) -> String {
        var bytes: [UInt8] = []
        while let piece = reader.next() {
            #expect(piece.count <= ServerLogReader.pieceSize)
            bytes += piece
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func filesAreReadInTheOrderOfTheirAge() throws {
        try append("a\nb\n")
        try rotate()
        try append("c\n")
        try rotate()
        try append("d\ne")
        var reader = reader
        #expect(rest(of: &reader) == "a\nb\nc\nd\ne")
        #expect(reader.next() == nil)
    }

    @Test(arguments: [
        (0, ""), (1, "e"), (2, "d\ne"), (3, "c\nd\ne"), (4, "b\nc\nd\ne"), (5, "a\nb\nc\nd\ne"), (99, "a\nb\nc\nd\ne"),
    ])
    func theLastLinesAreFoundAcrossFiles(count: Int, lines: String) throws {
        try append("a\nb\n")
        try rotate()
        try append("c\n")
        try rotate()
        for ending in ["", "\n"] {
            try append(ending.isEmpty ? "d\ne" : ending)
            var reader = reader
            reader.skip(toLast: count)
            #expect(rest(of: &reader) == (count == 0 ? "" : lines + ending))
        }
    }

    @Test func justAfterARotationTheLastLinesAreOfTheFileBefore() throws {
        try append("a\nb\n")
        try rotate()
        var reader = reader
        reader.skip(toLast: 1)
        #expect(rest(of: &reader) == "b\n")
    }

    @Test func linesLongerThanAPieceAreKeptWhole() throws {
        let long = String(repeating: "x", count: 3 * ServerLogReader.pieceSize + 17)
        try append("first\n\(long)\nlast\n")
        for (count, expected) in [(1, "last\n"), (2, "\(long)\nlast\n"), (3, "first\n\(long)\nlast\n")] {
            var reader = reader
            reader.skip(toLast: count)
            #expect(rest(of: &reader) == expected)
        }
    }

    @Test func whatIsWrittenBeforeAndAfterARotationIsReadOnce() throws {
        try append("a\n")
        var reader = reader
        #expect(rest(of: &reader) == "a\n")
        try append("b\n")
        try rotate()
        try append("c\n")
        #expect(rest(of: &reader) == "b\nc\n")
        // Two at once: the one in between is found under its new name.
        try append("d\n")
        try rotate()
        try append("e\n")
        try rotate()
        try append("f\n")
        #expect(rest(of: &reader) == "d\ne\nf\n")
        #expect(rest(of: &reader) == "")
    }

    @Test func whatOneFellBehindOfIsLostAndNothingElse() throws {
        try append("a\n")
        var reader = reader
        #expect(rest(of: &reader) == "a\n")
        for name in ["b", "c", "d", "e"] {
            try rotate()
            try append("\(name)\n")
        }
        // Two older ones are kept.
        #expect(rest(of: &reader) == "c\nd\ne\n")
    }

    @Test func aLogThatIsEmptiedBeginsAnew() throws {
        try append("a\nb\n")
        var reader = reader
        #expect(rest(of: &reader) == "a\nb\n")
        truncate(log, 0)
        try append("c\n")
        #expect(rest(of: &reader) == "c\n")
    }

    @Test func aLogThatComesLaterIsFound() throws {
        var reader = reader
        #expect(reader.isEmpty)
        #expect(reader.next() == nil)
        reader.skip(toLast: 1)
        try append("a\n")
        #expect(rest(of: &reader) == "a\n")
    }
}
