/// What the engine tells while it pulls. Gives the pull up when it is dropped. For one reader.
package struct PullMessages: AsyncSequence, Sendable {
    package typealias Failure = EngineError

    let lines: EngineLines

    package func makeAsyncIterator() -> Iterator { Iterator(lines: lines.makeIterator()) }

    package struct Iterator: AsyncIteratorProtocol {
        var lines: EngineLines.Iterator

        /// The status of a refusal that comes within the stream, where it names none: it failed at the engine or behind it.
        static let unnamedStatus = 500

        package mutating func next() async throws(EngineError) -> PullMessage? {
            while let line = try await lines.next(Wire.PullLine.self) {
                if let message = line.errorDetail?.message ?? line.error {
                    let code = line.errorDetail?.code ?? 0
                    throw EngineRefusal.error(status: code > 0 ? code : Self.unnamedStatus, message: message)
                }
                guard let status = line.status else { continue }
                return PullMessage(
                    layer: line.id, status: status, current: line.progressDetail?.current ?? 0,
                    total: line.progressDetail?.total ?? 0)
            }
            return nil
        }
    }
}
