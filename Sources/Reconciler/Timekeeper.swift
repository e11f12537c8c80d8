package import ModelCore

/// Time as the controller sees it; tests move it by hand.
package protocol Timekeeper: Sendable {
    /// The wall clock: what is written to the database and compared with it.
    func now() -> Timestamp

    /// Waits until `deadline`. Throws `CancellationError` when the task is cancelled.
    func sleep(until deadline: Timestamp) async throws
}

extension Timekeeper {
    /// Waits for `span` from now. Throws `CancellationError` when the task is cancelled.
    package func sleep(for span: Seconds) async throws {
        try await sleep(until: now() + span)
    }
}
