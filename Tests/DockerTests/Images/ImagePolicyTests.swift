import Docker
import ModelCore
import Reconciler
import TestSupport
import Testing

/// Images whose registry only ECR's API knows are judged as soon as it is known, and before anything is fetched.
@Suite struct ImagePolicyTests {
    private func provision(host: String, allowed: String) async throws -> Provision {
        let credentials = TestCredentials()
        credentials.setHost(host)
        let store = ImageStore(
            // Nobody is there: a store that asked the engine would fail otherwise.
            engine: Engine(address: EngineAddress(socket: "/nonexistent/docker.sock")), credentials: credentials,
            policy: LaunchPolicy(allowedImages: [try #require(ImagePrefix(allowed))])
        ) { Timestamp(milliseconds: 5) }
        let request = try ImageRequest(ECRSpec(repository: "ml/model", container: ContainerSpec(containerPort: 80)))
        let key = ModelKey(domain: "test", source: "ecr", model: "default")
        return try await withThrowingTaskGroup { group in
            group.addTask { await store.run() }
            defer { group.cancelAll() }
            for _ in 0..<3 {
                let provision = await store.provide(request, for: key)
                guard case .underway = provision else { return provision }
                for await _ in store.wakes { break }
            }
            throw ProgramError("it is still under way")
        }
    }

    @Test func theRegistryThatECRNamesMustBeAllowed() async throws {
        let host = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
        guard case .failed(let refused) = try await provision(host: host, allowed: "r.io") else {
            Issue.record("it was provided")
            return
        }
        #expect(refused.classification == .terminal)
        #expect(
            refused.message.contains("images of \(host)/ml/model are not allowed by the policy of this daemon"),
            "\(refused.message)")

        guard case .failed(let unreachable) = try await provision(host: host, allowed: "\(host)/ml") else {
            Issue.record("it was provided")
            return
        }
        #expect(unreachable.classification == .retryable)
        #expect(!unreachable.message.contains("policy"), "\(unreachable.message)")
    }
}
