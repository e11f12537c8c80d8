internal import NIOCore
internal import NIOHTTP1
package import ModelCore

extension Engine {
    /// What a container wrote, and writes. Maps to `GET /containers/{id}/logs`.
    ///
    /// `refused(404)`: there is no such container.
    /// - Parameters:
    ///   - tail: the last lines only; `nil`: from the beginning.
    ///   - since: only what was written later.
    ///   - follow: goes on until the container ends.
    package func logs(
        _ id: String, tail: Int? = nil, since: Timestamp? = nil, follow: Bool = false
    ) async throws(EngineError) -> LogChunks {
        var query = [("stdout", "true"), ("stderr", "true"), ("follow", String(follow))]
        query.append(("tail", tail.map { String(max(0, $0)) } ?? "all"))
        if let since { query.append(("since", since.engineTime)) }
        let call = EngineCall(
            method: .GET, path: try Self.path(id, "logs"), query: query, timeout: limits.streamHead)
        return LogChunks(body: try await stream(call, follow ? .endless : .bounded))
    }

    /// The last lines that a container wrote, on either stream, oldest first; the longest are cut.
    /// Maps to `GET /containers/{id}/logs`.
    package func logTail(_ id: String, lines: Int) async throws(EngineError) -> [String] {
        try await within(limits.logTail, "GET /containers/\(id)/logs") { () async throws(EngineError) in
            var tail = LogTail(lines: lines)
            for try await chunk in try await self.logs(id, tail: lines) { tail.append(chunk) }
            return tail.finish()
        }
    }
}
