import Docker
import ModelCore
import Reconciler
import TestSupport
import Testing

/// Images whose registry only ECR knows.
@Suite(.serialized, .needs(.engine, .registry)) struct ECRImageTests {
    private static func request(_ policy: PullPolicy = .missing) throws -> ImageRequest {
        var spec = ECRSpec(repository: "team/model", container: ContainerSpec(containerPort: 80))
        spec.tag = "1"
        spec.region = "us-east-1"
        spec.container.pull = policy
        return try ImageRequest(spec)
    }

    @Test func theRegistryIsAskedForOnceAndNobodyWaitsForIt() async throws {
        let credentials = TestCredentials(.ecr)
        try await ImageScope.run(account: .ecr, credentials: credentials) { scope in
            let digest = try await scope.publish("team/model:1")
            credentials.setHost(scope.registry.host, isHeld: true)
            let request = try Self.request()
            let keys = (0..<10).map { ImageScope.key($0) }
            for key in keys {
                let provision = await scope.store.provide(request, for: key)
                #expect(provision == .underway(PullProgress(image: "team/model:1")))
            }
            credentials.letGo()
            let fixed = "\(scope.registry.host)/team/model@\(digest)"
            for key in keys {
                // What was said before the wake still holds.
                #expect(try await scope.provideAnew(request, for: key) == .ready(image: fixed))
            }
            #expect(credentials.timesLocated == 1)
            #expect(await scope.store.currentImage(of: request) == fixed)
            #expect(credentials.timesLocated == 1)
        }
    }

    @Test func anIdentityThatIsMissingIsTold() async throws {
        try await ImageScope.run { scope in
            let provided = try await scope.provide(try Self.request())
            guard case .failed(let failure) = provided.provision else {
                Issue.record("\(provided.provision)")
                return
            }
            #expect(failure.classification == .terminal)
            #expect(failure.message.contains("`aws configure`"))
            // Once it is there, the registry is asked for again.
            scope.credentials.setHost(scope.registry.host)
            try await scope.publish("team/model:1")
            guard case .ready = try await scope.provide(try Self.request()).provision else {
                Issue.record("it is there now")
                return
            }
        }
    }

    @Test func neverAsksForTheRegistryOnlyToLookOnTheHost() async throws {
        try await ImageScope.run { scope in
            scope.credentials.setHost(scope.registry.host)
            try await scope.publish("team/model:1")
            let before = scope.questions(about: "team/model:1")
            let provided = try await scope.provide(try Self.request(.never))
            guard case .failed(let failure) = provided.provision else {
                Issue.record("\(provided.provision)")
                return
            }
            #expect(failure.classification == .terminal)
            #expect(scope.questions(about: "team/model:1") == before)
        }
    }

    @Test func whatECRNamesMayBeNoRegistry() async throws {
        try await ImageScope.run { scope in
            scope.credentials.setHost("no host")
            let provided = try await scope.provide(try Self.request())
            guard case .failed(let failure) = provided.provision else {
                Issue.record("\(provided.provision)")
                return
            }
            #expect(failure.message.contains("no host"))
        }
    }
}
