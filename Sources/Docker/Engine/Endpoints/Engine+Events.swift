internal import NIOCore
internal import NIOHTTP1
package import ModelCore

extension Engine {
    /// What happens at the engine from `since` on, or from now on, for as long as the sequence is read.
    /// Maps to `GET /events`.
    ///
    /// Ends, or throws, when the engine does. A stream on which nothing comes may be one of a hung engine: who needs to know
    /// pings beside it (``EngineWatch``).
    /// - Parameters:
    ///   - labels: only of containers that bear all of them.
    ///   - images: also what happens to images, which bear no labels of ours.
    package func events(
        since: Timestamp? = nil, labels: [String: String] = [:], images: Bool = false
    ) async throws(EngineError) -> EngineEvents {
        var filters = ["type": images ? ["container", "image"] : ["container"]]
        // The engine would apply the labels to images, too: with both, ``EngineEvents`` is who chooses.
        if !images, !labels.isEmpty {
            filters["label"] = labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        }
        var query = [("filters", try Self.filters(filters))]
        if let since { query.append(("since", since.engineTime)) }
        let call = EngineCall(method: .GET, path: "/events", query: query, timeout: limits.streamHead)
        return EngineEvents(lines: EngineLines(try await stream(call, .endless), call: call.name), labels: labels)
    }
}
