internal import FoundationEssentials
internal import NIOCore

/// A stream of JSON documents, one a line.
///
/// What cannot be read is left out: a later engine may have more to say than we know.
struct EngineLines: Sendable {
    let body: EngineBody
    let call: String

    init(_ body: EngineBody, call: String) {
        self.body = body
        self.call = call
    }

    func makeIterator() -> Iterator { Iterator(body: body.makeAsyncIterator()) }

    struct Iterator {
        var body: EngineBody.Iterator
        private var splitter = LineSplitter()
        private var lines: [LineSplitter.Line] = []
        private var next = 0
        private var hasEnded = false

        init(body: EngineBody.Iterator) {
            self.body = body
        }

        /// The next document of this type; `nil` at the end.
        mutating func next<Value: Decodable>(_ type: Value.Type) async throws(EngineError) -> Value? {
            while true {
                while next < lines.count {
                    defer { next += 1 }
                    guard case .whole(let line) = lines[next],
                        let value = try? JSONDecoder().decode(type, from: Data(line.readableBytesView))
                    else { continue }
                    return value
                }
                if hasEnded { return nil }
                next = 0
                if let bytes = try await body.next() {
                    lines = splitter.split(bytes)
                } else {
                    hasEnded = true
                    lines = splitter.finish().map { [$0] } ?? []
                }
            }
        }
    }
}
