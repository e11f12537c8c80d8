/// What a container wrote, piece by piece. Hangs up when it is dropped. For one reader.
package struct LogChunks: AsyncSequence, Sendable {
    package typealias Failure = EngineError

    let body: EngineBody

    package func makeAsyncIterator() -> Iterator { Iterator(body: body.makeAsyncIterator()) }

    package struct Iterator: AsyncIteratorProtocol {
        var body: EngineBody.Iterator
        private var demultiplexer = LogDemultiplexer()
        private var chunks: [LogChunk] = []
        private var next = 0
        private var hasEnded = false

        init(body: EngineBody.Iterator) {
            self.body = body
        }

        package mutating func next() async throws(EngineError) -> LogChunk? {
            while true {
                if next < chunks.count {
                    defer { next += 1 }
                    return chunks[next]
                }
                if hasEnded { return nil }
                next = 0
                if let bytes = try await body.next() {
                    chunks = try demultiplexer.take(bytes)
                } else {
                    hasEnded = true
                    chunks = try demultiplexer.finish().map { [$0] } ?? []
                }
            }
        }
    }
}
