import Docker
import ModelCore
import Reconciler
import TestSupport
import Testing

/// What comes of a pull that comes to nothing.
@Suite(.serialized, .needs(.engine, .registry)) struct ImageFailureTests {
    @Test func aTagThatDoesNotExistIsNotTriedAgainSoon() async throws {
        try await ImageScope.run { scope in
            try await scope.publish("team/model:1")
            for name in ["team/model:2", "team/nothing:1"] {
                let failure = try ImageScope.failure(try await scope.provide(try scope.request(name)))
                #expect(failure.classification == .terminal)
                #expect(failure.message.contains("spelling"), "\(failure.message)")
            }
        }
    }

    @Test func aPrivateImageWithoutCredentialsIsDenied() async throws {
        try await ImageScope.run(account: .modelet) { scope in
            try await scope.publish("team/model:1")
            let failure = try ImageScope.failure(try await scope.provide(try scope.request("team/model:1")))
            #expect(failure.classification == .terminal)
            #expect(failure.message.contains("`docker login \(scope.registry.host)`"))
            #expect(scope.credentials.timesRenewed == 0)
        }
    }

    @Test func credentialsOpenAPrivateRegistry() async throws {
        try await ImageScope.run(account: .modelet, credentials: TestCredentials(.modelet)) { scope in
            let digest = try await scope.publish("team/model:1")
            let request = try scope.request("team/model:1")
            let fixed = "\(scope.registry.host)/team/model@\(digest)"
            #expect(try await scope.provide(request).provision == .ready(image: fixed))
            #expect(await scope.store.currentImage(of: request) == fixed)
        }
    }

    @Test func aRefusedPasswordIsRenewedOnce() async throws {
        let credentials = TestCredentials(.changed, fresh: .modelet)
        try await ImageScope.run(account: .modelet, credentials: credentials) { scope in
            try await scope.publish("team/model:1")
            let provided = try await scope.provide(try scope.request("team/model:1"))
            guard case .ready = provided.provision else {
                Issue.record("\(provided.provision)")
                return
            }
            #expect(scope.credentials.timesRenewed == 1)
        }
    }

    @Test func aPasswordMayChangeMeanwhile() async throws {
        let credentials = TestCredentials(.modelet, fresh: .changed)
        try await ImageScope.run(account: .modelet, credentials: credentials) { scope in
            for name in ["team/before:1", "team/after:1"] { try await scope.publish(name) }
            for (name, renewals) in [("team/before:1", 0), ("team/after:1", 1)] {
                guard case .ready = try await scope.provide(try scope.request(name)).provision else {
                    Issue.record("\(name) is not there")
                    return
                }
                #expect(scope.credentials.timesRenewed == renewals)
                try scope.registry.admit(.changed)
            }
        }
    }

    @Test func aPasswordThatStaysRefusedIsTerminal() async throws {
        try await ImageScope.run(account: .modelet, credentials: TestCredentials(.changed)) { scope in
            try await scope.publish("team/model:1")
            let failure = try ImageScope.failure(try await scope.provide(try scope.request("team/model:1")))
            #expect(failure.classification == .terminal)
            #expect(!failure.message.contains(PrivateRegistry.Account.changed.password))
            #expect(scope.credentials.timesRenewed == 1)
        }
    }

    @Test func aRegistryThatIsAwayIsTriedAgain() async throws {
        try await ImageScope.run { scope in
            try await scope.publish("team/model:1")
            let request = try scope.request("team/model:1")
            scope.registry.stop()
            let failure = try ImageScope.failure(try await scope.provide(request))
            #expect(failure.classification == .retryable)
            #expect(await scope.store.currentImage(of: request) == nil)
            try await scope.registry.restart()
            guard case .ready = try await scope.provide(request).provision else {
                Issue.record("it is back")
                return
            }
        }
    }

    @Test func aRegistryThatSaysNothingIsGivenUp() async throws {
        var limits = EngineLimits()
        limits.pullSilence = .milliseconds(300)
        try await ImageScope.run(limits: limits) { scope in
            let silent = try SilentPort()
            let request = try ImageRequest(
                DockerSpec(image: "127.0.0.1:\(silent.port)/team/model:1", container: ContainerSpec(containerPort: 80)))
            let failure = try ImageScope.failure(try await scope.provide(request))
            #expect(failure.classification == .retryable)
            #expect(failure.message.contains("nothing was heard"), "\(failure.message)")
            withExtendedLifetime(silent) {}
        }
    }

    @Test func whatIsCutShortByTheEndOfTheLoopIsNoFailure() async throws {
        let silent = try SilentPort()
        let engine = Engine(address: EngineAddress(socket: try await PrivateEngine.shared().socket))
        let credentials = TestCredentials()
        let store = ImageStore(engine: engine, credentials: credentials) { Timestamp(milliseconds: 1) }
        let request = try ImageRequest(
            DockerSpec(image: "127.0.0.1:\(silent.port)/team/model:1", container: ContainerSpec(containerPort: 80)))
        // Awaited below.
        let loop = Task { await store.run() }
        let underway = Provision.underway(PullProgress(image: "127.0.0.1:\(silent.port)/team/model:1"))
        #expect(await store.provide(request, for: ImageScope.key()) == underway)
        try await eventually("the pull has begun") { credentials.timesAsked > 0 }
        loop.cancel()
        await loop.value
        #expect(await store.provide(request, for: ImageScope.key()) == underway)
        withExtendedLifetime(silent) {}
    }

    @Test func modelsWithDifferentLoginsDoNotShareAFailure() async throws {
        try await ImageScope.run { scope in
            try await scope.publish("team/model:1")
            var spec = DockerSpec(
                image: "\(scope.registry.host)/team/model:1", container: ContainerSpec(containerPort: 80))
            spec.registryAuth = "given"
            let other = try ImageRequest(spec)
            scope.credentials.fail(with: .retryable("the helper does not answer"))
            let failure = try ImageScope.failure(try await scope.provide(other))
            #expect(failure.message.contains("the helper does not answer"))
            scope.credentials.fail(with: nil)
            guard
                case .ready = try await scope.provide(try scope.request("team/model:1"), for: ImageScope.key(1))
                    .provision
            else {
                Issue.record("this one has a login")
                return
            }
        }
    }

    @Test func missingCredentialsAreToldAsTheyAre() async throws {
        try await ImageScope.run { scope in
            scope.credentials.fail(with: .terminal("`docker-credential-none` is not installed"))
            let failure = try ImageScope.failure(try await scope.provide(try scope.request("team/model:1")))
            #expect(failure.classification == .terminal)
            #expect(failure.message.contains("`docker-credential-none` is not installed"))
        }
    }

    @Test func anEngineThatIsNotThereIsTriedAgain() async throws {
        let engine = Engine(address: EngineAddress(socket: "/nonexistent/docker.sock"))
        let store = ImageStore(engine: engine, credentials: TestCredentials()) { Timestamp(milliseconds: 5) }
        let spec = DockerSpec(image: "team/model:1", container: ContainerSpec(containerPort: 80))
        let provision = await store.provide(try ImageRequest(spec), for: ImageScope.key())
        guard case .failed(let failure) = provision else {
            Issue.record("\(provision)")
            return
        }
        #expect(failure.classification == .retryable)
        #expect(failure.at == Timestamp(milliseconds: 5))
    }
}
