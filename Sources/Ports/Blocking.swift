internal import Dispatch

/// Where calls run that block: reading `/proc`, files, name look-ups, starting a process. Concurrency threads stay free.
private let blockingQueue = DispatchQueue(label: "modelet.blocking", attributes: .concurrent)

/// Runs `work` on a thread that may block, and waits for it. Not cancellable: `work` must be bounded in time.
package func blocking<Value: Sendable, Failure: Error>(
    _ work: @escaping @Sendable () throws(Failure) -> Value
) async throws(Failure) -> Value {
    let result: Result<Value, Failure> = await withCheckedContinuation { continuation in
        blockingQueue.async {
            do throws(Failure) {
                continuation.resume(returning: .success(try work()))
            } catch {
                continuation.resume(returning: .failure(error))
            }
        }
    }
    return try result.get()
}
