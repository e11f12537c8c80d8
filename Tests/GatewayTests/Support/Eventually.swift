import Gateway
import ModelCore
import Testing

/// Waits until `condition` holds; fails where that takes longer than any machine needs.
func eventually(_ what: String, _ condition: () async throws -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(60)
    while try await !condition() {
        guard ContinuousClock.now < deadline else { throw TimedOut(what: what) }
        try await Task.sleep(for: .milliseconds(2))
    }
}

extension Gateway {
    /// Waits until so many requests of ``scorer`` are in flight, and so many wait for a slot.
    func load(becomes inFlight: Int, waiting: Int) async throws {
        try await eventually(
            "\(inFlight) in flight and \(waiting) waiting: \(String(describing: admissionLoad(of: scorer)))"
        ) {
            self.admissionLoad(of: scorer) == AdmissionLoad(inFlight: inFlight, waiting: waiting)
        }
    }

    /// Sends a prediction on a connection of its own, without waiting for its answer.
    func begin(_ body: String = "{}") async throws -> RawClient {
        let client = try await RawClient.connect(listeningAddress?.port ?? 0)
        try await client.send(post(body))
        return client
    }
}
