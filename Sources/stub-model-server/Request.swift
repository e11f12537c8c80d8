/// One HTTP/1.1 request, its body counted and thrown away.
struct Request {
    var method: String
    /// With its query.
    var target: String
    /// Names as they came.
    var headers: [(name: String, value: String)]
    var bodyLength = 0
    var keepsAlive: Bool

    func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name }?.value
    }
}

/// Takes requests out of the bytes of a connection, however they are cut.
struct RequestParser {
    enum Event {
        /// More bytes are needed.
        case none
        /// The client waits for a word before it sends the body.
        case wantsContinue
        case request(Request)
        /// No HTTP: the connection is of no more use.
        case malformed
    }

    private enum State {
        case head
        /// So many bytes of a body whose length was announced.
        case body(Request, left: Int)
        case chunkSize(Request)
        /// A chunk and the line end behind it.
        case chunk(Request, left: Int)
        case trailer(Request)
    }

    private var state = State.head
    private var bytes: [UInt8] = []
    private var start = 0

    /// The longest head or line, in bytes.
    private static let longestHead = 64 * 1024

    mutating func append(_ more: ArraySlice<UInt8>) {
        if start > 0 {
            bytes.removeFirst(start)
            start = 0
        }
        bytes += more
    }

    mutating func next() -> Event {
        while true {
            switch state {
            case .head:
                guard let head = takeHead() else { return bytes.count > Self.longestHead ? .malformed : .none }
                guard let request = Self.parse(head) else { return .malformed }
                if let event = begin(request) { return event }
            case .body(var request, let left):
                let taken = take(atMost: left)
                request.bodyLength += taken
                state = .body(request, left: left - taken)
                if taken < left { return .none }
                return finish(request)
            case .chunkSize(let request):
                guard let line = takeLine() else { return bytes.count > Self.longestHead ? .malformed : .none }
                guard let size = Int(line.prefix { $0 != ";" }.filter { $0 != " " }, radix: 16), size >= 0 else {
                    return .malformed
                }
                state = size == 0 ? .trailer(request) : .chunk(request, left: size)
            case .chunk(var request, let left):
                let taken = take(atMost: left)
                request.bodyLength += taken
                state = .chunk(request, left: left - taken)
                if taken < left { return .none }
                guard let end = takeLine() else { return .none }
                guard end.isEmpty else { return .malformed }
                state = .chunkSize(request)
            case .trailer(let request):
                guard let line = takeLine() else { return .none }
                if line.isEmpty { return finish(request) }
            }
        }
    }

    private mutating func begin(_ request: Request) -> Event? {
        if request.header("transfer-encoding")?.lowercased() == "chunked" {
            state = .chunkSize(request)
        } else if let length = request.header("content-length") {
            guard let length = Int(length), length >= 0 else { return .malformed }
            state = .body(request, left: length)
        } else {
            return finish(request)
        }
        return request.header("expect")?.lowercased() == "100-continue" ? .wantsContinue : nil
    }

    private mutating func finish(_ request: Request) -> Event {
        state = .head
        return .request(request)
    }

    private mutating func take(atMost count: Int) -> Int {
        let taken = min(count, bytes.count - start)
        start += taken
        return taken
    }

    private mutating func takeLine() -> String? {
        guard let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        let line = bytes[start..<end]
        start = end + 1
        return String(decoding: line.last == UInt8(ascii: "\r") ? line.dropLast() : line, as: UTF8.self)
    }

    /// The lines of a complete head.
    private mutating func takeHead() -> [String]? {
        let before = start
        var lines: [String] = []
        while let line = takeLine() {
            if !line.isEmpty {
                lines.append(line)
            } else if !lines.isEmpty {
                return lines
            }
        }
        start = before
        return nil
    }

    private static func parse(_ head: [String]) -> Request? {
        let words = head[0].split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        guard words.count == 3, words[2].hasPrefix("HTTP/1.") else { return nil }
        var headers: [(name: String, value: String)] = []
        for line in head.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { return nil }
            let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            headers.append((String(line[..<colon]), String(value)))
        }
        var request = Request(method: words[0], target: words[1], headers: headers, keepsAlive: true)
        let wish = request.header("connection")?.lowercased()
        request.keepsAlive = words[2] == "HTTP/1.0" ? wish == "keep-alive" : wish != "close"
        return request
    }
}
