import Docker
import ModelCore
import Reconciler
import TestSupport
import Testing

/// Pulls by a real engine from a real registry.
@Suite(.serialized, .needs(.engine, .registry)) struct ImageStoreTests {
    // MARK: - What comes

    @Test func aTagIsPulledAndFixedByItsDigest() async throws {
        try await ImageScope.run { scope in
            let digest = try await scope.publish("team/model:1")
            let request = try scope.request("team/model:1")
            let fixed = "\(scope.registry.host)/team/model@\(digest)"
            #expect(try await scope.provide(request).provision == .ready(image: fixed))
            // What is to be run can be run.
            _ = try await scope.engine.inspectImage(fixed)
            // And is there from now on.
            #expect(await scope.store.provide(request, for: ImageScope.key(1)) == .ready(image: fixed))
        }
    }

    @Test func aDigestIsPulledWhateverTheTagMeansByNow() async throws {
        try await ImageScope.run { scope in
            let digest = try await scope.publish("team/model:1")
            try await scope.publish("team/model:1")
            let request = try scope.request("team/model@\(digest)")
            let fixed = "\(scope.registry.host)/team/model@\(digest)"
            #expect(try await scope.provide(request).provision == .ready(image: fixed))
            #expect(await scope.store.currentImage(of: request) == nil)
            let withTag = try scope.request("team/model:1@\(digest)")
            #expect(try await scope.provide(withTag).provision == .ready(image: fixed))
        }
    }

    @Test func whatWasBuiltHereIsNotPulled() async throws {
        try await ImageScope.run { scope in
            let name = "\(scope.registry.host)/team/built:1"
            try await scope.build(name)
            let id = try await scope.engine.inspectImage(name).id
            for policy in [PullPolicy.missing, .never] {
                let request = try scope.request("team/built:1", policy)
                #expect(await scope.store.provide(request, for: ImageScope.key()) == .ready(image: id))
            }
            #expect(await scope.store.currentImage(of: try scope.request("team/built:1")) == id)
            #expect(scope.questions(about: "team/built:1") == 0)
        }
    }

    @Test func aTagThatWasBuiltAnewHereIsNotTakenForThePulledOne() async throws {
        try await ImageScope.run { scope in
            try await scope.publish("team/model:1")
            let request = try scope.request("team/model:1")
            let pulled = try await scope.provide(request).provision
            try await scope.build("\(scope.registry.host)/team/model:1")
            let id = try await scope.engine.inspectImage("\(scope.registry.host)/team/model:1").id
            #expect(await scope.store.provide(request, for: ImageScope.key()) == .ready(image: id))
            #expect(pulled != .ready(image: id))
        }
    }

    @Test func anImageIsPulledAgainWhereSomebodyRemovedIt() async throws {
        try await ImageScope.run { scope in
            try await scope.publish("team/model:1")
            let request = try scope.request("team/model:1")
            let first = try await scope.provide(request).provision
            try await scope.engine.removeImage("\(scope.registry.host)/team/model:1")
            #expect(try await scope.provide(request).provision == first)
            #expect(scope.questions(about: "team/model:1") >= 2)
        }
    }

    // MARK: - Policies

    @Test func neverPullsNothingAndSaysWhatToDo() async throws {
        try await ImageScope.run { scope in
            try await scope.publish("team/model:1")
            let before = scope.questions(about: "team/model:1")
            let request = try scope.request("team/model:1", .never)
            let failure = try ImageScope.failure(try await scope.provide(request))
            #expect(failure.classification == .terminal)
            #expect(failure.message.contains("`docker pull \(scope.registry.host)/team/model:1`"))
            #expect(scope.questions(about: "team/model:1") == before)

            try await scope.docker("pull", "\(scope.registry.host)/team/model:1")
            guard case .ready = await scope.store.provide(request, for: ImageScope.key()) else {
                Issue.record("it is there now")
                return
            }
        }
    }

    @Test func alwaysPullsForEachQuestionAndTellsEachOnce() async throws {
        try await ImageScope.run { scope in
            let old = try await scope.publish("team/model:1")
            let request = try scope.request("team/model:1", .always)
            let name = "\(scope.registry.host)/team/model"
            #expect(try await scope.provide(request).provision == .ready(image: "\(name)@\(old)"))
            let new = try await scope.publish("team/model:1")
            #expect(new != old)
            let second = try await scope.provide(request)
            #expect(second.provision == .ready(image: "\(name)@\(new)"))
            #expect(!second.progress.isEmpty)
            // Only a pull shows that: nothing is new.
            let before = scope.questions(about: "team/model:1")
            #expect(try await scope.provide(request).provision == .ready(image: "\(name)@\(new)"))
            try await eventually("the registry was asked") { scope.questions(about: "team/model:1") > before }
        }
    }

    // MARK: - One pull

    @Test func manyModelsShareOnePull() async throws {
        try await ImageScope.run { scope in
            try await scope.publish("team/alone:1")
            try await scope.publish("team/shared:1", layers: [1 << 20, 1 << 20])
            let published = (scope.questions(about: "team/alone:1"), scope.questions(about: "team/shared:1"))
            let alone = try scope.request("team/alone:1")
            _ = try await scope.provide(alone)
            try await eventually("a pull is logged") { scope.questions(about: "team/alone:1") > published.0 }
            let onePull = scope.questions(about: "team/alone:1") - published.0

            let requests = try [PullPolicy.missing, .always].map { try scope.request("team/shared:1", $0) }
            let provisions = try await withThrowingTaskGroup { group in
                for number in 0..<50 {
                    group.addTask { try await scope.provide(requests[number % 2], for: ImageScope.key(number)) }
                }
                return try await group.reduce(into: [Provision]()) { $0.append($1.provision) }
            }
            #expect(provisions.count == 50)
            #expect(Set(provisions).count == 1)
            guard case .ready = provisions[0] else {
                Issue.record("\(provisions[0])")
                return
            }
            try await eventually("the pull is logged") { scope.questions(about: "team/shared:1") > published.1 }
            #expect(scope.questions(about: "team/shared:1") - published.1 == onePull)
        }
    }

    @Test func whoHasLeftAPullIsNotToldOfItWhenHeComesBack() async throws {
        try await ImageScope.run { scope in
            try await scope.publish("team/model:1")
            let layer = try #require(try await scope.layers(of: "team/model:1").last)
            let proxy = try HoldingProxy(to: scope.registry.port, holding: layer)
            let request = try scope.request("team/model:1", .always, port: proxy.port)
            for number in 0...1 {
                guard case .underway = await scope.store.provide(request, for: ImageScope.key(number)) else {
                    throw ProgramError("did not wait for the layer")
                }
            }
            scope.store.leave(ImageScope.key())
            proxy.letGo()
            let image = try await scope.provideAnew(request, for: ImageScope.key(1))
            guard case .underway = await scope.store.provide(request, for: ImageScope.key()) else {
                throw ProgramError("was told what came of a pull that it had left")
            }
            #expect(try await scope.provideAnew(request, for: ImageScope.key()) == image)
        }
    }

    @Test func progressTellsLayersAndBytes() async throws {
        try await ImageScope.run { scope in
            try await scope.publish("team/big:1", layers: [2 << 20, 2 << 20, 2 << 20])
            let layers = try await scope.layers(of: "team/big:1")
            // The last layer does not come until it is let go: what is told till then stays.
            let proxy = try HoldingProxy(to: scope.registry.port, holding: try #require(layers.last))
            let request = try scope.request("team/big:1", port: proxy.port)
            var progress = PullProgress(image: "")
            try await eventually("two layers are there") {
                guard case .underway(let now) = await scope.store.provide(request, for: ImageScope.key()) else {
                    throw ProgramError("did not wait for the last layer")
                }
                progress = now
                return now.finishedLayers == 2
            }
            #expect(progress.image == "127.0.0.1:\(proxy.port)/team/big:1")
            #expect(progress.layers == 3)
            // Random bytes cannot be compressed.
            #expect(progress.fetchedBytes > 4 << 20)
            #expect(progress.totalBytes >= progress.fetchedBytes)
            try await eventually("who waits is woken with each layer") { scope.timesWoken(ImageScope.key()) >= 2 }
            proxy.letGo()
            guard case .ready = try await scope.provideAnew(request, for: ImageScope.key()) else {
                Issue.record("all layers are there")
                return
            }
            withExtendedLifetime(proxy) {}
        }
    }
}
