import ModelCore
import Reconciler
import Testing

@testable import ControlPlane

@Suite("Waits last as long as they must, and no longer", .timeLimit(.minutes(1)))
struct WaitTests {
    let control = FakeControl()

    @Test func outcomeComesBackWhole() async throws {
        try await withClient(of: control) { client in
            async let outcome = client.wait(for: .standby, of: churn, timeout: .milliseconds(1500))
            #expect(await control.nextCall() == .wait(churn, .standby, timeout: .milliseconds(1500)))
            let end = WaitOutcome(
                condition: ModelCondition(.failed, "exit code 3"), reached: false, impossible: "it has failed for good")
            control.endWait(of: churn, end)
            let seen = try await outcome
            #expect(seen == end)
        }
    }

    @Test func manyWaitAtOnce() async throws {
        // More than the connections that an HTTP client's pool would allow.
        let keys = (0..<40).map { ModelKey(domain: "d", source: "s", model: "m\($0)") }
        try await withClient(of: control) { client in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for key in keys {
                    group.addTask { try await client.wait(for: .ready, of: key, timeout: .seconds(3600)).reached }
                }
                var waiting: Set<FakeControl.Call> = []
                while waiting.count < keys.count, let call = await control.nextCall() { waiting.insert(call) }
                // The others wait on while the daemon answers.
                _ = try await client.about()
                for key in keys {
                    control.endWait(of: key, FakeControl.Outcome(condition: ModelCondition(.ready), reached: true))
                }
                for try await reached in group { #expect(reached) }
            }
        }
    }

    @Test func hangUpEndsTheWait() async throws {
        try await withClient(of: control) { client in
            let waiting = Task { _ = try await client.wait(for: .ready, of: churn, timeout: .seconds(3600)) }
            #expect(await control.nextCall() == .wait(churn, .ready, timeout: .seconds(3600)))
            waiting.cancel()
            #expect(await control.nextCall() == .waitCancelled(churn))
            await #expect(throws: ClientError.transport("cancelled")) { try await waiting.value }
        }
    }

    @Test func endOfTheServerEndsTheWait() async throws {
        try await withDirectory { directory in
            let socket = directory + "/modelet.sock"
            let client = AdminClient(socket: socket)
            let waiting = try await withServer(control, on: socket) {
                let waiting = Task { _ = try await client.wait(for: .ready, of: churn, timeout: .seconds(3600)) }
                #expect(await control.nextCall() == .wait(churn, .ready, timeout: .seconds(3600)))
                return waiting
            }
            #expect(await control.nextCall() == .waitCancelled(churn))
            await #expect(throws: ClientError.self) { try await waiting.value }
            await #expect(throws: ClientError.noDaemon) { try await client.about() }
        }
    }
}
