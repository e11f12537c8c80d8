import Docker
import ModelCore
import Reconciler
import TestSupport
import Testing

@Suite(.serialized, .needs(.engine, .registry)) struct CurrentImageTests {
    @Test func aMovedTagDiffersFromWhatWasPulled() async throws {
        try await ImageScope.run { scope in
            let old = try await scope.publish("team/model:1")
            let request = try scope.request("team/model:1")
            let name = "\(scope.registry.host)/team/model"
            #expect(try await scope.provide(request).provision == .ready(image: "\(name)@\(old)"))
            let new = try await scope.publishBeside("team/model:1")
            #expect(await scope.store.currentImage(of: request) == "\(name)@\(new)")
            // Nothing was pulled: what is here is what it was.
            #expect(await scope.store.provide(request, for: ImageScope.key()) == .ready(image: "\(name)@\(old)"))
        }
    }

    @Test func theRegistryIsAskedOnceForAllModels() async throws {
        try await ImageScope.run { scope in
            let digest = try await scope.publish("team/model:1")
            let request = try scope.request("team/model:1")
            let before = scope.questions(about: "team/model:1")
            let answers = await withTaskGroup { group in
                for _ in 0..<30 { group.addTask { await scope.store.currentImage(of: request) } }
                return await group.reduce(into: Set<String?>()) { $0.insert($1) }
            }
            #expect(answers == ["\(scope.registry.host)/team/model@\(digest)"])
            try await eventually("the question is logged") { scope.questions(about: "team/model:1") > before }
            #expect(scope.questions(about: "team/model:1") == before + 1)
        }
    }

    @Test func neverComparesWithWhatIsHere() async throws {
        try await ImageScope.run { scope in
            let old = try await scope.publish("team/model:1")
            let request = try scope.request("team/model:1", .never)
            #expect(await scope.store.currentImage(of: request) == nil)
            try await scope.docker("pull", "\(scope.registry.host)/team/model:1")
            try await scope.publishBeside("team/model:1")
            let before = scope.questions(about: "team/model:1")
            #expect(await scope.store.currentImage(of: request) == "\(scope.registry.host)/team/model@\(old)")
            #expect(scope.questions(about: "team/model:1") == before)
        }
    }
}
