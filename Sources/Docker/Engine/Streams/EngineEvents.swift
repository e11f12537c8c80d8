/// What happens at the engine, as it happens, less what is executed within containers. Hangs up when it is dropped. For
/// one reader.
package struct EngineEvents: AsyncSequence, Sendable {
    package typealias Failure = EngineError

    let lines: EngineLines
    let labels: [String: String]

    package func makeAsyncIterator() -> Iterator { Iterator(lines: lines.makeIterator(), labels: labels) }

    package struct Iterator: AsyncIteratorProtocol {
        var lines: EngineLines.Iterator
        let labels: [String: String]

        package mutating func next() async throws(EngineError) -> EngineEvent? {
            while let wire = try await lines.next(Wire.Event.self) {
                let event = EngineEvent(wire)
                // Three for each run of a health check, which say nothing of the container's life.
                if event.action.hasPrefix("exec_") { continue }
                if !event.isOfContainer || labels.allSatisfy({ event.attributes[$0.key] == $0.value }) { return event }
            }
            return nil
        }
    }
}
