/// Reads the status out of the beginning of an HTTP/1 answer. A pure value: bytes in, a verdict out.
struct StatusParser: Sendable {
    enum Verdict: Hashable, Sendable {
        case needsMore
        case status(Int)
        /// The answer is no HTTP: what it is, for people.
        case notHTTP(String)
    }

    private var received: [UInt8] = []

    /// The most that may come before the final status line: the heads of interim answers (103 and the like).
    static let longestHead = 16 * 1024

    mutating func read(_ bytes: some Sequence<UInt8>) -> Verdict {
        received.append(contentsOf: bytes)
        while true {
            guard let status = Self.status(of: received[...]) else {
                return Self.mayBegin(received[...]) ? .needsMore : .notHTTP(Self.describe(received))
            }
            // An interim answer: the final one follows its empty line. 101 is final: there will be no other.
            guard (100...199).contains(status), status != 101 else { return .status(status) }
            guard let end = Self.endOfHead(received) else {
                return received.count < Self.longestHead ? .needsMore : .notHTTP("an endless head")
            }
            received.removeSubrange(..<end)
        }
    }

    /// What is to be said where the connection ends now.
    var verdictAtEnd: String {
        received.isEmpty ? "closed the connection without an answer" : "answered with \(Self.describe(received))"
    }

    private static let prefix = Array("HTTP/1.".utf8)
    /// `HTTP/1.1 200` and the byte that ends the number.
    private static let statusLength = 13

    /// Whether a status line may yet come of it.
    private static func mayBegin(_ bytes: ArraySlice<UInt8>) -> Bool {
        bytes.count < statusLength && zip(bytes, prefix).allSatisfy(==)
    }

    private static func status(of bytes: ArraySlice<UInt8>) -> Int? {
        let line = Array(bytes.prefix(statusLength))
        guard line.count == statusLength, line.starts(with: prefix), line[8] == UInt8(ascii: " "),
            [UInt8(ascii: " "), UInt8(ascii: "\r"), UInt8(ascii: "\n")].contains(line[12]),
            let status = Int(String(decoding: line[9..<12], as: UTF8.self)), (100...999).contains(status)
        else { return nil }
        return status
    }

    private static func endOfHead(_ bytes: [UInt8]) -> Int? {
        let newline = UInt8(ascii: "\n")
        var start = 0
        while let end = bytes[start...].firstIndex(of: newline) {
            let line = bytes[start..<end]
            if line.isEmpty || line.elementsEqual([UInt8(ascii: "\r")]) { return end + 1 }
            start = end + 1
        }
        return nil
    }

    /// How much of an answer that is no HTTP is shown, in bytes.
    private static let shown = 32

    private static func describe(_ bytes: [UInt8]) -> String {
        // A TLS record: alert or handshake, then the version 3.x.
        if bytes.count >= 2, bytes[0] == 0x15 || bytes[0] == 0x16, bytes[1] == 3 { return "TLS, not plain HTTP" }
        let text = bytes.prefix(shown).map { (0x20..<0x7F).contains($0) ? String(Unicode.Scalar($0)) : "." }.joined()
        return "no HTTP: \"\(text)\""
    }
}
