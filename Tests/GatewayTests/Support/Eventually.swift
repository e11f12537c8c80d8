import Gateway
import ModelCore
import TestSupport
import Testing

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
