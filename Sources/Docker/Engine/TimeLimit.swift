/// Gives up `body` after `limit`, or when the task is cancelled, and throws once it has ended.
func within<Result: Sendable>(
    _ limit: Duration, _ call: String, _ body: @escaping @Sendable () async throws(EngineError) -> Result
) async throws(EngineError) -> Result {
    let result = await withTaskGroup(of: Swift.Result<Result, EngineError>.self) { group in
        group.addTask {
            do throws(EngineError) {
                return .success(try await body())
            } catch {
                return .failure(error)
            }
        }
        group.addTask {
            do {
                try await Task.sleep(for: limit)
                return .failure(.timedOut(call: call, after: limit))
            } catch {
                return .failure(.cancelled(call))
            }
        }
        // There are two: one is the first.
        let first = await group.next() ?? .failure(.cancelled(call))
        group.cancelAll()
        return first
    }
    return try result.get()
}
